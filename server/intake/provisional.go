// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/settle"
)

// perKey is how many provisional reports of one installation are kept.
const perKey = 4

// leastSlots is how many provisional reports may be kept on the smallest disk: 8 MiB of them, about.
const leastSlots = 4096

// Share says how much is left to installations that are of no counted fleet.
type Share struct {
	// Reports is how many of theirs may be stored; below 0: as many as come. It is asked with each batch. nil is no bound.
	Reports func() int64
	// Vouched are the installations of a model for which a witness key vouches now: their reports are stored for good,
	// as those of the counted fleet. nil: none are.
	Vouched func(ctx context.Context, tx fleet.Tx, model string, now time.Time) (map[report.Reference]bool, error)
	// Slots is how many reports beyond these are kept provisionally; 0: a tenth as many, and 4,096 at least.
	Slots int64
}

func (s Share) limit() int64 {
	if s.Reports == nil {
		return -1
	}
	return s.Reports()
}

func (s Share) slots() int64 {
	if s.Slots > 0 {
		return s.Slots
	}
	return max(leastSlots, s.limit()/10)
}

// left is how many reports more may be stored; below 0 if too many are.
func (s Share) left(ctx context.Context, tx fleet.ReportsTx) (int64, error) {
	limit := s.limit()
	if limit < 0 {
		return math.MaxInt64, nil
	}
	used, err := tx.Counts().Uncounted(ctx)
	return limit - used, err
}

// Uncounted is how the share stands of installations that are of no counted fleet, in reports.
type Uncounted struct {
	Limit, Used          int64 // Limit is below 0 if there is no bound
	Provisional, Evicted int64 // kept for now, and let go of since the start
}

// Uncounted tells how the share stands now.
func (i *Intake) Uncounted(ctx context.Context) (u Uncounted, err error) {
	u.Limit, u.Evicted = i.Share.limit(), i.evicted.Load()
	err = i.Store.View(ctx, func(tx fleet.Tx) (err error) {
		if u.Used, err = tx.Counts().Uncounted(ctx); err == nil {
			u.Provisional, err = tx.Provisional().Size(ctx)
		}
		return err
	})
	return u, err
}

// take stores a batch: for good what there is room for, and the rest for now.
func (s Share) take(
	ctx context.Context, tx fleet.Tx, now time.Time, batch []Arrival, loaded Loaded,
) ([]Result, error) {
	waits, err := s.wait(ctx, tx, now, batch, &loaded)
	if err != nil {
		return nil, err
	}
	var good, rest []Arrival
	for n, a := range batch {
		if waits[n] {
			rest = append(rest, a)
		} else {
			good = append(good, a)
		}
	}
	out := settle.Settle(now, good, loaded)
	if err := save(ctx, tx, out); err != nil || len(rest) == 0 {
		return out.Results, err
	}
	kept, err := s.keep(ctx, tx, now, rest, &loaded)
	if err != nil {
		return nil, err
	}
	answers := make([]Result, len(batch))
	for n := range batch {
		from := &out.Results
		if waits[n] {
			from = &kept
		}
		answers[n], *from = (*from)[0], (*from)[1:]
	}
	return answers, nil
}

// wait says which reports of a batch, by their place in it, have no room to be stored for good.
func (s Share) wait(ctx context.Context, tx fleet.Tx, now time.Time, batch []Arrival, l *Loaded) (map[int]bool, error) {
	left, err := s.left(ctx, tx)
	if err != nil || int64(len(batch)) <= left {
		return nil, err
	}
	vouched, err := s.vouched(ctx, tx, now, batch)
	if err != nil {
		return nil, err
	}
	waits := map[int]bool{}
	for n, a := range batch {
		known := l.States[a.Ref]
		if len(known) > 0 && known[0].Member() || vouched[a.Ref] || l.Answered(now, a) {
			continue
		}
		if left--; left < 0 {
			waits[n] = true
		}
	}
	return waits, nil
}

func (s Share) vouched(
	ctx context.Context, tx fleet.Tx, now time.Time, batch []Arrival,
) (map[report.Reference]bool, error) {
	all, seen := map[report.Reference]bool{}, map[string]bool{}
	for _, a := range batch {
		if model := a.Report.Model; s.Vouched != nil && !seen[model] {
			seen[model] = true
			some, err := s.Vouched(ctx, tx, model, now)
			if err != nil {
				return nil, err
			}
			maps.Copy(all, some)
		}
	}
	return all, nil
}

// shelf is where the provisional reports of a batch are put.
type shelf struct {
	size, slots int64
	mine        map[report.Reference][]fleet.ProvisionalReport
	owner       map[int64]report.Reference // of the slots in mine
}

// keep keeps reports for now, and answers them.
func (s Share) keep(
	ctx context.Context, tx fleet.Tx, now time.Time, reports []Arrival, l *Loaded,
) (answers []Result, err error) {
	on := shelf{slots: s.slots(), mine: map[report.Reference][]fleet.ProvisionalReport{}, owner: map[int64]report.Reference{}}
	if on.size, err = tx.Provisional().Size(ctx); err != nil {
		return nil, err
	}
	refs := make([]report.Reference, len(reports))
	for n, a := range reports {
		refs[n] = a.Ref
	}
	have, err := tx.Provisional().Of(ctx, refs...)
	if err != nil {
		return nil, err
	}
	for _, p := range have {
		on.note(p)
	}
	for _, a := range reports {
		size := on.size
		answer := Result{Receipt: Receipt{ID: a.Report.ID, Stored: StoredProvisional},
			First: len(l.States[a.Ref]) == 0 && len(on.mine[a.Ref]) == 0}
		if p, again := on.place(a, now); !again {
			answer.Evicts = p.Slot <= size
			if err := tx.Provisional().Put(ctx, p); err != nil {
				return nil, err
			}
		}
		answers = append(answers, answer)
	}
	return answers, nil
}

// place finds a slot for a report, or finds it there. A key that has enough gives one of its own up; when all slots are
// taken, chance says which: whoever could choose it by age or reference could aim.
func (s *shelf) place(a Arrival, now time.Time) (p fleet.ProvisionalReport, again bool) {
	p = fleet.ProvisionalReport{Ref: a.Ref, Seq: a.Report.Seq, ID: a.Report.ID, At: now, Envelope: a.Envelope}
	mine := s.mine[a.Ref]
	if slices.ContainsFunc(mine, func(q fleet.ProvisionalReport) bool { return q.Key() == p.Key() }) {
		return p, true
	}
	switch {
	case len(mine) >= perKey:
		p.Slot = mine[rand.IntN(len(mine))].Slot
	case s.size < s.slots:
		s.size++
		p.Slot = s.size
	default:
		p.Slot = 1 + rand.Int64N(s.size)
	}
	s.note(p)
	return p, false
}

// note notes that p is in its slot, and what was there is not any more.
func (s *shelf) note(p fleet.ProvisionalReport) {
	if was, ok := s.owner[p.Slot]; ok {
		s.mine[was] = slices.DeleteFunc(s.mine[was], func(q fleet.ProvisionalReport) bool { return q.Slot == p.Slot })
	}
	p.Envelope = nil
	s.owner[p.Slot], s.mine[p.Ref] = p.Ref, append(s.mine[p.Ref], p)
}
