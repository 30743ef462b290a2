// SPDX-License-Identifier: Apache-2.0

package csig

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"strings"
	"testing"

	"landed/manifests/cms"
	"landed/manifests/updaters"
)

func privateKey(t testing.TB, block *pem.Block) crypto.Signer {
	t.Helper()
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key.(crypto.Signer)
}

// phone is what Custota makes of a csig, by the rules of its own reader.
func phone(der []byte, trusted *x509.Certificate) (updaters.Offer, []updaters.Fault) {
	return updaters.Offer{}.Signed(updaters.Answer{Status: 200, Body: der}, []*x509.Certificate{trusted})
}

// forged signs JSON that Sign would refuse.
func forged(t *testing.T, text string) []byte {
	t.Helper()
	key, _, _ := maker(t, "ota")
	s, err := cms.Read(signed(t, good()))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(text))
	attrs, err := signedAttributes(sum[:])
	if err != nil {
		t.Fatal(err)
	}
	over := sha256.Sum256(attrs)
	signature, err := privateKey(t, key).Sign(nil, over[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	if s.Content, err = asn1.Marshal([]byte(text)); err != nil {
		t.Fatal(err)
	}
	s.Attributes, s.Signature = attrs, signature
	der, err := s.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// TestPhoneReads: what is made a phone reads, part for part; what it refuses, Open refuses too, or asks whose key it is.
func TestPhoneReads(t *testing.T) {
	_, cert, _ := maker(t, "ota")
	_, other, _ := maker(t, "other")
	info := good()
	der, text := signed(t, info), string(info.bytes())
	o, found := phone(der, cert)
	if len(found) > 0 || o.VBMeta != info.VBMetaDigest || len(o.Parts) != len(info.Files) {
		t.Fatalf("%+v, %v", o, found)
	}
	for i, f := range info.Files {
		if o.Parts[i] != (updaters.Part{Name: f.Name, Offset: f.Offset, Size: f.Size, SHA256: f.Digest}) {
			t.Errorf("part %d is read as %+v", i, o.Parts[i])
		}
	}
	if !bytes.Equal(forged(t, text), der) {
		t.Fatal("the forger does not sign as Sign does")
	}
	change := func(old, with string) []byte { return forged(t, strings.Replace(text, old, with, 1)) }
	for name, tt := range map[string]struct {
		der   []byte
		by    *x509.Certificate
		reads bool // by Open
	}{
		"another key":          {der, other, true},
		"changed content":      {bytes.Replace(der, []byte(`"size":827`), []byte(`"size":828`), 1), cert, false},
		"version 3":            {change(`"version":2`, `"version":3`), cert, false},
		"version 1 and vbmeta": {change(`"version":2`, `"version":1`), cert, false},
		"no version":           {change(`"version":2,`, ``), cert, false},
		"no offset":            {change(`"offset":41,`, ``), cert, false},
		"no digest":            {change(`"digest"`, `"sha256"`), cert, false},
		"no metadata.pb":       {change(`metadata.pb`, `metadata.px`), cert, false},
		"no files":             {forged(t, `{"version":2}`), cert, false},
		"no JSON":              {forged(t, text[1:]), cert, false},
		"no CMS":               {[]byte(text), cert, false},
	} {
		if _, found := phone(tt.der, tt.by); len(found) == 0 {
			t.Errorf("%s: the phone takes it", name)
		}
		if _, _, err := Open(tt.der); (err == nil) != tt.reads {
			t.Errorf("%s: Open says %v", name, err)
		}
	}
}
