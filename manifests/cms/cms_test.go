// SPDX-License-Identifier: Apache-2.0

package cms

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
)

func certificate(t testing.TB, name string) *x509.Certificate {
	t.Helper()
	text, err := os.ReadFile("../../firmware-fixtures/keys/" + name + ".cert.pem")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// example signs nothing: only the form is looked at here.
func example(t testing.TB) Signed {
	return Signed{Type: Data, Content: []byte{4, 2, 'h', 'i'}, Cert: certificate(t, "ota"), Hash: SHA256, Algorithm: RSA,
		Attributes: []byte{set, 3, 2, 1, 7}, Signature: []byte("no signature")}
}

func TestReadAndWrite(t *testing.T) {
	s := example(t)
	der, err := s.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Read(der); err != nil || !reflect.DeepEqual(again, s) {
		t.Errorf("read again it is %+v, %v", again, err)
	}
	for n := range der {
		if _, err := Read(der[:n]); err == nil {
			t.Errorf("the first %d bytes of %d are read", n, len(der))
		}
	}
	if _, err := Read(append(der, 0)); err == nil {
		t.Error("a byte more is read")
	}
	for name, change := range map[string]func(*Signed){
		"no attributes": func(s *Signed) { s.Attributes = nil },
		"no set":        func(s *Signed) { s.Attributes[0] = implicit },
		"unsigned ones": func(s *Signed) { s.Unsigned = true },
	} {
		s := example(t)
		if change(&s); func() error { _, err := s.Bytes(); return err }() == nil {
			t.Errorf("%s: it is written", name)
		}
	}
}

// TestOthers: what is no form of one signer with its certificate is refused, and callers can tell why.
func TestOthers(t *testing.T) {
	s := example(t)
	der, err := s.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	var outer contentInfo
	var inner signed
	if err := errors.Join(whole(der, &outer), whole(outer.Content.Bytes, &inner)); err != nil {
		t.Fatal(err)
	}
	other := certificate(t, "other")
	for name, tt := range map[string]struct {
		change func(*signed)
		wants  error
	}{
		"two signers":    {func(sd *signed) { sd.Signers = append(sd.Signers, sd.Signers[0]) }, ErrSigners},
		"no signer":      {func(sd *signed) { sd.Signers = nil }, ErrSigners},
		"no certificate": {func(sd *signed) { sd.Certs = asn1.RawValue{} }, ErrCertificates},
		"two certificates": {func(sd *signed) {
			sd.Certs = tagged(append(s.Cert.Raw[:len(s.Cert.Raw):len(s.Cert.Raw)], other.Raw...))
		}, ErrCertificates},
		"another's":         {func(sd *signed) { sd.Certs = tagged(other.Raw) }, ErrIssuer},
		"no certificate's":  {func(sd *signed) { sd.Certs = tagged([]byte{0x30, 0}) }, nil},
		"a signer of bytes": {func(sd *signed) { sd.Signers = []asn1.RawValue{{FullBytes: []byte{4, 0}}} }, nil},
	} {
		sd := inner
		tt.change(&sd)
		text, err := asn1.Marshal(sd)
		if err != nil {
			t.Fatal(err)
		}
		if text, err = asn1.Marshal(contentInfo{signedData, tagged(text)}); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(text); err == nil || tt.wants != nil && !errors.Is(err, tt.wants) {
			t.Errorf("%s: %v, wanted %v", name, err, tt.wants)
		}
	}
	if _, err := Read([]byte("<html>")); err == nil || !strings.Contains(err.Error(), "no CMS") {
		t.Errorf("a page: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	der, err := example(f).Bytes()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(der)
	f.Add([]byte{0x30, 0x80})
	f.Fuzz(func(t *testing.T, der []byte) {
		s, err := Read(der)
		if err == nil && s.Cert == nil {
			t.Error("read, without a certificate")
		}
	})
}
