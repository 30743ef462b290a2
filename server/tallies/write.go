// SPDX-License-Identifier: Apache-2.0

package tallies

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"landed/internal/durable"
	"landed/internal/format"
	"landed/manifests/tally"
	"landed/server/fleet"
)

// Write has the tallies that are stored in the folder of the feed, and the pages of the newest, for whoever serves that folder:
// each server has its own, which may be new. What an older program kept in it is stored for all servers.
func (r *Room) Write(ctx context.Context) error {
	var last kept
	if err := r.View.View(ctx, func(tx fleet.Tx) (err error) {
		last, err = r.latest(ctx, tx)
		return err
	}); err != nil {
		return err
	}
	for ; r.written < last.Number && ctx.Err() == nil; r.written++ {
		if err := r.write(ctx, r.written+1, last.Number); err != nil {
			return fmt.Errorf("tally %d: %w", r.written+1, err)
		}
	}
	return ctx.Err()
}

// write has one tally in the folder.
func (r *Room) write(ctx context.Context, number, newest int64) error {
	file := filepath.Join(r.Metadata, filepath.FromSlash(tally.Name(number)))
	_, err := os.Stat(file)
	missing := errors.Is(err, fs.ErrNotExist)
	if number > KeptDays {
		_ = os.RemoveAll(folder(r.Metadata).pages(number - KeptDays)) // the next start tries again
	}
	old := number <= newest-KeptDays
	if old && !missing {
		return nil
	}
	var m fleet.Metadata
	err = r.View.View(ctx, func(tx fleet.Tx) (err error) {
		m, err = tx.Metadata().Get(ctx, fleet.TallyRole, number)
		return err
	})
	if fleet.Is(err, fleet.NotFound) {
		return nil // a restored database does not have it
	}
	if err == nil && missing {
		err = write(file, m.Bytes)
	}
	if err != nil || old {
		return err
	}
	t, err := tally.Unsigned(m.Bytes)
	if err != nil {
		return err
	}
	if number == newest {
		if err := r.takeIn(ctx, t); err != nil {
			return err
		}
	}
	for _, p := range t.Pages {
		if _, ok := folder(r.Metadata).has(number, p); ok {
			continue
		}
		var text []byte
		err := r.View.View(ctx, func(tx fleet.Tx) (err error) {
			text, err = r.page(ctx, tx, t, p.Path)
			return err
		})
		if err == nil {
			err = write(folder(r.Metadata).page(number, p.Path), text)
		}
		if err != nil && !fleet.Is(err, fleet.NotFound) && !fleet.Is(err, fleet.Unsupported) {
			return err
		}
	}
	return nil
}

func write(file string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return durable.WriteFile(file, text, 0o644)
}

// folder is that of the feed's metadata, with what this server has of tallies.
type folder string

// pages is the folder of the pages of a tally, and page the file of one.
func (f folder) pages(number int64) string {
	return filepath.Join(string(f), "tally", fmt.Sprint(number))
}

func (f folder) page(number int64, path string) string {
	return filepath.Join(string(f), filepath.FromSlash(tally.PageName(number, path)))
}

// has is a page in the folder, if it is the one that was signed.
func (f folder) has(number int64, p tally.Page) (text []byte, ok bool) {
	text, err := os.ReadFile(f.page(number, p.Path))
	return text, err == nil && format.SHA256(text) == p.SHA256
}
