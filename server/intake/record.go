// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"bytes"
	"context"
	"time"

	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/verdict"
)

// MaxReports is how many reports of one installation are kept. A handset that reports
// every week has enough for fifteen years; a forger fills no disk with one key.
const MaxReports = 1000

// record stores one report, judges its installation and moves the figures. Refusals are
// in the answer; an error fails the whole transaction.
func (i *Intake) record(ctx context.Context, tx fleet.Tx, now time.Time, w *waiting) (answer, error) {
	old, err := tx.Installations().State(ctx, w.ref)
	first := fleet.Is(err, fleet.NotFound)
	if err != nil && !first {
		return answer{}, err
	}
	if !first {
		if refused := refuse(old, w); refused != nil {
			return replayedOr(ctx, tx, w, refused)
		}
	}
	// Two reports with one sequence number: two holders of one key.
	late, twin := !first && w.report.Seq < old.Seq, !first && w.report.Seq == old.Seq
	if late {
		if twin, err = tx.Reports().HasSeq(ctx, w.ref, w.report.Seq); err != nil {
			return answer{}, err
		}
	}
	added, err := tx.Reports().Append(ctx, fleet.StoredReport{ID: w.report.ID, Ref: w.ref, Seq: w.report.Seq, Envelope: w.envelope, At: now, Late: late})
	if err != nil {
		return answer{}, err
	}
	if !added {
		return replayedOr(ctx, tx, w, nil)
	}
	next, err := i.settle(ctx, tx, now, w, old, first, late || twin, twin)
	if err != nil {
		return answer{}, err
	}
	var from *fleet.Installation
	if !first {
		from = &old
	}
	a := answer{receipt: Receipt{w.report.ID, StoredNew}}
	if late {
		a.receipt.Stored = StoredLate
	}
	a.leaks = next.Leaked && (first || !old.Leaked || old.Release != next.Release)
	return a, tx.Counts().Move(ctx, from, &next)
}

// refuse names what a new report of a known installation may not do.
func refuse(old fleet.Installation, w *waiting) error {
	switch {
	case old.Model != w.report.Model:
		return fleet.Errorf(fleet.Conflict, "model_changed", "this installation is a %s; the model of a handset does not change. Set-up after a reset makes a new key", old.Model)
	case old.Reports >= MaxReports:
		return fleet.Errorf(fleet.Conflict, "too_many_reports", "%d reports of this installation are stored; more are not taken", old.Reports)
	}
	return nil
}

// replayedOr answers a report whose id is stored already: the stored one stays. If there
// is none, the answer is the refusal. A replay is welcome where a new report is not.
func replayedOr(ctx context.Context, tx fleet.Tx, w *waiting, refused error) (answer, error) {
	stored, err := tx.Reports().Get(ctx, w.ref, w.report.ID)
	switch {
	case fleet.Is(err, fleet.NotFound) && refused != nil:
		return answer{err: refused}, nil
	case err != nil:
		return answer{}, err
	case !bytes.Equal(stored.Envelope, w.envelope):
		return answer{err: fleet.Errorf(fleet.Conflict, "id_reused", "another report with this id is stored, and stays; a new report needs a new id")}, nil
	}
	return answer{receipt: Receipt{w.report.ID, StoredReplayed}}, nil
}

// settle saves what a stored report changes of its installation. One that is aside (late,
// or a twin of the newest) moves nothing, but may tell of the time before the patch.
func (i *Intake) settle(ctx context.Context, tx fleet.Tx, now time.Time, w *waiting, old fleet.Installation, first, aside, twin bool) (fleet.Installation, error) {
	next, rule := old, w.rule
	var err error
	switch {
	case first:
		next = fleet.Installation{Ref: w.ref, First: now, Before: fleet.BeforeUnknown}
		fallthrough
	case !aside:
		next.Model, next.Channel, next.Release = w.report.Model, w.report.Channel, w.report.Release
		next.Seq, next.Newest, next.Progress, next.Last = w.report.Seq, w.report, progress(old, w.report), now
		next.Leaked = old.Leaked && old.Release == w.report.Release
	case twin && !old.Cloned: // judged again, by what it said last
		if next, err = tx.Installations().Get(ctx, w.ref); err != nil {
			return next, err
		}
		if rule, err = i.Rules.Of(ctx, old.Release, old.Model); err != nil {
			return next, err
		}
	}
	if !aside || twin && !old.Cloned {
		next.Cloned = next.Cloned || twin
		judge(&next, now, rule)
	}
	next.Reports++
	next.Before = strongest(next.Before, verdict.FoundBefore(w.report))
	return next, tx.Installations().Put(ctx, next)
}

func judge(i *fleet.Installation, now time.Time, rule verdict.Rule) {
	v := verdict.Judge(now, verdict.Subject{Newest: i.Newest, Last: i.Last, Cloned: i.Cloned}, rule)
	i.Verdict, i.Because = v.Class, v.Because
	i.Leaked = i.Leaked || v.Class == fleet.Leak
}

// progress is how far an installation counts as being. A handset that refused the feed has
// not begun anything: after an outage of the feed, all that wait would count as failed, and
// halt every rollout.
func progress(old fleet.Installation, r report.Report) report.Progress {
	if r.Failure == nil || r.Failure.Phase != report.PhaseMetadata {
		return r.Progress
	}
	if old.Release == r.Release && old.Progress != "" && old.Progress != report.ProgressRunning {
		return old.Progress
	}
	return report.ProgressKnown
}

// strongest keeps the finding that says most of the time before the patch. It does not
// depend on the order in which reports come.
func strongest(a, b fleet.Before) fleet.Before {
	for _, f := range []fleet.Before{fleet.BeforeActive, fleet.BeforeOff, fleet.BeforeQuiet} {
		if a == f || b == f {
			return f
		}
	}
	return fleet.BeforeUnknown
}
