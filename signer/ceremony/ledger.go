// SPDX-License-Identifier: Apache-2.0

package ceremony

import (
	"encoding/json"
	"fmt"
	"slices"

	"landed/manifests/strict"
	"landed/manifests/tufrepo"
)

// SigningKey is a key and what it remembers to have signed.
type SigningKey struct {
	Signer tufrepo.Signer
	Ledger *Ledger
	// GivenUp says that the root which this key signed under the number of the one at hand was
	// given up and will never be published: the key may sign another. Root numbers have no gap, so
	// they cannot be passed over as those of other roles are.
	GivenUp bool
}

// Ledger remembers, for one key, the highest version that it ever signed of each role.
type Ledger struct {
	Schema int               `json:"schema"` // 1
	Roles  map[string]Signed `json:"roles"`
}

// Signed is one entry: the version, the SHA-256 of what was said in it, and of what was said in
// those of the same number that the holder gave up.
type Signed struct {
	Version int64    `json:"version"`
	SHA256  string   `json:"sha256"`
	GivenUp []string `json:"given_up,omitempty"`
}

// NewLedger is that of a key that has signed nothing yet.
func NewLedger() *Ledger { return &Ledger{1, map[string]Signed{}} }

// ParseLedger reads the file that Bytes makes.
func ParseLedger(text []byte) (*Ledger, error) {
	l := new(Ledger)
	if err := strict.JSON(text, l); err != nil {
		return nil, fmt.Errorf("record of signatures: %w", err)
	}
	if l.Schema != 1 || l.Roles == nil {
		return nil, fmt.Errorf("record of signatures: wanted schema 1 and roles, found schema %d", l.Schema)
	}
	return l, nil
}

// Note records that the key signed doc, of role.
func (l *Ledger) Note(role string, doc []byte) error {
	entry, err := entryOf(doc)
	if err == nil {
		l.Roles[role] = entry
	}
	return err
}

// Bytes marshals l; ParseLedger gives it again.
func (l *Ledger) Bytes() []byte {
	text, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		panic(err) // only strings and integers: it cannot fail
	}
	return append(text, '\n')
}

// permit refuses to go back, and to say two things under one number, unless the first was a root
// that is given up. It returns the entry to keep.
func (l *Ledger) permit(role string, next Signed, givenUp bool) (Signed, error) {
	had, ok := l.Roles[role]
	switch {
	case !ok:
		return next, nil
	case next.Version > had.Version && !slices.Contains(had.GivenUp, next.SHA256):
		next.GivenUp = had.GivenUp // it may have been of this number too
		return next, nil
	case next.Version < had.Version && !(role == tufrepo.Root && givenUp):
		return had, fmt.Errorf("%s: version %d is asked for, but this key has signed version %d before; "+
			"ask for a request that is made upon what is published now", role, next.Version, had.Version)
	case next.SHA256 == had.SHA256:
		return had, nil
	case slices.Contains(had.GivenUp, next.SHA256):
		return had, fmt.Errorf("%s: this key signed that version %d once, gave it up, and signed another in its place; "+
			"it does not go back", role, next.Version)
	case role == tufrepo.Root && givenUp:
		next.GivenUp = append(slices.Clone(had.GivenUp), had.SHA256)
		return next, nil
	case role == tufrepo.Root:
		return had, fmt.Errorf("root: this key has signed another root %d before. If that one was completed, "+
			"have it imported and begin again upon it. If it was given up, destroy its request and every response to it, "+
			"and say so with --unpublished", next.Version)
	}
	return had, fmt.Errorf("%s: this key has signed another version %d before; "+
		"handsets that have that one would keep it. If the request was made on an old state, "+
		"that has to be brought up to date first (otasign refresh); if what this key signed was given up, "+
		"the new change wants a higher version (--unpublished)", role, next.Version)
}
