// SPDX-License-Identifier: Apache-2.0

package tallies

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"landed/manifests/report"
	"landed/manifests/tally"
	"landed/server/fleet"
	"landed/server/intake"
	"landed/server/recount"
)

// Newest is the file of the newest tally. NotFound before the first.
func (r *Room) Newest(ctx context.Context) ([]byte, time.Time, error) {
	t, err := r.given(ctx)
	return t.file, t.AsOf, err
}

// given is the newest tally, if it tells nothing that is hidden now: one that was taken under a lower threshold is given no more.
func (r *Room) given(ctx context.Context) (kept, error) {
	t, err := r.latest(ctx)
	switch {
	case err == nil && t.Number == 0:
		err = fleet.Errorf(fleet.NotFound, "no_tally", "no tally was taken yet; the server takes one a day, once something is published")
	case err == nil && int64(t.Threshold) < r.Threshold:
		err = fleet.Errorf(fleet.NotFound, "no_tally", "the newest tally tells numbers that are hidden now; the next one is taken soon")
	}
	return t, err
}

// Page is a page as it was at the moment of the newest tally, such as "status.json". NotFound if that has no such page, or
// another server took it.
func (r *Room) Page(ctx context.Context, path string) ([]byte, error) {
	t, err := r.given(ctx)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(t.Pages, func(p tally.Page) bool { return p.Path == path }) {
		return nil, fleet.Errorf(fleet.NotFound, "no_page", "the newest tally has no such page")
	}
	text, err := os.ReadFile(filepath.Join(r.Metadata, filepath.FromSlash(tally.PageName(t.Number, path))))
	return text, elsewhere(err)
}

// elsewhere says of what is not here that another server has it.
func elsewhere(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fleet.Errorf(fleet.NotFound, "tally_elsewhere", "another server took the newest tally and keeps this, or this server "+
			"was restored since; ask again, or tomorrow")
	}
	return err
}

// Owned is the place of an installation in the newest tally, by what it showed of the release of its newest report.
// NotFound if it is not in it.
func (r *Room) Owned(ctx context.Context, ref report.Reference) (o tally.Owned, err error) {
	t, err := r.given(ctx)
	if err != nil {
		return o, err
	}
	r.places.Lock()
	defer r.places.Unlock()
	file, err := os.Open(r.private(t.Number, "places.jsonl"))
	if err != nil {
		return o, elsewhere(err)
	}
	defer file.Close()
	at, err := find(file, ref)
	if err != nil {
		return o, err
	}
	key := tally.DayKey(r.Secret, t.Day)
	nonce := tally.Nonce(key, ref)
	if r.treesN != t.Number { // the first that is asked since the start
		if err := r.build(t, key, file); err != nil {
			return o, err
		}
	}
	index, path, ok := r.trees[[2]string{at.Leaf.Release, at.Leaf.Model}].Path(at.Leaf.Hash(nonce))
	if !ok {
		return o, fmt.Errorf("the state of installation %s is not among those that tally %d commits to", ref, t.Number)
	}
	var stored fleet.StoredReport
	err = r.View.View(ctx, func(tx fleet.Tx) (err error) {
		stored, err = tx.Reports().Get(ctx, ref, at.ID)
		return err
	})
	return tally.Owned{Schema: tally.OwnedSchema, Number: t.Number, Nonce: hex.EncodeToString(nonce), Leaf: at.Leaf, Index: index,
		Path: path, Row: at.Row, Hour: at.Hour, Envelope: string(stored.Envelope)}, err
}

// build makes the trees of a tally again.
func (r *Room) build(t kept, key []byte, file *os.File) error {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	leaves := map[[2]string][][]byte{}
	in := bufio.NewScanner(file)
	for in.Scan() {
		var at place
		if err := json.Unmarshal(in.Bytes(), &at); err != nil {
			return err
		}
		cell := [2]string{at.Leaf.Release, at.Leaf.Model}
		leaves[cell] = append(leaves[cell], at.Leaf.Hash(tally.Nonce(key, at.Leaf.Ref)))
	}
	if err := in.Err(); err != nil {
		return err
	}
	trees := map[[2]string]tally.Tree{}
	for _, c := range t.Cells {
		cell := [2]string{c.Release, c.Model}
		if trees[cell] = tally.NewTree(key, c.Release, c.Model, leaves[cell]); trees[cell].Root() != c.Root {
			return fmt.Errorf("what is kept of tally %d does not give the root of %s", t.Number, c.Name())
		}
	}
	r.trees, r.treesN = trees, t.Number
	return nil
}

// find looks for the current state of an installation among lines in the order of their references.
func find(file *os.File, ref report.Reference) (found place, err error) {
	low, high, err := bounds(file)
	for err == nil && high-low > 1<<12 {
		middle := (low + high) / 2
		var line place
		if line, err = lineAfter(file, middle); errors.Is(err, io.EOF) || err == nil && line.Leaf.Ref >= ref {
			high, err = middle, nil
		} else {
			low = middle
		}
	}
	if err != nil {
		return found, err
	}
	in := bufio.NewReader(io.NewSectionReader(file, low, 1<<62))
	if low > 0 {
		_, err = in.ReadBytes('\n')
	}
	for err == nil {
		var text []byte
		if text, err = in.ReadBytes('\n'); err != nil {
			break
		}
		var line place
		if err = json.Unmarshal(text, &line); err != nil || line.Leaf.Ref > ref {
			break
		}
		if line.Leaf.Ref == ref && line.Leaf.Current {
			return line, nil
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return found, err
	}
	return found, fleet.Errorf(fleet.NotFound, "not_in_tally", "no report under this reference had come when the newest tally was taken")
}

func bounds(file *os.File) (low, high int64, err error) {
	info, err := file.Stat()
	if err != nil {
		return 0, 0, err
	}
	return 0, info.Size(), nil
}

// lineAfter reads the first whole line behind a place.
func lineAfter(file *os.File, from int64) (line place, err error) {
	in := bufio.NewReader(io.NewSectionReader(file, from, 1<<62))
	if _, err = in.ReadBytes('\n'); err != nil {
		return line, err
	}
	text, err := in.ReadBytes('\n')
	if err != nil {
		return line, err
	}
	return line, json.Unmarshal(text, &line)
}

// Evidence writes all that the newest tally was counted from: who was admitted, what is judged by, and every report up to
// its moment, as it was signed; the last line is signed by the server. It holds a batch of installations in memory.
func (r *Room) Evidence(ctx context.Context, to io.Writer) error {
	t, err := r.given(ctx)
	if err != nil {
		return err
	}
	signer, err := r.Signer(ctx)
	if err != nil {
		return err
	}
	header, err := os.ReadFile(r.private(t.Number, "header.json"))
	if err != nil {
		return elsewhere(err)
	}
	sum := sha256.New()
	w := io.MultiWriter(to, sum)
	if _, err := w.Write(header); err != nil {
		return err
	}
	if err := r.histories(ctx, t, w); err != nil {
		return err
	}
	end, err := tally.SignEvidence(t.Number, hex.EncodeToString(sum.Sum(nil)), signer)
	if err != nil {
		return err
	}
	return recount.Write(to, end)
}

// histories writes a line for each installation.
func (r *Room) histories(ctx context.Context, t kept, w io.Writer) error {
	upTo, err := r.lastRow(ctx, t)
	for after := report.Reference(""); err == nil; {
		var refs []report.Reference
		var lines []recount.History
		err = r.View.View(ctx, func(tx fleet.Tx) error {
			if refs, err = tx.Installations().Refs(ctx, after, atOnce); err != nil {
				return err
			}
			all, err := intake.Histories(ctx, tx, refs...)
			for _, of := range all {
				if h := recount.NewHistory(of, upTo); len(h.Reports) > 0 {
					lines = append(lines, h)
				}
			}
			return err
		})
		if err != nil || len(refs) == 0 {
			return err
		}
		after = refs[len(refs)-1]
		for _, h := range lines {
			if err := recount.Write(w, h); err != nil {
				return err
			}
		}
	}
	return err
}

// lastRow is that of the last report that a tally is over.
func (r *Room) lastRow(ctx context.Context, t kept) (row int64, err error) {
	h, ok := t.Head(string(fleet.TreeReports))
	if !ok {
		return 0, nil
	}
	err = r.View.View(ctx, func(tx fleet.Tx) error {
		found, err := tx.Seals().Heads(ctx, fleet.TreeReports, h.Size-1, 1)
		if err == nil && (len(found) == 0 || found[0].Size != h.Size) {
			err = fmt.Errorf("the head of %d reports that tally %d speaks of is not stored", h.Size, t.Number)
		}
		if err == nil {
			row = found[0].N
		}
		return err
	})
	return row, err
}
