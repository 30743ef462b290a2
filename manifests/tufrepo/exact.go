// SPDX-License-Identifier: Apache-2.0

package tufrepo

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Exact says what a reader who looks for changed bytes wants of metadata beyond a good signature: that it is written in the
// one form that Attach writes, and that every signature on it is good, by a key that one of delegators lists for the role.
func Exact(doc []byte, role string, delegators ...[]byte) error {
	d, err := parse(doc)
	if err != nil {
		return err
	}
	if len(d.signatures) == 0 {
		return errors.New("nobody signed it")
	}
	again, err := d.attach(Signature{Role: role, KeyID: d.signatures[0].KeyID, Sig: d.signatures[0].Sig})
	if err != nil {
		return err
	}
	if !bytes.Equal(again, doc) {
		return errors.New("it is not written in its one form: a byte of it was changed")
	}
	var good []string
	done := false
	for _, by := range delegators {
		from, err := parse(by)
		who, knows := from.roles[role]
		if err != nil || !knows {
			continue // one of several that knows nothing of the role
		}
		n := d.count(role, who)
		done = done || n.Done()
		good = append(good, n.Signed...)
	}
	if !done {
		return errors.New("too few of those who may have signed it: it was changed, or is of somebody else")
	}
	for _, s := range d.signatures {
		if !slices.Contains(good, s.KeyID) || s.Sig != strings.ToLower(s.Sig) {
			return fmt.Errorf("the signature of key %.8q on it is not good: a byte of it was changed", s.KeyID)
		}
	}
	return nil
}
