// SPDX-License-Identifier: Apache-2.0

package csig

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// maker is the OTA key of the fixtures; everybody has it.
func maker(t testing.TB, name string) (*pem.Block, *x509.Certificate, string) {
	t.Helper()
	dir := filepath.Join("..", "..", "firmware-fixtures", "keys")
	read := func(file string) *pem.Block {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(text)
		return block
	}
	cert, err := x509.ParseCertificate(read(name + ".cert.pem").Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return read(name + ".key.pem"), cert, dir
}

func good() Info {
	digest := strings.Repeat("0a", 32)
	return Info{Version: 2, VBMetaDigest: strings.Repeat("b1", 32), Files: []File{
		{"payload_metadata.bin", 41, 827, digest}, {"payload.bin", 41, 1392, digest}, {"payload_properties.txt", 1485, 147, digest},
		{"care_map.pb", 1700, 20, digest}, {"metadata", 1809, 29, digest}, {"metadata.pb", 1900, 60, digest},
	}}
}

func signed(t testing.TB, info Info) []byte {
	t.Helper()
	key, cert, _ := maker(t, "ota")
	der, err := Sign(info, privateKey(t, key), cert)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestSignAndOpen(t *testing.T) {
	_, cert, _ := maker(t, "ota")
	der := signed(t, good())
	if !bytes.Equal(der, signed(t, good())) {
		t.Error("the same is signed in two forms")
	}
	info, by, err := Open(der)
	if err != nil || !bytes.Equal(by.Raw, cert.Raw) || string(info.bytes()) != string(good().bytes()) {
		t.Fatalf("%+v, %v", info, err)
	}
	if f, ok := info.File(Payload); !ok || f.Size != 1392 {
		t.Errorf("payload.bin: %+v", f)
	}
	for i := range der { // whatever byte is changed, it is refused, or says the same by the same key
		bad := bytes.Clone(der)
		bad[i] ^= 1
		got, by, err := Open(bad)
		if err == nil && (string(got.bytes()) != string(info.bytes()) || !cert.PublicKey.(*rsa.PublicKey).Equal(by.PublicKey)) {
			t.Fatalf("byte %d changed: it reads %+v", i, got)
		}
	}
	for _, bad := range [][]byte{nil, der[:len(der)-1], append(bytes.Clone(der), 0), make([]byte, MaxFile+1)} {
		if _, _, err := Open(bad); err == nil {
			t.Errorf("%d bytes are accepted", len(bad))
		}
	}
}

func TestSignRefuses(t *testing.T) {
	key, cert, _ := maker(t, "ota")
	_, other, _ := maker(t, "other")
	ecKey, ec, _ := maker(t, "ec")
	for name, tt := range map[string]struct {
		info Info
		key  *pem.Block
		cert *x509.Certificate
		want string
	}{
		"other certificate": {good(), key, other, "not that of the key"},
		"not RSA":           {good(), ecKey, ec, "signed by RSA"},
		"empty":             {Info{Version: 2}, key, cert, "does not list payload.bin"},
	} {
		if _, err := Sign(tt.info, privateKey(t, tt.key), tt.cert); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, wanted words about %q", name, err, tt.want)
		}
	}
}

func TestValidate(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Info)
		want   string
	}{
		"later version":      {func(i *Info) { i.Version = 3 }, "version is 3"},
		"1 with vbmeta":      {func(i *Info) { i.Version = 1 }, "version 1 knows no vbmeta_digest"},
		"upper case":         {func(i *Info) { i.VBMetaDigest = strings.Repeat("B1", 32) }, "lower case"},
		"short digest":       {func(i *Info) { i.Files[0].Digest = "0a" }, "64 hex digits"},
		"twice":              {func(i *Info) { i.Files[3].Name = "metadata" }, "each name once"},
		"no name":            {func(i *Info) { i.Files[3].Name = "" }, "each name once"},
		"before the start":   {func(i *Info) { i.Files[3].Offset = -1 }, "a stretch"},
		"no offset":          {func(i *Info) { i.Files[3].Offset = 0 }, "a stretch"},
		"nothing":            {func(i *Info) { i.Files[3].Size = 0 }, "a stretch"},
		"overflow":           {func(i *Info) { i.Files[3].Offset = 1<<63 - 1 }, "a stretch"},
		"no metadata.pb":     {func(i *Info) { i.Files[5].Name = "x" }, "does not list metadata.pb"},
		"no payload":         {func(i *Info) { i.Files[1].Name = "x" }, "does not list payload.bin"},
		"no head of payload": {func(i *Info) { i.Files[0].Name = "x" }, "does not list payload_metadata.bin"},
		"no properties":      {func(i *Info) { i.Files[2].Name = "x" }, "does not list payload_properties.txt"},
		"too many":           {func(i *Info) { i.Files = append(i.Files, make([]File, 30)...) }, "at most 32"},
	} {
		info := good()
		tt.change(&info)
		if err := info.Validate(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, wanted words about %q", name, err, tt.want)
		}
	}
	old := good()
	old.Version, old.VBMetaDigest = 1, ""
	if err := old.Validate(); err != nil {
		t.Error(err)
	}
}

func openssl(t *testing.T, args ...string) ([]byte, error) {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("openssl is not installed; it is how people check a csig")
	}
	var complaint bytes.Buffer
	c := exec.Command("openssl", args...)
	c.Stderr = &complaint
	out, err := c.Output()
	if err != nil {
		t.Logf("openssl: %s", complaint.String())
	}
	return out, err
}

// TestOpenSSL: what Sign makes, openssl verifies; what openssl makes, Open reads.
func TestOpenSSL(t *testing.T) {
	_, _, keys := maker(t, "ota")
	dir := t.TempDir()
	file, content := filepath.Join(dir, "a.csig"), filepath.Join(dir, "a.json")
	if err := os.WriteFile(file, signed(t, good()), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"cms", "-verify", "-inform", "DER", "-binary", "-purpose", "any", "-no_check_time", "-in", file, "-CAfile"}
	out, err := openssl(t, append(args, filepath.Join(keys, "ota.cert.pem"))...)
	if err != nil || string(out) != string(good().bytes()) {
		t.Errorf("openssl reads %s, %v", out, err)
	}
	if out, err := openssl(t, append(args, filepath.Join(keys, "other.cert.pem"))...); err == nil {
		t.Errorf("openssl takes it for that of another: %s", out)
	}
	if err := os.WriteFile(content, good().bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	sign := []string{"cms", "-sign", "-binary", "-outform", "DER", "-md", "sha256", "-signer", filepath.Join(keys, "ota.cert.pem"),
		"-inkey", filepath.Join(keys, "ota.key.pem"), "-in", content, "-out", file}
	for _, tt := range []struct {
		more []string
		want string // "" if it is read
	}{
		{[]string{"-nodetach"}, ""},
		{[]string{"-nodetach", "-md", "sha512"}, ""},
		{nil, "detached"},
		{[]string{"-nodetach", "-nocerts"}, "exactly one certificate"},
		{[]string{"-nodetach", "-certfile", filepath.Join(keys, "other.cert.pem")}, "exactly one certificate"},
		{[]string{"-nodetach", "-md", "sha1"}, "wanted SHA-256"},
		{[]string{"-nodetach", "-keyopt", "rsa_padding_mode:pss"}, "wanted RSA over"},
		{[]string{"-nodetach", "-keyid"}, "cannot be read"},
		{[]string{"-nodetach", "-noattr"}, "not what was signed"},
	} {
		if _, err := openssl(t, append(sign, tt.more...)...); err != nil {
			t.Errorf("%q: %v", tt.more, err)
			continue
		}
		der, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if info, _, err := Open(der); (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) ||
			err == nil && string(info.bytes()) != string(good().bytes()) {
			t.Errorf("%q: %v, wanted words about %q", tt.more, err, tt.want)
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(signed(f, good()))
	f.Add([]byte{0x30, 0x80})
	f.Fuzz(func(t *testing.T, der []byte) {
		info, cert, err := Open(der)
		if err != nil {
			return
		}
		if cert == nil || info.Validate() != nil {
			t.Fatalf("it is read, and is not valid: %+v", info)
		}
		if _, found := phone(der, cert); len(found) > 0 {
			t.Fatalf("it is read, and a phone that trusts its key does not read it: %v", found)
		}
	})
}
