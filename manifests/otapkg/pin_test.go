// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"slices"
	"testing"

	fixtures "landed/firmware-fixtures"
)

func pinsOf(t testing.TB, certs ...*x509.Certificate) (pins []Pin) {
	t.Helper()
	for _, cert := range certs {
		pin, err := PinOf(cert)
		if err != nil {
			t.Fatal(err)
		}
		pins = append(pins, pin)
	}
	return pins
}

// TestPinOf: the hash is that of the certificate's own signature, where recovery looks.
func TestPinOf(t *testing.T) {
	for _, c := range []struct {
		alg  x509.SignatureAlgorithm
		hash crypto.Hash
	}{
		{x509.MD5WithRSA, crypto.SHA1}, {x509.SHA1WithRSA, crypto.SHA1}, {x509.SHA256WithRSA, crypto.SHA256},
		{x509.ECDSAWithSHA256, crypto.SHA256}, {x509.ECDSAWithSHA1, 0}, {x509.SHA512WithRSA, 0}, {x509.SHA256WithRSAPSS, 0},
	} {
		pin, err := PinOf(&x509.Certificate{SignatureAlgorithm: c.alg, PublicKey: &rsa.PublicKey{}})
		if pin.Hash != c.hash || (err == nil) != (c.hash != 0) {
			t.Errorf("%v: %v, %v", c.alg, pin.Hash, err)
		}
	}
	if pin, err := PinOf(&x509.Certificate{SignatureAlgorithm: x509.SHA256WithRSA}); err == nil { // so x509 says that it cannot read a key
		t.Errorf("no key: %v", pin)
	}
}

func TestParsePins(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), SignatureAlgorithm: x509.SHA512WithRSA}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, b []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}) }
	one, two := fixtures.TestKey().CertPEM(), fixtures.TestKeySHA1().CertPEM()
	for _, c := range []struct {
		name   string
		text   []byte
		hashes []crypto.Hash
	}{
		{"one", one, []crypto.Hash{crypto.SHA256}},
		{"two of one key, with a comment", slices.Concat([]byte("of 2014:\n"), two, one), []crypto.Hash{crypto.SHA1, crypto.SHA256}},
		{"beside another block", slices.Concat(block("PUBLIC KEY", nil), one), []crypto.Hash{crypto.SHA256}},
		{"a key alone", block("PUBLIC KEY", nil), nil},
		{"nothing", nil, nil},
		{"no certificate in the block", block("CERTIFICATE", []byte("x")), nil},
		{"a hash that recovery does not know", block("CERTIFICATE", der), nil},
	} {
		pins, err := ParsePins(c.text)
		var got []crypto.Hash
		for _, pin := range pins {
			got = append(got, pin.Hash)
		}
		if !slices.Equal(got, c.hashes) || (err == nil) != (c.hashes != nil) {
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
	}
}
