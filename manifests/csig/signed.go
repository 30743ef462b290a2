// SPDX-License-Identifier: Apache-2.0

package csig

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

	"landed/manifests/cms"
)

type attribute struct {
	Type   asn1.ObjectIdentifier
	Values asn1.RawValue
}

var (
	oidContentType   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidSigningTime   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 5}
)

// Bits that an RSA key may have: less is weak, more costs whoever checks too much.
const minRSA, maxRSA = 2048, 8192

// Sign makes a csig: info, signed by key, whose certificate is cert. The same arguments give the same bytes: it says no
// time, so that phones do not hold it against the dates of the certificate.
func Sign(info Info, key crypto.Signer, cert *x509.Certificate) ([]byte, error) {
	if err := info.Validate(); err != nil {
		return nil, err
	}
	if err := rsaOnly(cert); err != nil {
		return nil, err
	}
	if public, ok := key.Public().(*rsa.PublicKey); !ok || !public.Equal(cert.PublicKey) {
		return nil, errors.New("the certificate is not that of the key")
	}
	content := info.bytes()
	sum := sha256.Sum256(content)
	attrs, err := signedAttributes(sum[:])
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(attrs)
	signature, err := key.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	inside, err := asn1.Marshal(content)
	if err != nil {
		return nil, err
	}
	return cms.Signed{Type: cms.Data, Content: inside, Cert: cert, Hash: cms.SHA256, Algorithm: cms.RSA, Attributes: attrs,
		Signature: signature}.Bytes()
}

// signedAttributes is the SET OF attributes that is signed, in DER.
func signedAttributes(digest []byte) ([]byte, error) {
	one := func(typ asn1.ObjectIdentifier, value any) (a attribute, err error) {
		text, err := asn1.Marshal(value)
		return attribute{typ, asn1.RawValue{Tag: asn1.TagSet, IsCompound: true, Bytes: text}}, err
	}
	kind, err1 := one(oidContentType, cms.Data)
	sum, err2 := one(oidMessageDigest, digest)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	return asn1.MarshalWithParams([]attribute{kind, sum}, "set")
}

func rsaOnly(cert *x509.Certificate) error {
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		return fmt.Errorf("the key is %v, and a csig is signed by RSA", cert.PublicKeyAlgorithm)
	}
	if bits := key.N.BitLen(); bits < minRSA || bits > maxRSA {
		return fmt.Errorf("the key is RSA-%d, wanted %d to %d bits", bits, minRSA, maxRSA)
	}
	return nil
}

// Open reads a csig, and the one certificate that it holds, whose key signed it. That anybody can arrange: whoever calls it
// asks whose certificate that is.
func Open(der []byte) (Info, *x509.Certificate, error) {
	info, cert, err := open(der)
	if err != nil {
		return Info{}, nil, fmt.Errorf("csig: %w", err)
	}
	return info, cert, nil
}

func open(der []byte) (info Info, cert *x509.Certificate, err error) {
	if len(der) > MaxFile {
		return info, nil, fmt.Errorf("%d bytes, wanted at most %d", len(der), MaxFile)
	}
	s, err := cms.Read(der)
	if err != nil {
		return info, nil, err
	}
	var content []byte
	if !s.Type.Equal(cms.Data) || whole(s.Content, &content) != nil || len(content) == 0 {
		return info, nil, errors.New("it does not hold what was signed; a detached signature is none for phones")
	}
	if err := verify(s, content); err != nil {
		return info, nil, err
	}
	info, err = parseInfo(content)
	return info, s.Cert, err
}

// verify holds a signature against the content, by the key of the certificate.
func verify(s cms.Signed, content []byte) error {
	if err := rsaOnly(s.Cert); err != nil {
		return err
	}
	hash, with := crypto.SHA256, cms.SHA256RSA
	switch {
	case s.Hash.Equal(cms.SHA256):
	case s.Hash.Equal(cms.SHA512):
		hash, with = crypto.SHA512, cms.SHA512RSA
	default:
		return fmt.Errorf("its hash is %v, wanted SHA-256 or SHA-512", s.Hash)
	}
	if !s.Algorithm.Equal(cms.RSA) && !s.Algorithm.Equal(with) {
		return fmt.Errorf("its signature is by %v, wanted RSA over the hash that it names", s.Algorithm)
	}
	sum := func(b []byte) []byte {
		if hash == crypto.SHA512 {
			s := sha512.Sum512(b)
			return s[:]
		}
		s := sha256.Sum256(b)
		return s[:]
	}
	if err := holdAttributes(s, sum(content)); err != nil {
		return err
	}
	if rsa.VerifyPKCS1v15(s.Cert.PublicKey.(*rsa.PublicKey), hash, sum(s.Attributes), s.Signature) != nil {
		return errors.New("its signature does not fit: it was changed, or another key signed it")
	}
	return nil
}

// holdAttributes holds the signed ones against the digest of the content: a SET OF in the order of DER, with the type of the
// content and its digest once each. A time of signing lies within the dates of the certificate, against which phones hold it.
func holdAttributes(s cms.Signed, digest []byte) error {
	var parts [][]byte
	var kind asn1.ObjectIdentifier
	var sum []byte
	var all asn1.RawValue
	if len(s.Attributes) > 0 && whole(s.Attributes, &all) != nil {
		return errors.New("its signed attributes cannot be read")
	}
	for rest := all.Bytes; len(rest) > 0; {
		var a attribute
		after, err := asn1.Unmarshal(rest, &a)
		if err != nil {
			return errors.New("its signed attributes cannot be read")
		}
		parts, rest = append(parts, rest[:len(rest)-len(after)]), after
		switch {
		case a.Type.Equal(oidContentType) && kind == nil:
			err = whole(a.Values.Bytes, &kind)
		case a.Type.Equal(oidMessageDigest) && sum == nil:
			err = whole(a.Values.Bytes, &sum)
		case a.Type.Equal(oidContentType), a.Type.Equal(oidMessageDigest):
			err = errors.New("twice")
		case a.Type.Equal(oidSigningTime):
			var at time.Time
			if err = whole(a.Values.Bytes, &at); err == nil && (at.Before(s.Cert.NotBefore) || at.After(s.Cert.NotAfter)) {
				return fmt.Errorf("it says that it was signed on %s, when its certificate did not hold", at.Format(time.DateOnly))
			}
		}
		if err != nil || a.Values.Tag != asn1.TagSet {
			return errors.New("its signed attributes do not hold one type and one digest")
		}
	}
	if !slices.IsSortedFunc(parts, bytes.Compare) {
		return errors.New("its signed attributes are not in the order of DER")
	}
	if !kind.Equal(cms.Data) || !bytes.Equal(sum, digest) {
		return errors.New("what it holds is not what was signed")
	}
	return nil
}

func whole(der []byte, into any) error {
	rest, err := asn1.Unmarshal(der, into)
	if err == nil && len(rest) > 0 {
		err = errors.New("more than one value")
	}
	return err
}
