// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"errors"
	"fmt"
	"time"

	"landed/manifests/effect"
	"landed/manifests/report/envelope"
	"landed/server/fleet"
	"landed/server/settle"
)

// promoteBatches bounds how long a Tick has provisional reports come in; what is left waits for the next.
const promoteBatches = 64

// promoter has provisional reports come in.
type promoter struct{ *Intake }

// promote has provisional reports come in, the oldest first, as far as there is room, by the code that takes in new ones.
// They come in now: who counts, and what was decided when, follows from the order of the stored reports, and nobody may
// grow old in a table that no figure and no tree speaks of. What was not so when they came is not so now: one that could
// not be true then, and a new key that came in a time that is quarantined, are let go of.
func (i promoter) promote(ctx context.Context) error {
	if i.Room != nil && i.Room() != nil {
		return nil // on a disk without room it waits, as reports do
	}
	var after fleet.ProvisionalReport
	for range promoteBatches {
		more, err := i.some(ctx, &after)
		if err != nil {
			return fmt.Errorf("take provisional reports in: %w", err)
		}
		if !more {
			break
		}
	}
	return nil
}

// some has those come in that follow after, as many as one transaction takes. more says that there may be others.
func (i promoter) some(ctx context.Context, after *fleet.ProvisionalReport) (more bool, err error) {
	var kept []fleet.ProvisionalReport
	err = i.Store.View(ctx, func(tx fleet.Tx) error {
		left, err := i.Share.left(ctx, tx)
		if err == nil && left > 0 {
			kept, err = tx.Provisional().Oldest(ctx, *after, int(min(left, int64(i.Batch))))
		}
		return err
	})
	if err != nil || len(kept) == 0 {
		return false, err
	}
	*after = kept[len(kept)-1]
	coming, gone, err := i.reopen(ctx, kept)
	if err != nil {
		return false, err
	}
	evicted := int64(0)
	err = i.Store.UpdateReports(ctx, func(tx fleet.Tx) (err error) {
		evicted, err = i.comeIn(ctx, tx, coming, gone)
		return err
	})
	if err == nil {
		i.evicted.Add(evicted)
	}
	return err == nil, err
}

// came is a provisional report that is opened again.
type came struct {
	Arrival
	fleet.ProvisionalReport
}

// held says if an installation of which this is the first report would be quarantined.
func (c came) held(by Control) bool {
	h := settle.NewHandset(c.Arrival.Ref, &Loaded{Control: by})
	h.Take(c.At, c.Arrival)
	h.Reckon()
	return h.Current.Is.Quarantined
}

// reopen opens reports again. Those that are not taken any more are gone; those of a release that cannot be read at
// present stay.
func (i promoter) reopen(
	ctx context.Context, kept []fleet.ProvisionalReport,
) (coming []came, gone []fleet.ReportID, err error) {
	for _, p := range kept {
		w, err := i.open(ctx, p.Envelope)
		refused, ok := errors.AsType[*fleet.Error](err)
		switch {
		case err == nil && w.Ref == p.Ref && w.Report.ID == p.ID && !impossible(w.Arrival, p.At):
			coming = append(coming, came{w.Arrival, p})
		case err == nil || ok && refused.Kind != fleet.Unsupported && refused.Kind != fleet.Damaged && refused.Kind != fleet.Busy:
			gone = append(gone, p.Key())
		case !ok:
			return nil, nil, err
		}
	}
	return coming, gone, nil
}

// impossible says that a report could not be true when it came.
func impossible(a Arrival, at time.Time) bool {
	return effect.Judge(at, effect.Subject{Newest: a.Report, Last: at}, a.Rule).Class == effect.Implausible
}

// comeIn stores for good what there is room for, in the transaction that takes it out of the provisional ones. What is
// refused is let go of: its handset has it.
func (i promoter) comeIn(ctx context.Context, tx fleet.Tx, coming []came, gone []fleet.ReportID) (evicted int64, err error) {
	now, all := i.Now(), make([]Arrival, len(coming))
	for n, c := range coming {
		all[n] = c.Arrival
	}
	loaded, err := i.load(ctx, tx, all)
	if err != nil {
		return 0, err
	}
	waits, err := i.Share.wait(ctx, tx, now, all, &loaded)
	if err != nil {
		return 0, err
	}
	var in []fleet.ReportID
	var batch []Arrival
	for n, c := range coming {
		switch {
		case len(loaded.States[c.Arrival.Ref]) == 0 && c.held(loaded.Control):
			gone = append(gone, c.ProvisionalReport.Key())
		case !waits[n]:
			in, batch = append(in, c.ProvisionalReport.Key()), append(batch, c.Arrival)
		}
	}
	out := settle.Settle(now, batch, loaded)
	if err := save(ctx, tx, out); err != nil {
		return 0, err
	}
	for n, r := range out.Results {
		if r.Refused != nil {
			gone = append(gone, in[n])
		}
	}
	if evicted, err = tx.Provisional().Take(ctx, gone...); err == nil {
		_, err = tx.Provisional().Take(ctx, in...)
	}
	return evicted, err
}

// VerifyProvisional opens every provisional report, verifies its signature, and tells fault of each whose row says
// otherwise. It changes nothing.
func VerifyProvisional(ctx context.Context, tx fleet.ReportsTx, fault func(string)) (n int64, err error) {
	for after := (fleet.ProvisionalReport{}); ; {
		kept, err := tx.Provisional().Oldest(ctx, after, verifyBatch)
		if err != nil || len(kept) == 0 {
			return n, err
		}
		for _, p := range kept {
			r, ref, err := envelope.Open(p.Envelope)
			if err != nil || r.ID != p.ID || ref != p.Ref || r.Seq != p.Seq {
				fault(fmt.Sprintf("provisional report %s of installation %s is not as it was signed", p.ID, p.Ref))
			}
			n++
		}
		after = kept[len(kept)-1]
	}
}
