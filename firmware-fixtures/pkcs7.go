// SPDX-License-Identifier: Apache-2.0

package fixtures

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
)

// The shapes of RFC 2315 (PKCS #7) that signapk writes: SignedData without content, one certificate, one
// SignerInfo, no attributes. The signature is the last thing in it, which recoveries of 2014 rely on.
type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content signedData `asn1:"explicit,tag:0"`
}

type signedData struct {
	Version      int
	Digests      []pkix.AlgorithmIdentifier `asn1:"set"`
	Encapsulated struct{ Type asn1.ObjectIdentifier }
	Certificates asn1.RawValue
	Signers      []signerInfo `asn1:"set"`
}

type signerInfo struct {
	Version   int
	Issuer    issuerAndSerial
	Digest    pkix.AlgorithmIdentifier
	Algorithm pkix.AlgorithmIdentifier
	Signature []byte
}

type issuerAndSerial struct {
	Name   asn1.RawValue
	Serial *big.Int
}

var (
	oidData       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidSHA1       = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	oidSHA256     = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidRSA        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidECDSA256   = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
)

// pkcs7 is the detached signature over bytes with this digest, DER. Real ones have one signer; the hostile table
// has one with two.
func pkcs7(digest []byte, h crypto.Hash, signers ...Key) ([]byte, error) {
	null := asn1.RawValue{Tag: asn1.TagNull}
	digestAlg := pkix.AlgorithmIdentifier{Algorithm: oidSHA256, Parameters: null}
	if h == crypto.SHA1 {
		digestAlg.Algorithm = oidSHA1
	}
	data := signedData{Version: 1, Digests: []pkix.AlgorithmIdentifier{digestAlg},
		Certificates: asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true}}
	data.Encapsulated.Type = oidData
	for _, k := range signers {
		sig, err := k.sign(digest, h)
		if err != nil {
			return nil, err
		}
		sigAlg := pkix.AlgorithmIdentifier{Algorithm: oidECDSA256}
		if _, ok := k.Private.Public().(*rsa.PublicKey); ok {
			sigAlg = pkix.AlgorithmIdentifier{Algorithm: oidRSA, Parameters: null}
		}
		data.Certificates.Bytes = append(data.Certificates.Bytes, k.Cert.Raw...)
		data.Signers = append(data.Signers, signerInfo{
			Version:   1,
			Issuer:    issuerAndSerial{asn1.RawValue{FullBytes: k.Cert.RawIssuer}, k.Cert.SerialNumber},
			Digest:    digestAlg,
			Algorithm: sigAlg,
			Signature: sig,
		})
	}
	return asn1.Marshal(contentInfo{Type: oidSignedData, Content: data})
}
