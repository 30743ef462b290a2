// SPDX-License-Identifier: Apache-2.0

package fsck

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"landed/manifests/heads"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// heads checks the chain of published heads as an outsider does, from what is published alone.
func (k *checker) heads(ctx context.Context) error {
	return k.DB.View(ctx, func(tx fleet.Tx) error {
		if _, err := tx.Metadata().Latest(ctx, tufrepo.Snapshot); fleet.Is(err, fleet.NotFound) {
			return nil
		}
		stored, err := storedSnapshots(ctx, tx)
		if err != nil {
			return err
		}
		found, err := heads.Check(func(name string) ([]byte, error) {
			text, err := os.ReadFile(filepath.Join(k.Feed, "metadata", filepath.FromSlash(name)))
			if err == nil || stored[name] == 0 {
				return text, err
			}
			m, err := tx.Metadata().Get(ctx, tufrepo.Snapshot, stored[name]) // the folder was made anew
			if fleet.Is(err, fleet.NotFound) {
				return nil, fs.ErrNotExist
			}
			return m.Bytes, err
		}, nil)
		unproven := len(found.Waiting)
		for _, b := range found.Breaks {
			switch b.Gap {
			case heads.GapUnproven:
				unproven++
			case heads.GapRestore, heads.GapLost:
				k.Notes = append(k.Notes, b.Words)
			default:
				k.fault("the published heads: " + b.Words)
			}
		}
		if unproven > 0 {
			k.Notes = append(
				k.Notes,
				fmt.Sprintf("no proof is written yet that %d published heads go on from those before; the server does "+
					"that with its next ticks", unproven),
			)
		}
		return err
	})
}

// storedSnapshots are the names of the snapshots that the database may have, with their versions.
func storedSnapshots(ctx context.Context, tx fleet.Tx) (map[string]int64, error) {
	latest, err := tx.Metadata().Latest(ctx, tufrepo.Snapshot)
	all := map[string]int64{}
	for v := int64(1); v <= latest.Version; v++ {
		all[tufrepo.MetadataFile(tufrepo.Snapshot, v)] = v
	}
	return all, err
}
