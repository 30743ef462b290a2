// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"landed/manifests/cms"
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
	data, err := cms.Read(der)
	switch {
	case errors.Is(err, cms.ErrSigners):
		return nil, SigSize, fmt.Errorf("%w, and recovery looks at the first alone", err)
	case errors.Is(err, cms.ErrCertificates):
		return nil, SigSize, err
	case errors.Is(err, cms.ErrIssuer):
		return nil, SigCert, err
	case err != nil:
		return nil, SigBad, err
	case len(data.Attributes) > 0:
		return nil, SigBad, errors.New("it signs attributes, recovery hashes the file alone")
	}
	s := &signature{cert: data.Cert, value: data.Signature, isLast: !data.Unsigned && len(data.Signature) == 256 &&
		bytes.HasSuffix(der, data.Signature)}
	switch {
	case data.Hash.Equal(cms.SHA1):
		s.hash = crypto.SHA1
	case data.Hash.Equal(cms.SHA256):
		s.hash = crypto.SHA256
	default:
		return nil, SigAlg, fmt.Errorf("its hash is %v, recovery knows SHA-1 and SHA-256", data.Hash)
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
