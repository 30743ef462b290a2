// SPDX-License-Identifier: Apache-2.0

// Package cms is the form of the two signatures that phones are given in it: the whole-file signature of a package, which is
// PKCS #7 (RFC 2315 section 9) as signapk writes it, and the csig that Custota reads, which is CMS (RFC 5652 section 5).
//
// Parties: package otapkg reads the one, package csig reads and writes the other. It promises that what [Read] gives has one
// signer, and one certificate, which its signer names. It refuses every other form, as the libraries that read them all
// verify by whatever certificate comes along. It verifies nothing: over what a signature is, and by which key, its callers know.
package cms

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
)

// Object identifiers: the types of content, and the algorithms of hashes and signatures (RFC 5652, RFC 3370, RFC 5754, RFC 4055).
var (
	Data       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	SHA1       = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	SHA256     = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	SHA512     = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}
	RSA        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	SHA256RSA  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}
	SHA512RSA  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 13}
	signedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
)

// What an error of [Read] wraps, where it is more than that the bytes are no such form.
var (
	ErrSigners      = errors.New("wanted is one signer")
	ErrCertificates = errors.New("it does not hold exactly one certificate")
	ErrIssuer       = errors.New("its signer names another certificate than the one it holds")
)

// Signed is signed data of one signer, with its one certificate.
type Signed struct {
	Type      asn1.ObjectIdentifier // of the content
	Content   []byte                // DER of what is inside, an OCTET STRING for [Data]; nil if it lies elsewhere
	Cert      *x509.Certificate     // that it brings along
	Hash      asn1.ObjectIdentifier
	Algorithm asn1.ObjectIdentifier // of the signature
	// Attributes are those that are signed instead of the content, in DER as a SET OF, as they are signed; nil if there are none.
	Attributes []byte
	Unsigned   bool // it has attributes that are not signed
	Signature  []byte
}

// The shapes. What is OPTIONAL there and never here, such as lists of revoked certificates, is passed over.
type (
	contentInfo struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue `asn1:"explicit,optional,tag:0"`
	}
	signed struct {
		Version int
		Digests []pkix.AlgorithmIdentifier `asn1:"set"`
		Content contentInfo
		Certs   asn1.RawValue   `asn1:"optional,tag:0"`
		CRLs    asn1.RawValue   `asn1:"optional,tag:1"`
		Signers []asn1.RawValue `asn1:"set"`
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
)

// First bytes of a SET OF, and of the [0] IMPLICIT that stands for it in a signer.
const (
	set      = asn1.TagSet | 0x20
	implicit = 0xa0
)

// Read reads signed data in DER, all of der.
func Read(der []byte) (s Signed, err error) {
	var outer contentInfo
	if whole(der, &outer) != nil || !outer.Type.Equal(signedData) {
		return s, errors.New("it is no CMS signed data in DER")
	}
	var sd signed
	if whole(outer.Content.Bytes, &sd) != nil {
		return s, errors.New("its CMS signed data cannot be read")
	}
	if len(sd.Signers) != 1 {
		return s, fmt.Errorf("it has %d signers; %w", len(sd.Signers), ErrSigners)
	}
	var si signerInfo
	if whole(sd.Signers[0].FullBytes, &si) != nil {
		return s, errors.New("its signer cannot be read")
	}
	s = Signed{Type: sd.Content.Type, Content: sd.Content.Content.Bytes, Hash: si.Digest.Algorithm,
		Algorithm: si.Algorithm.Algorithm, Signature: si.Signature, Unsigned: len(si.Unsigned.FullBytes) > 0}
	if attrs := si.Attrs.FullBytes; len(attrs) > 0 {
		s.Attributes = append([]byte{set}, attrs[1:]...)
	}
	var cert asn1.RawValue
	if whole(sd.Certs.Bytes, &cert) != nil {
		return s, ErrCertificates
	}
	if s.Cert, err = x509.ParseCertificate(cert.FullBytes); err != nil {
		return s, fmt.Errorf("its certificate cannot be read: %w", err)
	}
	if !bytes.Equal(si.Issuer.Name.FullBytes, s.Cert.RawIssuer) || si.Issuer.Serial.Cmp(s.Cert.SerialNumber) != 0 {
		return s, ErrIssuer
	}
	return s, nil
}

// Bytes writes s, with attributes; Read(s.Bytes()) gives s again.
func (s Signed) Bytes() ([]byte, error) {
	if len(s.Attributes) == 0 || s.Attributes[0] != set || s.Unsigned {
		return nil, errors.New("cms: only what signs attributes is written")
	}
	signer, err := asn1.Marshal(signerInfo{
		Version: 1, Issuer: issuerAndSerial{asn1.RawValue{FullBytes: s.Cert.RawIssuer}, s.Cert.SerialNumber},
		Digest:    pkix.AlgorithmIdentifier{Algorithm: s.Hash},
		Attrs:     asn1.RawValue{FullBytes: append([]byte{implicit}, s.Attributes[1:]...)},
		Algorithm: pkix.AlgorithmIdentifier{Algorithm: s.Algorithm, Parameters: asn1.NullRawValue}, Signature: s.Signature,
	})
	if err != nil {
		return nil, err
	}
	inner, err := asn1.Marshal(signed{
		Version: 1, Digests: []pkix.AlgorithmIdentifier{{Algorithm: s.Hash}}, Content: contentInfo{s.Type, tagged(s.Content)},
		Certs: tagged(s.Cert.Raw), Signers: []asn1.RawValue{{FullBytes: signer}},
	})
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(contentInfo{signedData, tagged(inner)})
}

// tagged is a value below [0].
func tagged(der []byte) asn1.RawValue {
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: der}
}

// whole reads one value that is all of der.
func whole(der []byte, into any) error {
	rest, err := asn1.Unmarshal(der, into)
	if err == nil && len(rest) > 0 {
		err = errors.New("more than one value")
	}
	return err
}
