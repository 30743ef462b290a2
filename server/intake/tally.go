// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"landed/server/fleet"
)

// Counted says what became of so many reports since the start.
type Counted struct {
	// Outcome is a Stored, or "refused" (for what it is), "shed" (sent away for now) or "failed" (a fault of this server,
	// or the sender went away before the answer).
	Outcome string
	Code    string // of the error; "" if there was none
	// Class says of a report that was sent away who is: "new" installations, which were never heard of, or "all".
	Class string
	N     int64
}

// The outcomes beside those of Stored.
const (
	outcomeRefused = "refused"
	outcomeShed    = "shed"
	outcomeFailed  = "failed"
)

// maxCodes bounds how many codes are told apart. They are constants of the program, some dozens.
const maxCodes = 64

// shed is who is sent away, if somebody is.
type shed string

const (
	shedNew shed = "new"
	shedAll shed = "all"
)

// Tally counts what became of reports.
type Tally struct {
	mu  sync.Mutex
	all map[Counted]int64 // with N 0

	implausible atomic.Int64
}

// Implausible is how many reports were stored that say what nobody can have seen by the time at which they came.
func (t *Tally) Implausible() int64 { return t.implausible.Load() }

func (t *Tally) count(r Receipt, err error, sent shed) {
	c := counted(r, err, sent)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all == nil {
		t.all = map[Counted]int64{}
	}
	if _, known := t.all[c]; !known && len(t.all) >= maxCodes {
		c.Code = "other"
	}
	t.all[c]++
}

func counted(r Receipt, err error, sent shed) Counted {
	e, ok := errors.AsType[*fleet.Error](err)
	switch {
	case err == nil:
		return Counted{Outcome: string(r.Stored)}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Counted{Outcome: outcomeFailed, Code: "sender_gone"}
	case !ok || e.Kind == fleet.Damaged || e.Code == "":
		return Counted{Outcome: outcomeFailed, Code: "internal"}
	case e.Kind == fleet.Busy && sent != "":
		return Counted{Outcome: outcomeShed, Code: e.Code, Class: string(sent)}
	}
	return Counted{Outcome: outcomeRefused, Code: e.Code}
}

// Counted is all that was counted, in order.
func (t *Tally) Counted() []Counted {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]Counted, 0, len(t.all))
	for c, n := range t.all {
		c.N = n
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b Counted) int {
		return cmp.Or(cmp.Compare(a.Outcome, b.Outcome), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Class, b.Class))
	})
	return all
}

// Outcomes are all that there may be, for whoever shows them before the first.
func Outcomes() []string {
	return []string{string(StoredNew), string(StoredLate), string(StoredReplayed), string(StoredProvisional), outcomeRefused,
		outcomeShed, outcomeFailed}
}

// Waiting is how many reports wait to be stored now, and for how long the oldest does that has no answer yet.
func (i *Intake) Waiting() (queued int, oldest time.Duration) {
	for n := range i.oldest {
		if since := i.oldest[n].Load(); since != nil {
			oldest = max(oldest, time.Since(*since))
		}
	}
	return len(i.queue), oldest
}
