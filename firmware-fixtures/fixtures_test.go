// SPDX-License-Identifier: Apache-2.0

package fixtures

import (
	"archive/zip"
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// everyBuild calls f for every model and kind.
func everyBuild(t *testing.T, f func(t *testing.T, b Build)) {
	t.Helper()
	for _, m := range Models() {
		for _, k := range Kinds() {
			b, err := BuildOf(m, k)
			if err != nil {
				t.Fatal(err)
			}
			t.Run(m+"/"+string(k), func(t *testing.T) { f(t, b) })
		}
	}
}

func mustBytes(t *testing.T, b Build, k Key) []byte {
	t.Helper()
	data, err := Bytes(b, k)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestGolden pins every byte. The entry list is there so that a change of Go's compressor, which moves the
// SHA-256 and the offsets but no name, size or CRC, can be told from a change of ours.
func TestGolden(t *testing.T) {
	everyBuild(t, func(t *testing.T, b Build) {
		data := mustBytes(t, b, TestKey())
		var got strings.Builder
		fmt.Fprintf(&got, "sha256 %x\nsize %d\n", sha256.Sum256(data), len(data))
		z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range z.File {
			fmt.Fprintf(&got, "%s method %d flags %d size %d crc %08x\n", f.Name, f.Method, f.Flags, f.UncompressedSize64, f.CRC32)
		}
		path := filepath.Join("testdata", "golden", b.Model+"-"+string(b.Kind)+".txt")
		if *update {
			if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("package changed; if meant, run with -update (-want +got):\n%s", diff)
		}
	})
}

// TestReadBack reads every byte of every entry with the standard library, which checks each CRC.
func TestReadBack(t *testing.T) {
	everyBuild(t, func(t *testing.T, b Build) {
		data := mustBytes(t, b, TestKey())
		z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, f := range z.File {
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(r)
			if err != nil {
				t.Fatalf("%s: %v", f.Name, err)
			}
			got[f.Name] = string(text)
		}
		if got[nameOtacert] != string(TestKey().CertPEM()) {
			t.Error("otacert is not the signer's certificate")
		}
		if b.AB {
			return
		}
		for name, want := range b.SystemFiles() {
			if got["system/"+name] != string(want) {
				t.Errorf("system/%s differs from SystemFiles", name)
			}
		}
		want := fmt.Sprintf("post-build=%s\npost-timestamp=%d\npre-device=%s\n", b.Fingerprint, b.UTC, b.Model)
		if diff := cmp.Diff(want, got[nameMetadata]); diff != "" {
			t.Error(diff)
		}
	})
}

// TestPatchedIsNewer: an image that undoes the fix must never look like an update of it.
func TestPatchedIsNewer(t *testing.T) {
	for _, m := range Models() {
		var before int64
		for _, k := range Kinds() {
			b, _ := BuildOf(m, k)
			if b.UTC <= before {
				t.Errorf("%s %s was built at %d, not after %d", m, k, b.UTC, before)
			}
			before = b.UTC
		}
	}
}

// tail splits a signed package by the arithmetic of recovery's verifier.
func tail(t *testing.T, data []byte) (signed, der []byte) {
	t.Helper()
	n := len(data)
	start, comment := int(data[n-6])|int(data[n-5])<<8, int(data[n-2])|int(data[n-1])<<8
	if data[n-4] != 0xff || data[n-3] != 0xff || start > comment {
		t.Fatalf("no footer: % x", data[n-6:])
	}
	eocd := data[n-comment-22:]
	if !bytes.HasPrefix(eocd, []byte("PK\x05\x06")) || bytes.Contains(eocd[1:], []byte("PK\x05\x06")) {
		t.Fatal("the end record is not where the footer says, or there are two")
	}
	if got := int(eocd[20]) | int(eocd[21])<<8; got != comment {
		t.Fatalf("end record says %d bytes of comment, footer says %d", got, comment)
	}
	return data[:n-comment-2], data[n-start : n-6]
}

// TestWholeFileSignature checks the way a recovery of 2014 does: the last 256 bytes before the footer are an
// RSA signature over everything before the comment length.
func TestWholeFileSignature(t *testing.T) {
	for _, k := range []struct {
		name string
		key  Key
		hash crypto.Hash
	}{{"SHA-256", TestKey(), crypto.SHA256}, {"SHA-1", TestKeySHA1(), crypto.SHA1}} {
		t.Run(k.name, func(t *testing.T) {
			b, _ := BuildOf("armani", Patched)
			signed, der := tail(t, mustBytes(t, b, k.key))
			alg := x509.SHA256WithRSA
			if k.hash == crypto.SHA1 {
				t.Setenv("GODEBUG", "x509sha1=1")
				alg = x509.SHA1WithRSA
			}
			if err := k.key.Cert.CheckSignature(alg, signed, der[len(der)-256:]); err != nil {
				t.Errorf("last 256 bytes: %v", err)
			}
		})
	}
}

// TestOpenSSL lets another implementation check PKCS #7, certificate and digest, for every kind of key.
func TestOpenSSL(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("openssl is not installed; it is the second opinion on the signatures")
	}
	b, _ := BuildOf("armani", Patched)
	for _, k := range []struct {
		name string
		key  Key
	}{{"RSA-2048", TestKey()}, {"SHA-1", TestKeySHA1()}, {"P-256", embeddedKey("ec", "ec")}, {"RSA-4096", embeddedKey("rsa4096", "rsa4096")}} {
		t.Run(k.name, func(t *testing.T) {
			signed, der := tail(t, mustBytes(t, b, k.key))
			dir := t.TempDir()
			for name, data := range map[string][]byte{"signed": signed, "sig.der": der,
				"cert.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.key.Cert.Raw})} {
				if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "sig.der", "-content", "signed",
				"-certfile", "cert.pem", "-noverify", "-out", "/dev/null")
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

// TestLaterBuilds: each is newer than all before, under a name of its own.
func TestLaterBuilds(t *testing.T) {
	for _, m := range Models() {
		last, err := BuildOf(m, Bad)
		if err != nil {
			t.Fatal(err)
		}
		for n := 1; n <= MaxLater; n++ {
			b, err := LaterBuildOf(m, Patched, n)
			if err != nil {
				t.Fatal(err)
			}
			if b.UTC <= last.UTC || b.Fingerprint == last.Fingerprint || b.Version == last.Version || !strings.Contains(b.Fingerprint, b.Version) {
				t.Errorf("%s %d: %s after %s", m, n, b.Fingerprint, last.Fingerprint)
			}
			last = b
		}
	}
	if b, _ := LaterBuildOf("armani", Patched, 1); b.Version != "JHCMIBH48.0" {
		t.Errorf("armani: %s", b.Version)
	}
	for _, n := range []int{0, MaxLater + 1} {
		if _, err := LaterBuildOf("armani", Patched, n); err == nil {
			t.Errorf("there is a later build %d", n)
		}
	}
}
