// SPDX-License-Identifier: Apache-2.0

package tallies

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"landed/manifests/tally"
	"landed/server/fleet"
	"landed/server/recount"
)

// takeIn stores for all servers what an older program kept of the newest tally in the folder of this one: the header of the
// evidence, a line for each state, and the pages. What does not lead to what was signed is left where it is.
func (r *Room) takeIn(ctx context.Context, t tally.Tally) error {
	err := r.View.View(ctx, func(tx fleet.Tx) error {
		_, err := tx.Tallies().Of(ctx, t.Number)
		return err
	})
	if err != nil && !fleet.Is(err, fleet.NotFound) {
		return err
	}
	if err != nil {
		if err = r.older(ctx, t); errors.Is(err, fs.ErrNotExist) {
			return nil // another server has it
		}
		if err != nil {
			r.Log.WarnContext(ctx, "what an older program kept of the newest tally cannot be stored for all servers; the next tally needs "+
				"nothing of it", "number", t.Number, "err", err)
			return nil
		}
	}
	left, _ := filepath.Glob(filepath.Join(r.Dir, "[0-9]*"))
	for _, one := range left {
		_ = os.RemoveAll(one) // nobody is given it any more; the next start tries again
	}
	return nil
}

// older publishes what lies in the folder.
func (r *Room) older(ctx context.Context, t tally.Tally) error {
	dir := filepath.Join(r.Dir, fmt.Sprint(t.Number))
	text, err := os.ReadFile(filepath.Join(dir, "header.json"))
	if err != nil {
		return err
	}
	var header recount.Header
	if err := json.Unmarshal(text, &header); err != nil {
		return err
	}
	key, err := hex.DecodeString(header.Key)
	if err != nil || header.Tally != t.Number || len(key) != tally.KeySize {
		return errors.Join(err, errors.New("its header is of another tally"))
	}
	b, err := newBook(r.Dir, key)
	if err != nil {
		return err
	}
	defer b.discard()
	b.of(t.Cells)
	if err := b.olderPlaces(filepath.Join(dir, "places.jsonl")); err != nil {
		return err
	}
	roots, err := b.roots()
	if err != nil {
		return err
	}
	for n, c := range t.Cells {
		if roots[n] != c.Root {
			return fmt.Errorf("its places do not give the root of %s", c.Name())
		}
	}
	for _, p := range t.Pages {
		page, ok := folder(r.Metadata).has(t.Number, p)
		if !ok {
			return fmt.Errorf("its page %s is not here as it was signed", p.Path)
		}
		if err := b.text(kindPages, p.Path, page); err != nil {
			return err
		}
	}
	if err := b.text(kindHeader, headerName, text); err != nil {
		return err
	}
	return r.pieces().publish(ctx, t.Number, b, func(fleet.Tx) error { return nil })
}

// olderPlaces reads a line for each state, in the order of their references.
func (b *book) olderPlaces(name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var at place // an older one has the row of the report as well, and no sequence number
		if err := json.Unmarshal(lines.Bytes(), &at); err != nil {
			return err
		}
		if err := b.state(at.Leaf, 0, at.ID); err != nil {
			return err
		}
	}
	return lines.Err()
}
