// SPDX-License-Identifier: Apache-2.0

// Package keys keeps the private keys with which people sign the feed's metadata.
//
// Parties. One person holds a key; the ceremony uses it through Key, which signs and tells
// its public half; the public half is read from a second file beside the key file, without a
// passphrase.
//
// Promises. Private bytes never leave the package: there is no method that returns them, and
// on disk they exist only as PKCS#8 inside an age file (scrypt), readable by the owner alone
// (0600), whole or not at all. A file that is there is never overwritten. What is read back is
// compared with the public file, so a swapped file is noticed.
//
// Refusals. An empty passphrase, a wrong one (ErrPassphrase), other algorithms than Ed25519
// and ECDSA P-256, a key file that others may read.
package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"landed/manifests/strict"
	"landed/manifests/tufrepo"
)

// Algorithm is the kind of a key.
type Algorithm string

// The two algorithms that every TUF client takes.
const (
	Ed25519 Algorithm = "ed25519"
	P256    Algorithm = "p256"
)

// Key is a private key that signs and is never seen.
type Key struct {
	public  Public
	private crypto.Signer
}

// Public is the part of a key that anyone may know, as it stands in the .pub file.
type Public struct {
	Schema int         `json:"schema"` // 1
	Name   string      `json:"name"`   // of the person who holds it
	Use    string      `json:"use"`    // what it was made for: "root", "targets", "armani"
	ID     string      `json:"keyid"`
	Key    tufrepo.Key `json:"key"`
}

var word = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,40}$`)

// New makes a key. Name says who will hold it and use what for; both are a lower-case letter,
// then letters, digits, _ or -.
func New(a Algorithm, name, use string) (*Key, error) {
	if !word.MatchString(name) || !word.MatchString(use) {
		return nil, fmt.Errorf("key of %q for %q: wanted lower-case letters, digits, _ or -", name, use)
	}
	var private crypto.Signer
	var err error
	switch a {
	case Ed25519:
		_, private, err = ed25519.GenerateKey(rand.Reader)
	case P256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		err = fmt.Errorf("algorithm %q; wanted %s or %s", a, Ed25519, P256)
	}
	if err != nil {
		return nil, err
	}
	return wrap(private, name, use)
}

func wrap(private crypto.Signer, name, use string) (*Key, error) {
	public, err := tufrepo.NewKey(private.Public())
	if err != nil {
		return nil, err
	}
	return &Key{Public{1, name, use, public.ID(), public}, private}, nil
}

// Key is the public half, as TUF writes it.
func (k *Key) Key() tufrepo.Key { return k.public.Key }

// Public is what the .pub file says.
func (k *Key) Public() Public { return k.public }

// Sign signs message: Ed25519 over the message itself, ECDSA over its SHA-256 in ASN.1 DER.
func (k *Key) Sign(message []byte) ([]byte, error) {
	if _, ok := k.private.(ed25519.PrivateKey); ok {
		return k.private.Sign(rand.Reader, message, crypto.Hash(0))
	}
	sum := sha256.Sum256(message)
	return k.private.Sign(rand.Reader, sum[:], crypto.SHA256)
}

// String names the key without giving anything away.
func (k *Key) String() string { return k.public.String() }

// GoString keeps %#v from printing the private half.
func (k *Key) GoString() string { return k.String() }

// String names the key for people: "ann's key for root (4f2a9c01)".
func (p Public) String() string { return fmt.Sprintf("%s's key for %s (%.8s)", p.Name, p.Use, p.ID) }

// ParsePublic reads the content of a .pub file.
func ParsePublic(text []byte) (Public, error) {
	var p Public
	if len(text) > 16<<10 {
		return p, errors.New("public key file: larger than 16 KiB")
	}
	if err := strict.JSON(text, &p); err != nil {
		return p, fmt.Errorf("public key file: %w", err)
	}
	if _, err := p.Key.Public(); err != nil {
		return p, fmt.Errorf("public key file: %w", err)
	}
	if p.Schema != 1 || p.ID != p.Key.ID() || !word.MatchString(p.Name) || !word.MatchString(p.Use) {
		return p, errors.New("public key file: schema, name, use or key id is not as this program writes it")
	}
	return p, nil
}

// Bytes marshals p; ParsePublic gives it again.
func (p Public) Bytes() []byte {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		panic(err) // only strings: it cannot fail
	}
	return append(text, '\n')
}
