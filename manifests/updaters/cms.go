// SPDX-License-Identifier: Apache-2.0

package updaters

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"time"
)

// value is one value of DER, with its first byte. CMS is walked by places and without types, so that nothing of it is taken
// from the packages that write it.
type value struct {
	tag        byte
	body, full []byte
}

// values are those that follow one another in b.
func values(b []byte) (all []value, err error) {
	for len(b) > 0 {
		var raw asn1.RawValue
		rest, err := asn1.Unmarshal(b, &raw)
		if err != nil {
			return nil, err
		}
		all, b = append(all, value{raw.FullBytes[0], raw.Bytes, raw.FullBytes}), rest
	}
	return all, nil
}

// in is the value at a path of places below v; one without a tag if there is none.
func (v value) in(path ...int) value {
	for _, i := range path {
		kids, err := values(v.body)
		if err != nil || i >= len(kids) {
			return value{}
		}
		v = kids[i]
	}
	return v
}

// oid is an object identifier in dots, "" if v is none.
func (v value) oid() string {
	var id asn1.ObjectIdentifier
	if _, err := asn1.Unmarshal(v.full, &id); err != nil {
		return ""
	}
	return id.String()
}

// First bytes of values: universal ones, and [0] of a context.
const (
	octets   = 0x04
	sequence = 0x30
	set      = 0x31
	context0 = 0xa0
)

// Object identifiers of RFC 5652, RFC 4055 and RFC 8017.
const (
	idSignedData    = "1.2.840.113549.1.7.2"
	idContentType   = "1.2.840.113549.1.9.3"
	idMessageDigest = "1.2.840.113549.1.9.4"
	idSigningTime   = "1.2.840.113549.1.9.5"
	idRSA           = "1.2.840.113549.1.1.1"
	maxBits         = 8192 // of a key, beyond which it costs minutes
)

// digests are the hashes that are known here, and the algorithm of a signature by RSA over each.
var digests = map[string]struct {
	hash crypto.Hash
	with string
}{
	"2.16.840.1.101.3.4.2.1": {crypto.SHA256, "1.2.840.113549.1.1.11"},
	"2.16.840.1.101.3.4.2.3": {crypto.SHA512, "1.2.840.113549.1.1.13"},
}

func sumOf(h crypto.Hash, b []byte) []byte {
	if h == crypto.SHA512 {
		sum := sha512.Sum512(b)
		return sum[:]
	}
	sum := sha256.Sum256(b)
	return sum[:]
}

// signedData is the SignedData in a ContentInfo, RFC 5652; its parts are found by place: 2 is what is signed, the last are
// the signers.
func signedData(der []byte) (value, error) {
	all, err := values(der)
	if err != nil || len(all) != 1 || all[0].tag != sequence || all[0].in(0).oid() != idSignedData {
		return value{}, errors.New("is no CMS signed data in DER")
	}
	return all[0].in(1, 0), nil
}

// signedBy is what a CMS file holds, if one of its signers signed it with the key of one of these certificates. The
// certificates in the file are nothing to the app.
func signedBy(der []byte, trusted []*x509.Certificate) ([]byte, error) {
	data, err := signedData(der)
	if err != nil {
		return nil, err
	}
	kind, content := data.in(2, 0).oid(), data.in(2, 1, 0)
	if content.tag != octets {
		return nil, errors.New("does not hold what was signed")
	}
	kids, _ := values(data.body)
	signers, err := values(kids[len(kids)-1].body)
	if err != nil || kids[len(kids)-1].tag != set || len(signers) == 0 {
		return nil, errors.New("has no signers that can be read")
	}
	for _, s := range signers {
		signer, err := readSigner(s, kind, content.body)
		if err != nil {
			return nil, err
		}
		for _, cert := range trusted {
			if !signer.by(cert) {
				continue
			}
			if at := signer.at; !at.IsZero() && (at.Before(cert.NotBefore) || at.After(cert.NotAfter)) {
				return nil, fmt.Errorf("says that it was signed on %s, when its certificate did not hold", at.Format(time.DateOnly))
			}
			return content.body, nil
		}
	}
	return nil, errors.New("is not signed by a key that phones trust with packages")
}

// signerOf is one signer: what its signature is over, and the signature.
type signerOf struct {
	hash            crypto.Hash
	over, signature []byte
	at              time.Time // of signing, zero if it is not said
}

func (s signerOf) by(cert *x509.Certificate) bool {
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	return ok && key.N.BitLen() <= maxBits && rsa.VerifyPKCS1v15(key, s.hash, sumOf(s.hash, s.over), s.signature) == nil
}

// readSigner reads a SignerInfo. Without signed attributes the signature is over the content itself.
func readSigner(v value, kind string, content []byte) (s signerOf, err error) {
	kids, err := values(v.body)
	if err != nil || len(kids) < 5 {
		return s, errors.New("has a signer that cannot be read")
	}
	known, is := digests[kids[2].in(0).oid()]
	if !is {
		return s, fmt.Errorf("is signed over the hash %s, wanted SHA-256 or SHA-512", kids[2].in(0).oid())
	}
	s.hash, s.over = known.hash, content
	rest := kids[3:]
	if rest[0].tag == context0 {
		if err := s.attributes(rest[0], kind, sumOf(s.hash, content)); err != nil {
			return s, err
		}
		s.over, rest = append([]byte{set}, rest[0].full[1:]...), rest[1:]
	}
	if len(rest) < 2 || rest[1].tag != octets {
		return s, errors.New("has a signer without a signature")
	}
	if with := rest[0].in(0).oid(); with != idRSA && with != known.with {
		return s, fmt.Errorf("is signed by the algorithm %s, wanted RSA", with)
	}
	s.signature = rest[1].body
	return s, nil
}

// attributes holds the signed ones against the content: its type and its digest, each there once, with one value.
func (s *signerOf) attributes(attrs value, kind string, digest []byte) error {
	all, err := values(attrs.body)
	if err != nil {
		return errors.New("has signed attributes that cannot be read")
	}
	one := func(id string) value {
		of := slices.DeleteFunc(slices.Clone(all), func(a value) bool { return a.in(0).oid() != id })
		if len(of) != 1 || of[0].in(1).tag != set || of[0].in(1, 1).tag != 0 {
			return value{}
		}
		return of[0].in(1, 0)
	}
	if is := one(idContentType); is.oid() != kind || kind == "" {
		return errors.New("signs another type of content than it holds")
	}
	if is := one(idMessageDigest); is.tag != octets || !bytes.Equal(is.body, digest) {
		return errors.New("holds another content than was signed")
	}
	if at := one(idSigningTime); at.tag != 0 {
		if _, err := asn1.Unmarshal(at.full, &s.at); err != nil {
			return errors.New("has a time of signing that cannot be read")
		}
	}
	return nil
}

// packageSigner is the certificate in the signature behind the zip, which its last six bytes lead to (AOSP
// bootable/recovery/install/verifier.cpp); nil if there is none.
func packageSigner(comment string) *x509.Certificate {
	c := []byte(comment)
	const footer = 6
	if len(c) < footer || c[len(c)-4] != 0xff || c[len(c)-3] != 0xff {
		return nil
	}
	start := int(c[len(c)-footer]) | int(c[len(c)-footer+1])<<8
	if start <= footer || start > len(c) {
		return nil
	}
	return BroughtAlong(c[len(c)-start : len(c)-footer])
}

// BroughtAlong is the first certificate that CMS in DER brings along, nil if there is none. It says nothing of who signed it.
func BroughtAlong(der []byte) *x509.Certificate {
	data, err := signedData(der)
	if certs := data.in(3); err == nil && certs.tag == context0 {
		if cert, err := x509.ParseCertificate(certs.in(0).full); err == nil {
			return cert
		}
	}
	return nil
}
