// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/transparency-dev/merkle/rfc6962"

	"landed/server/fleet"
)

// Lost is that reports were lost with their file, and others came in their place: an older copy of it, or none. It is a
// leaf of their tree, which goes on behind what was sealed of the lost ones.
type Lost struct {
	Kept   int64    // leaves of the tree that the file bears out; 0 of an empty one
	Row    int64    // the last row of the file
	Size   int64    // leaves that were sealed
	Hashes [][]byte // of the compact range of these: their rows are gone
}

// The actions of the trail by which reports are lost on record. Their subject is [LostSubject].
const (
	ActionBegin   = "reports.begin"   // with an empty file
	ActionRestore = "reports.restore" // with an older copy
	LostSubject   = "reports"
)

// lostForm stands at the end of the reason of such a line: what a person wrote before it cannot pass for it.
var lostForm = regexp.MustCompile(`\(tree of reports: (\d{1,18}) of (\d{1,18}) leaves kept, to row (\d{1,18}): ([A-Za-z0-9+/]*)\)$`)

func (l Lost) String() string {
	return fmt.Sprintf("(tree of reports: %d of %d leaves kept, to row %d: %s)", l.Kept, l.Size, l.Row,
		base64.RawStdEncoding.EncodeToString(slices.Concat(l.Hashes...)))
}

// readLost reads the end of a reason; false if there is no loss in it.
func readLost(reason string) (l Lost, ok bool) {
	m := lostForm.FindStringSubmatch(reason)
	if m == nil {
		return l, false
	}
	for n, to := range []*int64{&l.Kept, &l.Size, &l.Row} {
		*to, _ = strconv.ParseInt(m[n+1], 10, 64) // so many digits fit
	}
	hashes, err := base64.RawStdEncoding.DecodeString(m[4])
	if err != nil || len(hashes)%rfc6962.DefaultHasher.Size() != 0 {
		return l, false
	}
	l.Hashes = slices.Collect(slices.Chunk(hashes, rfc6962.DefaultHasher.Size()))
	_, err = ranges.NewRange(0, uint64(l.Size), l.Hashes)
	return l, err == nil && l.Kept < l.Size
}

func (l Lost) leaf() []byte {
	text, _ := json.Marshal(map[string]int64{"kept": l.Kept, "lost_of": l.Size, "row": l.Row}) // numbers always are JSON
	return text
}

// Lose puts on record, in a transaction of control, that of the reports no more is left than kept leaves, up to row. The
// tree goes on behind them if more of it was sealed. e is the line of the trail; its reason is that of a person.
func Lose(ctx context.Context, tx fleet.Tx, kept, row int64, e fleet.AuditEntry) (Lost, error) {
	was, hashes, err := tx.Seals().Latest(ctx, fleet.TreeReports)
	if err != nil {
		return Lost{}, err
	}
	l := Lost{kept, row, was.Size, slices.Clone(hashes)} // a range writes over those that it was made of
	e.Subject = LostSubject
	if kept >= was.Size { // all that was sealed is there
		return l, tx.Audit().Append(ctx, e)
	}
	r, err := ranges.NewRange(0, uint64(was.Size), hashes)
	if err != nil {
		return l, fmt.Errorf("the hashes kept with the head of %d leaves are damaged (otad fsck): %w", was.Size, err)
	}
	next, err := extend(r, fleet.TreeReports, []fleet.Leaf{{N: row, Data: l.leaf()}})
	if err != nil {
		return l, err
	}
	next.At = e.At
	e.Reason = strings.TrimSpace(e.Reason) + " " + l.String()
	if err := tx.Seals().Put(ctx, next, r.Hashes()); err != nil {
		return l, err
	}
	return l, tx.Audit().Append(ctx, e)
}

// losses are what was lost of a tree and is not lost again with a later loss, in the order of their leaves.
func losses(ctx context.Context, tx fleet.Tx, tree fleet.Tree) (all []Lost, err error) {
	if tree != fleet.TreeReports {
		return nil, nil
	}
	for before := int64(0); ; {
		page, err := tx.Audit().List(ctx, before, 500)
		if err != nil || len(page) == 0 {
			slices.Reverse(all)
			return all, err
		}
		for _, e := range page { // the newest first
			if e.Action != ActionBegin && e.Action != ActionRestore || e.Subject != LostSubject {
				continue
			}
			if l, ok := readLost(e.Reason); ok && (len(all) == 0 || l.Size < all[len(all)-1].Kept) {
				all = append(all, l)
			}
		}
		before = page[len(page)-1].N
	}
}
