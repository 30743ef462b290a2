// SPDX-License-Identifier: Apache-2.0

package report

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"strings"
)

// Reference names an installation: 24 characters of Crockford's base32, the first 120
// bits of the SHA-256 of its public key. Support staff read it out in groups of four.
type Reference string

const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

var crockford = base32.NewEncoding(alphabet).WithPadding(base32.NoPadding)

// ReferenceOf computes the reference of an installation from its public key.
func ReferenceOf(key ed25519.PublicKey) Reference {
	sum := sha256.Sum256(key)
	return Reference(crockford.EncodeToString(sum[:15]))
}

// String groups the reference for people: 0123-4567-89AB-CDEF-GHJK-MNPQ.
func (r Reference) String() string {
	var groups []string
	for s := string(r); len(s) > 0; s = s[min(4, len(s)):] {
		groups = append(groups, s[:min(4, len(s))])
	}
	return strings.Join(groups, "-")
}

// ParseReference reads a reference as people write it: any case, with or without hyphens
// and blanks, O for 0, I and L for 1.
func ParseReference(s string) (Reference, error) {
	clean := strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(s))
	if len(clean) != 24 || strings.Trim(clean, alphabet) != "" { // encoding/base32 would pass over line ends
		return "", errors.New("a support reference has 24 letters and digits, in groups of four; look again " +
			"at the handset's screen")
	}
	return Reference(clean), nil
}
