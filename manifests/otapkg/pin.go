// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// Pin is what a recovery is built to trust: the key of a certificate, and the one hash over which that key's
// signatures count. Recovery takes the hash from the pinned certificate and never from the package (AOSP
// bootable/recovery, LoadCertificateFromBuffer in install/verifier.cpp; DumpPublicKey.java until Android 7). So two
// certificates of one key can be two pins, and what is signed for one is refused under the other. See [PinOf].
type Pin struct {
	Key  crypto.PublicKey
	Hash crypto.Hash // crypto.SHA1 or crypto.SHA256; a pin with another one fits no package
}

// PinOf is the pin of a certificate. The error is that of a certificate which no recovery can load.
func PinOf(cert *x509.Certificate) (Pin, error) {
	h, ok := recoveryHash(cert)
	if !ok {
		return Pin{}, fmt.Errorf("the certificate of %s is signed with %v, from which recovery takes no hash; wanted one "+
			"signed with SHA1-RSA, SHA256-RSA or ECDSA-SHA256", show(cert.Subject.String()), cert.SignatureAlgorithm)
	}
	if cert.PublicKey == nil {
		return Pin{}, fmt.Errorf("the certificate of %s has a key of an unknown algorithm; wanted RSA or ECDSA", show(cert.Subject.String()))
	}
	return Pin{cert.PublicKey, h}, nil
}

// recoveryHash is the hash that recovery takes from a certificate.
func recoveryHash(cert *x509.Certificate) (h crypto.Hash, ok bool) {
	switch cert.SignatureAlgorithm {
	case x509.MD5WithRSA, x509.SHA1WithRSA: // signapk has always signed over SHA-1 for the first as well
		return crypto.SHA1, true
	case x509.SHA256WithRSA, x509.ECDSAWithSHA256:
		return crypto.SHA256, true
	}
	return 0, false
}

// ParsePins reads the certificates of a PEM text, at least one; other blocks are passed over.
func ParsePins(text []byte) ([]Pin, error) {
	var pins []Pin
	other := ""
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			other = block.Type
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		pin, err := PinOf(cert)
		if err != nil {
			return nil, err
		}
		pins = append(pins, pin)
	}
	if len(pins) == 0 && other != "" {
		return nil, fmt.Errorf("a PEM block is %s; wanted CERTIFICATE", show(other))
	}
	if len(pins) == 0 {
		return nil, errors.New("no certificate in PEM form in it")
	}
	return pins, nil
}

// sees says if the pin's key made value over digest, and if recovery would find out: only over the pin's hash.
func (p Pin) sees(h crypto.Hash, digest, value []byte) (byKey, counts bool) {
	byKey = validSignature(p.Key, h, digest, value)
	return byKey, byKey && p.Hash == h
}

// pinnedKeys are the keys of the pins, for signatures that are always over SHA-256: those of a payload.
func (p Policy) pinnedKeys() (keys []crypto.PublicKey) {
	for _, pin := range p.Pins {
		keys = append(keys, pin.Key)
	}
	return keys
}
