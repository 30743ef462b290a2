// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"path"
	"slices"
	"strings"
)

// footerLen is the length of what ends a signed package: where the signature begins, FF FF, comment length
// (AOSP bootable/recovery/install/verifier.cpp).
const footerLen = 6

// signature is the whole-file signature of a package. Only its form has been checked.
type signature struct {
	signed int64 // bytes [0, signed) of the file are signed: all but the comment and its length
	hash   crypto.Hash
	cert   *x509.Certificate
	value  []byte
	isLast bool // the 256 bytes before the footer are the signature, where recovery of 2014 looks
}

// PKCS#7 SignedData, RFC 2315 section 9, as far as signapk writes it.
type (
	contentInfo struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue `asn1:"explicit,optional,tag:0"`
	}
	signedData struct {
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

var (
	oidSignedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidSHA1       = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	oidSHA256     = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
)

// readSignature reads the footer and the PKCS#7 block in the archive's comment; nil if they are missing or
// not as recovery wants them, which is a finding then.
func (a *Archive) readSignature(fs *Findings) *signature {
	c := a.end.comment
	if len(c) < footerLen || c[len(c)-4] != 0xFF || c[len(c)-3] != 0xFF {
		fs.add(a.unsigned())
		return nil
	}
	foot := c[len(c)-footerLen:]
	start, size := int(le.Uint16(foot)), int(le.Uint16(foot[4:]))
	if size != len(c) {
		fs.add(Finding{Code: SigSize, Found: fmt.Sprintf("%d in the footer", size),
			Wanted: fmt.Sprintf("%d, the comment's length", len(c)), Fix: "Sign the package again.",
			Message: fmt.Sprintf("The signature footer says that the comment has %d bytes, it has %d.", size, len(c))})
	}
	if start <= footerLen || start > len(c) {
		fs.add(badSignature(fmt.Sprintf("the footer puts the signature %d bytes before the end, the comment has %d", start,
			len(c))))
		return nil
	}
	s, code, err := parseSignedData(c[len(c)-start : len(c)-footerLen])
	if err != nil {
		f := badSignature(err.Error())
		f.Code = code
		fs.add(f)
		return nil
	}
	s.signed = a.end.eocd + eocdLen - 2
	return s
}

func (a *Archive) unsigned() Finding {
	for _, e := range a.entries {
		if dir, name := path.Split(e.Name); dir == "META-INF/" &&
			slices.Contains([]string{".RSA", ".EC", ".DSA"}, strings.ToUpper(path.Ext(name))) {
			return Finding{Code: SigJarOnly, Found: show(e.Name), Wanted: "a whole-file signature",
				Fix:     "Sign with `signapk -w`.",
				Message: "Only entries are signed (jar style). Recovery checks the whole-file signature, which is missing."}
		}
	}
	return Finding{Code: SigNone, Found: "no signature footer", Wanted: "a whole-file signature",
		Fix:     "Sign with `signapk -w`.",
		Message: "The package has no whole-file signature. Sign with `signapk -w` (the phone's recovery would refuse it)."}
}

func badSignature(why string) Finding {
	return Finding{Code: SigBad, Found: why, Wanted: "a signature over the whole file", Fix: "Sign the package again.",
		Message: fmt.Sprintf("The whole-file signature cannot be used: %s.", why)}
}

// parseSignedData reads PKCS#7 with exactly one signer, one certificate and no signed attributes, because
// recovery looks at the first signer only and hashes the file, not attributes.
func parseSignedData(der []byte) (*signature, Code, error) {
	var outer contentInfo
	if rest, err := asn1.Unmarshal(der, &outer); err != nil || len(rest) > 0 || !outer.Type.Equal(oidSignedData) {
		return nil, SigBad, errors.New("it is no PKCS#7 signed data that ends at the footer")
	}
	var sd signedData
	if rest, err := asn1.Unmarshal(outer.Content.Bytes, &sd); err != nil || len(rest) > 0 {
		return nil, SigBad, errors.New("its PKCS#7 signed data cannot be read")
	}
	if len(sd.Signers) != 1 {
		return nil, SigSize, fmt.Errorf("it has %d signers, recovery looks at the first only; wanted is one", len(sd.Signers))
	}
	var si signerInfo
	if rest, err := asn1.Unmarshal(sd.Signers[0].FullBytes, &si); err != nil || len(rest) > 0 {
		return nil, SigBad, errors.New("its signer cannot be read")
	}
	if len(si.Attrs.FullBytes) > 0 {
		return nil, SigBad, errors.New("it signs attributes, recovery hashes the file alone")
	}
	var cert asn1.RawValue
	if rest, err := asn1.Unmarshal(sd.Certs.Bytes, &cert); err != nil || len(rest) > 0 {
		return nil, SigSize, errors.New("it does not hold exactly one certificate")
	}
	s := &signature{value: si.Signature, isLast: len(si.Unsigned.FullBytes) == 0 && len(si.Signature) == 256 &&
		strings.HasSuffix(string(der), string(si.Signature))}
	var err error
	if s.cert, err = x509.ParseCertificate(cert.FullBytes); err != nil {
		return nil, SigBad, fmt.Errorf("its certificate cannot be read (%w)", err)
	}
	if !bytes.Equal(si.Issuer.Name.FullBytes, s.cert.RawIssuer) || si.Issuer.Serial.Cmp(s.cert.SerialNumber) != 0 {
		return nil, SigCert, errors.New("its signer names another certificate than the one it holds")
	}
	switch {
	case si.Digest.Algorithm.Equal(oidSHA1):
		s.hash = crypto.SHA1
	case si.Digest.Algorithm.Equal(oidSHA256):
		s.hash = crypto.SHA256
	default:
		return nil, SigAlg, fmt.Errorf("its hash is %v, recovery knows SHA-1 and SHA-256", si.Digest.Algorithm)
	}
	return s, "", nil
}

// maxRSA keeps a certificate of 64 KiB from costing minutes of arithmetic.
const maxRSA = 8192 // bits

// validSignature reports whether value is pub's signature over digest.
func validSignature(pub crypto.PublicKey, h crypto.Hash, digest, value []byte) bool {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		return k.N.BitLen() <= maxRSA && rsa.VerifyPKCS1v15(k, h, digest, value) == nil
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(k, digest, value)
	}
	return false
}

// algorithm names a key, and says whether recovery of today can use it.
func algorithm(pub crypto.PublicKey) (name string, usable bool) {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		n := k.N.BitLen()
		return fmt.Sprintf("RSA-%d", n), (n == 2048 || n == 4096) && (k.E == 3 || k.E == 65537)
	case *ecdsa.PublicKey:
		return k.Curve.Params().Name, k.Curve == elliptic.P256()
	}
	return fmt.Sprintf("%T", pub), false
}
