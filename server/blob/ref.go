// SPDX-License-Identifier: Apache-2.0

package blob

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Ref names a content: the SHA-256 of its bytes as 64 lower-case hex digits, as TUF metadata writes
// it. There is one spelling, so refs can be compared, sorted and used as file names.
type Ref string

// ParseRef checks that s is a Ref. Anything else is an [ErrBadRef] that says what is wrong with it.
func ParseRef(s string) (Ref, error) {
	if len(s) != 2*sha256.Size {
		return "", fmt.Errorf("%w: %d characters, wanted %d", ErrBadRef, len(s), 2*sha256.Size)
	}
	for i, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", fmt.Errorf("%w: %q at place %d, wanted 0 to 9 or a to f", ErrBadRef, c, i)
		}
	}
	return Ref(s), nil
}

// RefOf is the Ref of a SHA-256 sum.
func RefOf(sum [sha256.Size]byte) Ref { return Ref(hex.EncodeToString(sum[:])) }

// Check is ParseRef for a Ref that was made by conversion; stores call it before they use one as a
// name.
func (r Ref) Check() error {
	_, err := ParseRef(string(r))
	return err
}
