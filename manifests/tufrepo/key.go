// SPDX-License-Identifier: Apache-2.0

package tufrepo

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"

	"landed/internal/format"
)

// Key is a public key as TUF writes it. Two Keys that NewKey made are the same key exactly
// if they are equal.
type Key struct {
	Type   string   `json:"keytype"` // "ed25519" or "ecdsa"
	Scheme string   `json:"scheme"`  // "ed25519" or "ecdsa-sha2-nistp256"
	Value  KeyValue `json:"keyval"`
}

// KeyValue holds 64 hex digits for Ed25519, a PEM SubjectPublicKeyInfo for ECDSA.
type KeyValue struct {
	Public string `json:"public"`
}

// Signer signs with a private key that it does not give away: Ed25519 over the message, or
// ECDSA P-256 over its SHA-256, the signature in ASN.1 DER.
type Signer interface {
	Key() Key
	Sign(message []byte) ([]byte, error)
}

const (
	typeEd25519, schemeEd25519 = "ed25519", "ed25519"
	typeECDSA, schemeECDSA     = "ecdsa", "ecdsa-sha2-nistp256"
)

// NewKey turns an ed25519.PublicKey or a P-256 *ecdsa.PublicKey into a Key and refuses others:
// these two are the only ones that every TUF client compared takes without special care.
func NewKey(public crypto.PublicKey) (Key, error) {
	switch p := public.(type) {
	case ed25519.PublicKey:
		if len(p) != ed25519.PublicKeySize {
			return Key{}, fmt.Errorf("an Ed25519 public key has %d bytes, this has %d", ed25519.PublicKeySize, len(p))
		}
		return Key{typeEd25519, schemeEd25519, KeyValue{hex.EncodeToString(p)}}, nil
	case *ecdsa.PublicKey:
		if p.Curve != elliptic.P256() {
			return Key{}, fmt.Errorf("an ECDSA key must be on P-256, this is on %s", p.Curve.Params().Name)
		}
		der, err := x509.MarshalPKIXPublicKey(p)
		if err != nil {
			return Key{}, err
		}
		return Key{typeECDSA, schemeECDSA,
			KeyValue{string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))}}, nil
	}
	return Key{}, fmt.Errorf("a key of type %T cannot be used; wanted Ed25519 or ECDSA P-256", public)
}

// ID is the key id: the SHA-256 of the key's canonical JSON, in hex. Reading a root asks for some dozens of them, so the form is
// written here and not by way of a decoder: three members in the order of their names, one of them an object.
func (k Key) ID() string {
	b := make([]byte, 0, 256)
	b = appendText(append(b, `{"keytype":`...), k.Type)
	b = appendText(append(b, `,"keyval":{"public":`...), k.Value.Public)
	b = appendText(append(b, `},"scheme":`...), k.Scheme)
	return format.SHA256(append(b, '}'))
}

// appendText appends s as canonical JSON writes it: a backslash before quotes and backslashes, and all else as it is.
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	for _, c := range []byte(s) {
		if c == '"' || c == '\\' {
			b = append(b, '\\')
		}
		b = append(b, c)
	}
	return append(b, '"')
}

// IsZero says if k is no key.
func (k Key) IsZero() bool { return k == Key{} }

// Public returns the key for the crypto packages. It refuses a Key in any other spelling than
// that of NewKey, so that one key cannot be listed as two.
func (k Key) Public() (crypto.PublicKey, error) {
	public, err := k.parse()
	if err != nil {
		return nil, err
	}
	if same, err := NewKey(public); err != nil {
		return nil, err
	} else if same != k {
		return nil, errors.New("the key is spelt in an unusual way (type, scheme or PEM layout); export it again")
	}
	return public, nil
}

func (k Key) parse() (crypto.PublicKey, error) {
	switch {
	case k.Type == typeEd25519 && k.Scheme == schemeEd25519:
		raw, err := hex.DecodeString(k.Value.Public)
		if err != nil {
			return nil, fmt.Errorf("Ed25519 public key: %w", err)
		}
		return ed25519.PublicKey(raw), nil
	case k.Type == typeECDSA && k.Scheme == schemeECDSA:
		block, _ := pem.Decode([]byte(k.Value.Public))
		if block == nil {
			return nil, errors.New("ECDSA public key: wanted PEM")
		}
		return x509.ParsePKIXPublicKey(block.Bytes)
	}
	return nil, fmt.Errorf("key type %q with scheme %q; wanted ed25519, or ecdsa with ecdsa-sha2-nistp256", k.Type,
		k.Scheme)
}

// Verify says if sig is a signature of message by k.
func (k Key) Verify(message, sig []byte) bool {
	public, err := k.Public()
	if err != nil {
		return false
	}
	switch p := public.(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(p, message, sig)
	case *ecdsa.PublicKey:
		sum := sha256.Sum256(message)
		return ecdsa.VerifyASN1(p, sum[:], sig)
	}
	return false
}

// OnlineKeys are the public halves of the three keys that live on the server. The server
// writes this file at its set-up, otasign reads it when the first root is made.
type OnlineKeys struct {
	Schema    int `json:"schema"` // 1
	Snapshot  Key `json:"snapshot"`
	Timestamp Key `json:"timestamp"`
	Offers    Key `json:"offers"`
}

// ParseOnlineKeys reads the file; three different keys are wanted, because recovery from a
// theft replaces them separately.
func ParseOnlineKeys(text []byte) (OnlineKeys, error) {
	var o OnlineKeys
	if err := readFile(text, "online keys", 64<<10, &o); err != nil {
		return OnlineKeys{}, err
	}
	var faults []error
	for name, k := range map[string]Key{Snapshot: o.Snapshot, Timestamp: o.Timestamp, "offers": o.Offers} {
		if _, err := k.Public(); err != nil {
			faults = append(faults, fmt.Errorf("online keys: %s: %w", name, err))
		}
	}
	if o.Snapshot == o.Timestamp || o.Snapshot == o.Offers || o.Timestamp == o.Offers {
		faults = append(faults, errors.New("online keys: snapshot, timestamp and offers must be three different keys"))
	}
	if o.Schema != 1 {
		faults = append(faults, fmt.Errorf("online keys: schema is %d, this program reads 1", o.Schema))
	}
	return o, errors.Join(faults...)
}

// Bytes marshals o; ParseOnlineKeys gives it again.
func (o OnlineKeys) Bytes() []byte { return writeFile(o) }
