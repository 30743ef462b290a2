// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"landed/manifests/report"
)

// Retention is for how long the bodies of reports about a release are kept.
type Retention struct {
	Release string
	Keep    time.Duration // 0: for ever
	At      time.Time
	By      string
	Reason  string
}

// Retentions keeps the rules, one of a release.
type Retentions interface {
	Put(ctx context.Context, r Retention) error // adds r, or replaces the one of its release
	List(ctx context.Context) ([]Retention, error)
}

// Cut closes what may be dropped of a release: reports of some installations up to a row, whose settled states stay in their
// place. Nothing is dropped before it is closed, and it is closed once it stands on the audit trail.
type Cut struct {
	Number  int64 // from 1
	Release string
	UpTo    int64     // the row of the last report that it settles
	Before  time.Time // reports that came later stay
	At      time.Time // when it was put on the trail; zero before
	States  int64     // of installations; 0 before
	Root    []byte    // of the Merkle tree over them, 32 bytes; nil before
	Closed  time.Time // from when on bodies go; zero before
	Done    time.Time // when all were gone; zero before
}

// ActionCut is that of the line of the trail by which a cut is made.
const ActionCut = "reports.cut"

// CutSubject is the subject of that line.
func CutSubject(number int64) string { return fmt.Sprintf("cut %d", number) }

var cutForm = regexp.MustCompile(`\(release ([^ ()]{1,100}), to row (\d{1,18}), before (\d{1,18}), ` +
	`(\d{1,18}) states, root ([0-9a-f]{64})\)$`)

// Line is the end of the reason of that line.
func (c Cut) Line() string {
	return fmt.Sprintf("(release %s, to row %d, before %d, %d states, root %x)", c.Release, c.UpTo, c.Before.UnixMilli(), c.States,
		c.Root)
}

// CutOf reads such a line; false if it is none.
func CutOf(e AuditEntry) (c Cut, ok bool) {
	m := cutForm.FindStringSubmatch(e.Reason)
	if m == nil || e.Action != ActionCut {
		return c, false
	}
	c.Release, c.At = m[1], e.At
	var numbers [3]int64
	for n := range numbers {
		numbers[n], _ = strconv.ParseInt(m[n+2], 10, 64) // so many digits fit
	}
	c.UpTo, c.Before, c.States = numbers[0], time.UnixMilli(numbers[1]).UTC(), numbers[2]
	c.Root, _ = hex.DecodeString(m[5])
	_, err := fmt.Sscanf(e.Subject, "cut %d", &c.Number)
	return c, err == nil && e.Subject == CutSubject(c.Number)
}

// Settled is what an installation had shown up to a cut, as it is kept: a text that package intake writes and reads.
type Settled struct {
	Cut   int64
	UpTo  int64 // of the cut
	Ref   report.Reference
	State []byte
}

// Same says if two are the same as far as the trail tells of them.
func (c Cut) Same(as Cut) bool {
	return c.Number == as.Number && c.Line() == as.Line() && c.At.UnixMilli() == as.At.UnixMilli()
}

// Leaf is what the tree of a cut takes of it: its reference, a space, and the text.
func (s Settled) Leaf() []byte { return append([]byte(s.Ref+" "), s.State...) }

// Cuts keeps cuts, settled states, and what is left of reports whose bodies were dropped.
type Cuts interface {
	List(ctx context.Context) ([]Cut, error) // in their order
	// Put adds a cut, or replaces an open one; of a closed one only Done changes.
	Put(ctx context.Context, c Cut) error
	// Abandon takes up to limit states of an open cut out, and the cut with the last; it says if it is gone.
	Abandon(ctx context.Context, number int64, limit int) (gone bool, err error)
	// Settle adds states to an open cut.
	Settle(ctx context.Context, all ...Settled) error
	// Holding are the states of installations that hold: of the last closed cut that has them.
	Holding(ctx context.Context, refs ...report.Reference) (map[report.Reference]Settled, error)
	// States lists up to limit states of a cut by reference, from the first that follows after. Of one that a later cut has,
	// State is the 32 bytes of its leaf hash.
	States(ctx context.Context, number int64, after report.Reference, limit int) ([]Settled, error)
	// Last is the row of the last report, of those that are sealed, that came before a time; 0 if there is none. It takes the
	// reports to have come in the order of time: where a clock leapt it is another one.
	Last(ctx context.Context, before time.Time) (row int64, err error)
	// Drop drops the bodies of reports by their rows, which a closed cut of the installation settles, and says how many
	// there were. What stays is in StoredReport. leaf hashes a state that the cut replaces.
	Drop(ctx context.Context, number int64, ref report.Reference, leaf func([]byte) []byte, rows ...int64) (int, error)
}
