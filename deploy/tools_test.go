// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestNginxTakesIt has nginx read its file, with folders and a certificate of this test.
func TestNginxTakesIt(t *testing.T) {
	program, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("there is no nginx here: " + err.Error())
	}
	dir := t.TempDir()
	certificate, key := selfSigned(t)
	write(t, filepath.Join(dir, "tls_certificate"), certificate)
	write(t, filepath.Join(dir, "tls_key"), key)
	conf := strings.NewReplacer("/run/secrets/", dir+"/", "/var/cache/nginx/", dir+"/", "/tmp/", dir+"/").Replace(read(t, "nginx/nginx.conf"))
	file := filepath.Join(dir, "nginx.conf")
	write(t, file, conf)
	out, err := exec.Command(program, "-t", "-p", dir, "-c", file, "-e", "stderr").CombinedOutput()
	if err != nil || strings.Contains(string(out), "[warn]") && os.Geteuid() != 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

func selfSigned(t *testing.T) (certificate, key string) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0)}
	der, err := x509.CreateCertificate(nil, about, about, public, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}

// TestSystemdTakesIt has systemd look at the unit, alone and with what replicas add, and hold it to how little it may do.
func TestSystemdTakesIt(t *testing.T) {
	program, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd here: " + err.Error())
	}
	truth, err := exec.LookPath("true")
	if err != nil {
		t.Skip(err)
	}
	for _, replica := range []bool{false, true} {
		dir := t.TempDir()
		unit := filepath.Join(dir, "otad.service")
		write(t, unit, strings.Replace(read(t, "systemd/otad.service"), "/usr/local/bin/otad", truth, 1))
		if replica {
			if err := os.Mkdir(unit+".d", 0o755); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(unit+".d", "postgres-s3.conf"), read(t, "systemd/otad.service.d/postgres-s3.conf"))
		}
		if out, err := exec.Command(program, "verify", "--man=no", unit).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("verify: %v\n%s", err, out)
		}
		out, err := exec.Command(program, "security", "--offline=yes", "--threshold=20", unit).CombinedOutput() // 2.0 of 10
		if err != nil {
			t.Errorf("security: %v\n%s", err, out)
		}
	}
}
