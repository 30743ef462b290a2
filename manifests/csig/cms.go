// SPDX-License-Identifier: Apache-2.0

package csig

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// CMS, RFC 5652 section 5, as far as a csig has it.
type (
	contentInfo struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue `asn1:"explicit,tag:0"`
	}
	signedData struct {
		Version int
		Digests []pkix.AlgorithmIdentifier `asn1:"set"`
		Content encapsulated
		Certs   asn1.RawValue `asn1:"optional,tag:0"`
		CRLs    asn1.RawValue `asn1:"optional,tag:1"`
		Signers []signerInfo  `asn1:"set"`
	}
	encapsulated struct {
		Type    asn1.ObjectIdentifier
		Content []byte `asn1:"explicit,optional,tag:0"`
	}
	signerInfo struct {
		Version   int
		Issuer    issuerAndSerial
		Digest    pkix.AlgorithmIdentifier
		Attrs     asn1.RawValue `asn1:"optional,tag:0"`
		Algorithm pkix.AlgorithmIdentifier
		Signature []byte
		Unsigned  asn1.RawValue `asn1:"optional,tag:1"`
	}
	issuerAndSerial struct {
		Name   asn1.RawValue
		Serial *big.Int
	}
	attribute struct {
		Type   asn1.ObjectIdentifier
		Values asn1.RawValue
	}
)

var (
	oidData          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidContentType   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidSigningTime   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 5}
	oidRSA           = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidSHA256RSA     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}
	oidSHA512RSA     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 13}
	oidSHA256        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidSHA512        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}
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
	hash := pkix.AlgorithmIdentifier{Algorithm: oidSHA256}
	inner, err := asn1.Marshal(signedData{
		Version: 1, Digests: []pkix.AlgorithmIdentifier{hash}, Content: encapsulated{oidData, content},
		Certs: asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: cert.Raw},
		Signers: []signerInfo{{
			Version: 1, Issuer: issuerAndSerial{asn1.RawValue{FullBytes: cert.RawIssuer}, cert.SerialNumber}, Digest: hash,
			Attrs:     asn1.RawValue{FullBytes: append([]byte{0xa0}, attrs[1:]...)}, // [0] IMPLICIT stands for SET OF
			Algorithm: pkix.AlgorithmIdentifier{Algorithm: oidRSA, Parameters: asn1.NullRawValue}, Signature: signature,
		}},
	})
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(contentInfo{oidSignedData, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: inner}})
}

// signedAttributes is the SET OF attributes that is signed, in DER.
func signedAttributes(digest []byte) ([]byte, error) {
	one := func(typ asn1.ObjectIdentifier, value any) (a attribute, err error) {
		text, err := asn1.Marshal(value)
		return attribute{typ, asn1.RawValue{Tag: asn1.TagSet, IsCompound: true, Bytes: text}}, err
	}
	kind, err1 := one(oidContentType, oidData)
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
	var outer contentInfo
	if rest, err := asn1.Unmarshal(der, &outer); err != nil || len(rest) > 0 || !outer.Type.Equal(oidSignedData) {
		return info, nil, errors.New("it is no CMS signed data in DER")
	}
	var sd signedData
	if rest, err := asn1.Unmarshal(outer.Content.Bytes, &sd); err != nil || len(rest) > 0 {
		return info, nil, errors.New("its CMS signed data cannot be read")
	}
	switch {
	case !sd.Content.Type.Equal(oidData) || len(sd.Content.Content) == 0:
		return info, nil, errors.New("it does not hold what was signed; a detached signature is none for phones")
	case len(sd.Signers) != 1:
		return info, nil, fmt.Errorf("%d signers, wanted one", len(sd.Signers))
	}
	if cert, err = x509.ParseCertificate(sd.Certs.Bytes); err != nil {
		return info, nil, errors.New("it does not hold exactly one certificate that can be read")
	}
	si := sd.Signers[0]
	if !bytes.Equal(si.Issuer.Name.FullBytes, cert.RawIssuer) || si.Issuer.Serial == nil || si.Issuer.Serial.Cmp(cert.SerialNumber) != 0 {
		return info, nil, errors.New("its signer names another certificate than the one it holds")
	}
	if err := si.verify(sd.Content.Content, cert); err != nil {
		return info, nil, err
	}
	info, err = parseInfo(sd.Content.Content)
	return info, cert, err
}

// verify holds a signature against the content, by the key of cert.
func (si signerInfo) verify(content []byte, cert *x509.Certificate) error {
	if err := rsaOnly(cert); err != nil {
		return err
	}
	hash, with := crypto.SHA256, oidSHA256RSA
	switch {
	case si.Digest.Algorithm.Equal(oidSHA256):
	case si.Digest.Algorithm.Equal(oidSHA512):
		hash, with = crypto.SHA512, oidSHA512RSA
	default:
		return fmt.Errorf("its hash is %v, wanted SHA-256 or SHA-512", si.Digest.Algorithm)
	}
	if !si.Algorithm.Algorithm.Equal(oidRSA) && !si.Algorithm.Algorithm.Equal(with) {
		return fmt.Errorf("its signature is by %v, wanted RSA over the hash that it names", si.Algorithm.Algorithm)
	}
	sum := func(b []byte) []byte {
		if hash == crypto.SHA512 {
			s := sha512.Sum512(b)
			return s[:]
		}
		s := sha256.Sum256(b)
		return s[:]
	}
	attrs, err := si.attributes(sum(content), cert)
	if err != nil {
		return err
	}
	if rsa.VerifyPKCS1v15(cert.PublicKey.(*rsa.PublicKey), hash, sum(attrs), si.Signature) != nil {
		return errors.New("its signature does not fit: it was changed, or another key signed it")
	}
	return nil
}

// attributes are the signed ones, as they were signed: a SET OF in the order of DER, with the type of the content and its
// digest once each. A time of signing lies within the dates of the certificate, against which phones hold it.
func (si signerInfo) attributes(digest []byte, cert *x509.Certificate) ([]byte, error) {
	var parts [][]byte
	var kind asn1.ObjectIdentifier
	var sum []byte
	for rest := si.Attrs.Bytes; len(rest) > 0; {
		var a attribute
		after, err := asn1.Unmarshal(rest, &a)
		if err != nil {
			return nil, errors.New("its signed attributes cannot be read")
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
			if err = whole(a.Values.Bytes, &at); err == nil && (at.Before(cert.NotBefore) || at.After(cert.NotAfter)) {
				return nil, fmt.Errorf("it says that it was signed on %s, when its certificate did not hold", at.Format(time.DateOnly))
			}
		}
		if err != nil || a.Values.Tag != asn1.TagSet {
			return nil, errors.New("its signed attributes do not hold one type and one digest")
		}
	}
	if !slices.IsSortedFunc(parts, func(a, b []byte) int { return cmp.Or(bytes.Compare(a, b), cmp.Compare(len(a), len(b))) }) {
		return nil, errors.New("its signed attributes are not in the order of DER")
	}
	if !kind.Equal(oidData) || !bytes.Equal(sum, digest) {
		return nil, errors.New("what it holds is not what was signed")
	}
	return append([]byte{asn1.TagSet | 0x20}, si.Attrs.FullBytes[1:]...), nil
}

func whole(der []byte, into any) error {
	rest, err := asn1.Unmarshal(der, into)
	if err == nil && len(rest) > 0 {
		err = errors.New("more than one value")
	}
	return err
}
