// SPDX-License-Identifier: Apache-2.0

package fsck

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"landed/internal/format"
	"landed/manifests/tally"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/seal"
	"landed/server/tallies"
)

// tallies checks every stored tally: who signed it, that it goes on from the one before, and that the file beside the feed is
// the same. That the trees bear out its heads is looked at with the trees.
func (k *checker) tallies(ctx context.Context) error {
	return k.DB.View(ctx, func(tx fleet.Tx) error {
		keys, err := snapshotKeys(ctx, tx)
		if err != nil {
			return err
		}
		all, err := tx.Metadata().All(ctx, fleet.TallyRole)
		if err != nil {
			return err
		}
		unwritten := 0
		for n, m := range all {
			t, err := tally.Open(m.Bytes, keys)
			if err == nil && t.Number != m.Version {
				err = fmt.Errorf("it is number %d", t.Number)
			}
			if err == nil && n > 0 && all[n-1].Version == m.Version-1 && t.Previous != format.SHA256(all[n-1].Bytes) {
				err = errors.New("the one before it is another than it says")
			}
			if err != nil {
				k.fault(fmt.Sprintf("tally %d, as it is stored: %v; restore a backup", m.Version, err))
			}
			file := filepath.Join(k.Feed, "metadata", filepath.FromSlash(tally.Name(m.Version)))
			text, err := os.ReadFile(file)
			switch {
			case errors.Is(err, fs.ErrNotExist):
				unwritten++
			case err != nil:
				k.fault(err.Error())
			case !bytes.Equal(text, m.Bytes):
				k.fault(
					fmt.Sprintf(
						"%s is not tally %d, as it was signed; remove the file and start the server, which writes it again",
						file,
						m.Version,
					),
				)
			}
		}
		if err := k.contents(ctx, tx); err != nil {
			return err
		}
		if unwritten > 0 {
			k.Notes = append(
				k.Notes,
				fmt.Sprintf("%d tallies are not in the feed folder; the server writes them with its next ticks", unwritten),
			)
		}
		return nil
	})
}

// contents holds the pieces that the newest tallies are given with against what is on record of them, byte for byte.
func (k *checker) contents(ctx context.Context, tx fleet.Tx) error {
	all, err := tx.Tallies().Newest(ctx, tallies.KeptDays)
	if err != nil {
		return err
	}
	for n, c := range all {
		counted, err := tx.TallyPieces().Count(ctx, c.Take)
		if err != nil {
			return err
		}
		if len(counted) == 0 {
			if k.lost == nil {
				if k.lost, err = lostSince(ctx, tx); err != nil {
					return err
				}
			}
			if k.lost.After(c.At) {
				k.Notes = append(k.Notes, fmt.Sprintf("what tally %d was given with was lost with the reports", c.Number))
				continue
			}
		}
		for _, kind := range tallies.Kept(n) {
			err := tallies.Whole(ctx, tx, c, kind)
			for after := ""; err == nil; {
				var some []fleet.TallyPiece
				if some, err = tx.TallyPieces().After(ctx, c.Take, kind, after, 16); len(some) == 0 {
					break
				}
				after = some[len(some)-1].Name
			}
			if err != nil {
				k.fault(fmt.Sprintf("what tally %d is given with: %v; restore a backup, or wait for the next tally and look for the cause",
					c.Number, fleet.InOneLine(err)))
			}
		}
	}
	return nil
}

// lostSince is when reports were given up last, as the trail says; the zero time if they never were.
func lostSince(ctx context.Context, tx fleet.Tx) (*time.Time, error) {
	all, err := tx.Audit().Acts(ctx, seal.LostSubject, 1)
	if err != nil || len(all) == 0 {
		return &time.Time{}, err
	}
	return &all[0].At, nil
}

// snapshotKeys are those that any published root names for the snapshot.
func snapshotKeys(ctx context.Context, tx fleet.Tx) (keys []tufrepo.Key, err error) {
	roots, err := tx.Metadata().All(ctx, tufrepo.Root)
	for _, m := range roots {
		if info, err := tufrepo.Read(m.Bytes); err == nil && info.Root != nil {
			keys = append(keys, info.Root.Snapshot.Keys...)
		}
	}
	return keys, err
}

// tallied are the heads that stored tallies speak of.
func tallied(ctx context.Context, tx fleet.Tx, tree fleet.Tree) (found []seal.Claim, err error) {
	all, err := tx.Metadata().All(ctx, fleet.TallyRole)
	for _, m := range all {
		t, err := tally.Unsigned(m.Bytes)
		if err != nil {
			continue // that is told of with the tallies
		}
		if h, ok := t.Head(string(tree)); ok {
			root, _ := hex.DecodeString(h.Root) // its form was checked when it was read
			found = append(
				found,
				seal.Claim{Head: fleet.Head{Tree: tree, Size: h.Size, Root: root}, By: fmt.Sprintf("tally %d", m.Version)},
			)
		}
	}
	return found, err
}
