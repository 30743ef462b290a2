// SPDX-License-Identifier: Apache-2.0

package datadir

import (
	"errors"
	"io/fs"

	"landed/server/store"
)

// tallyKey is the secret of which the keys of the daily tallies are made: 64 hex digits, readable by their owner alone. Who
// has it can tell of each tally which installation stands where in it. Nothing is lost with it: the keys of the days of tallies
// that are given lie with them.
const tallyKey = keysDir + "/tally.key"

// TallyKey is the secret of the tallies; in a folder that has none one is made.
func TallyKey(d Dir) ([]byte, error) {
	key, err := readRecordsKey(d.path(tallyKey))
	if errors.Is(err, fs.ErrNotExist) {
		var made store.Key
		made, err = makeRecordsKey(d.path(tallyKey))
		key = made
	}
	return key, err
}
