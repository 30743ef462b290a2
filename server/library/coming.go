// SPDX-License-Identifier: Apache-2.0

package library

import (
	"context"
	"crypto/rand"
	"slices"
	"time"

	"landed/server/fleet"
)

// Within one process uploads and removals are kept apart by a lock. Another server on the same database and the same blob
// store is kept apart by what is noted in the database.

// storing is how long a store may take to give a content its name.
const storing = time.Hour

// coming is a content that is about to get its name: until it has, no server deletes it.
type coming struct {
	library      *Library
	sha256, note string
}

// coming notes that the bytes of a digest are about to be stored, or named again.
func (l *Library) coming(ctx context.Context, sha256 string) (coming, error) {
	c := coming{l, sha256, rand.Text()}
	return c, l.cfg.Store.Update(ctx, func(tx fleet.Tx) error {
		return tx.Packages().Incoming(ctx, sha256, c.note, storing)
	})
}

// end takes the note back, if no package did. It would run out by itself.
func (c coming) end(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	_ = c.library.cfg.Store.Update(ctx, func(tx fleet.Tx) error {
		if err := tx.Packages().Arrived(ctx, c.sha256, c.note); !fleet.Is(err, fleet.Busy) {
			return err
		}
		return nil
	})
}

// attempts bounds how often an upload is judged anew, because others came meanwhile.
const attempts = 5

// errMoved says that packages came or went since an upload was judged.
var errMoved = fleet.Errorf(fleet.Busy, "packages_moved", "others uploaded or removed packages at the same moment; send the file "+
	"again")

// stand says if the packages are those that k was made of: another server may have taken one in.
func (k known) stand(ctx context.Context, tx fleet.Tx) error {
	now, err := tx.Packages().List(ctx)
	if err != nil {
		return err
	}
	same := func(a, b fleet.Package) bool { return a.Ref() == b.Ref() }
	if !slices.EqualFunc(now, k.packages, same) {
		return errMoved
	}
	return nil
}
