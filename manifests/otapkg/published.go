// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"crypto"
	"crypto/x509"
	_ "embed"
	"encoding/pem"
	"fmt"
	"sync"

	"landed/internal/format"
)

// publishedPEM holds the public keys whose private halves AOSP publishes: the keys that sign development builds, and those
// of its tests. Each was compared with the private half in the file that its header Source names.
//
//go:embed published.pem
var publishedPEM []byte

type publishedKey struct {
	name, sha256 string
	key          crypto.PublicKey
}

// publishedKeys reads publishedPEM. The public key counts, because the same key is found under several certificates.
var publishedKeys = sync.OnceValue(func() (keys []publishedKey) {
	for block, rest := pem.Decode(publishedPEM); block != nil; block, rest = pem.Decode(rest) {
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			panic(fmt.Sprintf("published.pem: %s: %v", block.Headers["Name"], err)) // the file is part of the program
		}
		keys = append(keys, publishedKey{block.Headers["Name"], format.SHA256(block.Bytes), key})
	}
	return keys
})

// PublishedKey names pub if its private half is known to be published.
func PublishedKey(pub crypto.PublicKey) (name string, ok bool) {
	sum := keySHA256(pub)
	for _, k := range publishedKeys() {
		if k.sha256 == sum {
			return k.name, true
		}
	}
	return "", false
}

// PublishedCertificate names the key of cert if its private half is known to be published.
func PublishedCertificate(cert *x509.Certificate) (name string, ok bool) {
	return PublishedKey(cert.PublicKey)
}

// signedByPublished is the finding that what is signed with the published key name.
func signedByPublished(what, name string, p Policy) Finding {
	f := Finding{Code: SigPublic, Found: name, Wanted: "a key that only the maker has", Fix: "Sign with the release key.",
		Message: fmt.Sprintf("%s is signed with a published key (%s). Anyone can sign with it.", what, name)}
	if p.Channel == Lab {
		f.Level = Warn
	}
	return f
}

// keySHA256 is the identity of a public key: the SHA-256 of its DER SubjectPublicKeyInfo, "" for a key of
// an unknown kind.
func keySHA256(pub crypto.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return ""
	}
	return format.SHA256(der)
}
