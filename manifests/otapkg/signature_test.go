// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"math/big"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
)

// signedBy writes the patched package of a model, signed by key under a certificate that signs itself.
func signedBy(t *testing.T, model string, key crypto.Signer) ([]byte, fixtures.Key) {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(7)},
		&x509.Certificate{SerialNumber: big.NewInt(7)}, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	k := fixtures.Key{Private: key, Cert: cert}
	return packageOf(t, model, k), k
}

func packageOf(t testing.TB, model string, k fixtures.Key) []byte {
	t.Helper()
	build, err := fixtures.BuildOf(model, fixtures.Patched)
	if err != nil {
		t.Fatal(err)
	}
	b, err := fixtures.Bytes(build, k)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// harmless are the findings of the good packages.
var harmless = []Code{DataWrite, BootWrite}

func TestSignatureFindings(t *testing.T) {
	rsa4096, err := rsa.GenerateKey(rand.Reader, 4096)
	if err != nil {
		t.Fatal(err)
	}
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	models := manifests.DefaultCatalogue()
	test, sha1 := fixtures.TestKey(), fixtures.TestKeySHA1()
	pin := func(k fixtures.Key) Policy { return Policy{Catalogue: models, Pins: pinsOf(t, k.Cert)} }
	good := packageOf(t, "armani", test)

	t.Run("RSA-2048 for 2014", func(t *testing.T) { only(t, good, pin(test), harmless) })
	t.Run("no key pinned", func(t *testing.T) { only(t, good, Policy{}, harmless) })
	t.Run("other key pinned", func(t *testing.T) {
		only(t, good, Policy{Catalogue: models, Pins: []Pin{{p256.Public(), crypto.SHA256}}}, harmless, SigKey)
	})
	t.Run("RSA-4096 for 2014", func(t *testing.T) {
		b, k := signedBy(t, "armani", rsa4096)
		only(t, b, pin(k), harmless, SigAlg)
	})
	t.Run("EC for 2014", func(t *testing.T) {
		b, k := signedBy(t, "armani", p256)
		only(t, b, pin(k), harmless, SigAlg)
	})
	t.Run("EC today", func(t *testing.T) {
		b, k := signedBy(t, "fuxi", p256)
		only(t, b, pin(k), harmless)
	})
	t.Run("SHA-1 for 2014", func(t *testing.T) {
		only(t, packageOf(t, "armani", sha1), pin(sha1), harmless)
	})
	t.Run("SHA-1 under the other certificate of its key", func(t *testing.T) {
		if facts, _ := inspectBytes(t, packageOf(t, "armani", sha1), pin(test)); facts.Signer.Pinned || !facts.Signer.Valid {
			t.Errorf("signer = %+v", facts.Signer)
		}
		only(t, packageOf(t, "armani", sha1), pin(test), harmless, SigAlg)
	})
	t.Run("SHA-256 under the other certificate of its key", func(t *testing.T) { only(t, good, pin(sha1), harmless, SigAlg) })
	t.Run("both certificates pinned", func(t *testing.T) {
		both := Policy{Catalogue: models, Pins: pinsOf(t, test.Cert, sha1.Cert)}
		only(t, packageOf(t, "armani", sha1), both, harmless)
		only(t, good, both, harmless)
	})
	t.Run("SHA-1 today", func(t *testing.T) {
		if found := only(t, packageOf(t, "fuxi", sha1), pin(sha1), harmless, SigSHA1); !found.Refused() {
			t.Error("SHA-1 on a current model is not refused")
		}
	})
	t.Run("content changed", func(t *testing.T) {
		b := slices.Clone(good)
		b[bytes.Index(b, []byte("post-build"))+12] ^= 1 // inside the fingerprint
		_, found := inspectBytes(t, b, pin(test))
		if !found.Has(SigBad) {
			t.Errorf("findings = %v", found.Codes())
		}
	})
	t.Run("footer with half of its mark", func(t *testing.T) {
		for _, at := range []int{4, 3} { // both bytes of FF FF count to a recovery
			b := slices.Clone(good)
			b[len(b)-at] = 0xFE
			only(t, b, pin(test), harmless, SigJarOnly)
		}
	})
	t.Run("footer length", func(t *testing.T) {
		b := slices.Clone(good)
		b[len(b)-2]++
		only(t, b, pin(test), harmless, SigSize)
	})
	t.Run("signature start outside the comment", func(t *testing.T) {
		b := slices.Clone(good)
		b[len(b)-5] = 0xFF
		only(t, b, pin(test), harmless, SigBad)
	})
	t.Run("certificate of another key", func(t *testing.T) {
		other := fixtures.TestKeySHA1() // the same key: the file is signed by it, otacert is the other's
		if bytes.Equal(other.Cert.Raw, test.Cert.Raw) {
			t.Fatal("the two certificates are one")
		}
		var found Findings
		judgeOTACert(other.CertPEM(), &signature{cert: test.Cert}, &found)
		judgeOTACert(test.CertPEM(), &signature{cert: test.Cert}, &found)
		judgeOTACert([]byte("nothing"), &signature{cert: test.Cert}, &found)
		if len(found) != 2 || !found.Has(SigCert) {
			t.Errorf("findings = %v", found)
		}
	})
}

// TestParseSignatures reads Signatures messages of payloads (update_metadata.proto): data, and its size without padding.
func TestParseSignatures(t *testing.T) {
	one := func(data string, unpadded int) []byte {
		b := msg(nil, 2, []byte(data))
		if unpadded >= 0 {
			b = protowire.AppendFixed32(protowire.AppendTag(b, 3, protowire.Fixed32Type), uint32(unpadded))
		}
		return msg(nil, 1, b)
	}
	nine := bytes.Repeat(one("x", -1), maxSigners+1)
	for _, c := range []struct {
		name string
		text []byte
		want []string
		ok   bool
	}{
		{"none", nil, nil, true},
		{"one", one("abc", -1), []string{"abc"}, true},
		{"two, one padded", slices.Concat(one("abc\x00", 3), one("de", 2)), []string{"abc", "de"}, true},
		{"more than are tried", nine, []string{"x", "x", "x", "x", "x", "x", "x", "x"}, true},
		{"fields of other numbers and types", slices.Concat(tag(nil, 1, 7), msg(nil, 2, []byte("not one")), one("a", -1)), []string{"a"}, true},
		{"less data than it says", one("abc", 4), nil, false},
		{"cut in the middle", one("abc", -1)[:3], nil, false},
	} {
		sigs, err := parseSignatures(c.text)
		var got []string
		for _, s := range sigs {
			got = append(got, string(s))
		}
		if (err == nil) != c.ok || c.ok && !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, %v", c.name, got, err)
		}
	}
}

// TestAlgorithm: recovery of today knows RSA of two lengths with two exponents, and one curve.
func TestAlgorithm(t *testing.T) {
	rsaKey := func(bits uint, e int) *rsa.PublicKey {
		return &rsa.PublicKey{N: new(big.Int).SetBit(new(big.Int), int(bits)-1, 1), E: e}
	}
	for _, c := range []struct {
		key    crypto.PublicKey
		name   string
		usable bool
	}{
		{rsaKey(2048, 65537), "RSA-2048", true},
		{rsaKey(2048, 3), "RSA-2048", true},
		{rsaKey(4096, 65537), "RSA-4096", true},
		{rsaKey(2048, 17), "RSA-2048", false},
		{rsaKey(1024, 65537), "RSA-1024", false},
		{rsaKey(3072, 3), "RSA-3072", false},
		{&ecdsa.PublicKey{Curve: elliptic.P256()}, "P-256", true},
		{&ecdsa.PublicKey{Curve: elliptic.P384()}, "P-384", false},
	} {
		if name, usable := algorithm(c.key); name != c.name || usable != c.usable {
			t.Errorf("%s: got %s, usable %v", c.name, name, usable)
		}
	}
}

func TestPublishedKeyInTheLab(t *testing.T) {
	b := readVector(t, "otasigned_v3.zip")
	for _, c := range []struct {
		channel string
		want    Level
	}{{"stable", Refuse}, {Lab, Warn}, {"", Refuse}} {
		_, found := inspectBytes(t, b, Policy{Channel: c.channel})
		i := slices.IndexFunc(found, func(f Finding) bool { return f.Code == SigPublic })
		if i < 0 || found[i].Level != c.want {
			t.Errorf("channel %q: %v", c.channel, found)
		}
	}
	if name, ok := PublishedKey(vectorKey(t, "testkey_v3.x509.pem")); !ok || name != "AOSP testkey" {
		t.Errorf("PublishedKey(v3) = %q, %v", name, ok)
	}
	if _, ok := PublishedKey(fixtures.TestKey().Private.Public()); ok {
		t.Error("the fixtures' key is not AOSP's")
	}
}

func TestParseSignedDataRefuses(t *testing.T) {
	b := packageOf(t, "armani", fixtures.TestKey())
	a, _, err := ReadArchive(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	c := a.end.comment
	der := c[len(c)-int(le.Uint16(c[len(c)-6:])) : len(c)-footerLen]
	if _, _, err := parseSignedData(der); err != nil {
		t.Fatal(err)
	}
	for n := range der {
		if _, _, err := parseSignedData(der[:n]); err == nil {
			t.Fatalf("%d of %d bytes pass", n, len(der))
		}
	}
	if _, _, err := parseSignedData(append(slices.Clone(der), 0)); err == nil {
		t.Error("a byte after the signature passes")
	}
}
