// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/settle"
)

// rejudgeBatch bounds how many installations one transaction judges again, because reports wait meanwhile.
const rejudgeBatch = 200

// Rejudged says what judging again did.
type Rejudged struct {
	Release string
	Judged  int64
	Changed int64 // other class, reasons, finding before, cause, leak or count than was stored
	Kept    int64 // of Judged: stay as they stand, because a release that their reports speak of cannot be read
	Settled int64 // of Judged: begin with what a cut settled, for reports before it were dropped
	Resumed bool  // it went on where an earlier one was interrupted
}

// Rejudge judges every stored installation of a release again, by all its reports about it, after a rule of the program
// changed. Figures move in the transactions that change the verdicts. It goes on where an earlier one was interrupted,
// and may be repeated: the second time nothing changes. A release that cannot be read is refused. progress is told after
// each batch, and may be nil.
func (i *Intake) Rejudge(ctx context.Context, release, by string, progress func(Rejudged)) (Rejudged, error) {
	done := Rejudged{Release: release}
	if _, unread, err := i.Rules.now(ctx); err != nil || unread[release] {
		return done, cmp.Or(err, error(fleet.Errorf(fleet.Conflict, "release_unreadable", "release %s cannot be read by this "+
			"program; what is stored of it stays as it stands. The log of the server says why", release)))
	}
	name := "rejudge " + release
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return done, err
		}
		batch := done
		err := i.Store.UpdateReports(ctx, func(tx fleet.Tx) (err error) {
			batch = done
			more, err = i.rejudgeBatch(ctx, tx, name, &batch)
			return err
		})
		if err != nil {
			return done, fmt.Errorf("judge release %s again: %w", release, err)
		}
		done = batch
		if progress != nil {
			progress(done)
		}
	}
	// First the trail, then how far it came is forgotten. Whoever is cut off between the two finds nothing left to judge,
	// and writes a line that says so.
	line := fleet.AuditEntry{At: i.Now(), Actor: by, Action: "release.rejudge", Subject: release, Reason: done.words()}
	err := i.Store.Update(ctx, func(tx fleet.Tx) error { return tx.Audit().Append(ctx, line) })
	if err == nil {
		err = i.Store.UpdateReports(ctx, func(tx fleet.Tx) error { return tx.Walks().End(ctx, name) })
	}
	if err != nil {
		return done, fmt.Errorf("judge release %s again: %w", release, err)
	}
	return done, nil
}

func (d Rejudged) words() string {
	words := fmt.Sprintf("%d installations were judged again, %d stand otherwise now", d.Judged, d.Changed)
	if d.Kept > 0 {
		words += fmt.Sprintf("; %d stay as they stood: they speak of a release, too, that cannot be read", d.Kept)
	}
	if d.Settled > 0 {
		words += fmt.Sprintf("; %d begin with what a cut settled, because older reports were dropped", d.Settled)
	}
	if d.Resumed {
		words += "; others were before, by one that was interrupted"
	}
	return words
}

func (i *Intake) rejudgeBatch(ctx context.Context, tx fleet.Tx, name string, done *Rejudged) (more bool, err error) {
	after, err := tx.Walks().At(ctx, name)
	if err != nil {
		return false, err
	}
	if done.Judged == 0 {
		done.Resumed = after != ""
	}
	states, err := tx.Installations().Walk(ctx, done.Release, after, rejudgeBatch)
	if err != nil {
		return false, err
	}
	again := replayer{settle.Replayer{Rules: i.Rules}}
	if again.By, err = loadControl(ctx, tx); err != nil {
		return false, err
	}
	for _, old := range states {
		next, settled, err := again.judgeAnew(ctx, tx, old)
		if isUnreadable(err) {
			next, err = old, nil
			done.Kept++
		}
		if err != nil {
			return false, fmt.Errorf("an installation of model %s: %w", old.Model, err)
		}
		done.Judged++
		if settled {
			done.Settled++
		}
		if !differs(old, next) {
			continue
		}
		done.Changed++
		if err := tx.Counts().Move(ctx, &old, &next); err != nil {
			return false, err
		}
		if err := tx.Installations().Put(ctx, next); err != nil {
			return false, err
		}
	}
	if len(states) == 0 {
		return false, nil
	}
	return true, tx.Walks().Put(ctx, name, states[len(states)-1].Ref)
}

// judgeAnew is what the reports of an installation prove of the release of old, judged anew. Who counts stays as people
// decided it; only what the verdict adds to that is looked at again.
func (p replayer) judgeAnew(
	ctx context.Context, tx fleet.ReportsTx, old fleet.Installation,
) (next fleet.Installation, settled bool, err error) {
	rule, err := p.Rules.Of(ctx, old.Release, old.Model)
	if err != nil {
		return old, false, err
	}
	again, settled, err := p.replay(ctx, tx, old.Ref)
	if err != nil {
		return old, false, err
	}
	next = old
	next.Leaked, next.Before = false, effect.NotSeen
	if shown := again.Of(old.Release); shown != nil {
		next.Leaked, next.Before, next.Cause = shown.Is.Leaked, shown.Is.Before, shown.Is.Cause
	}
	settle.Judge(&next, again.First, rule)
	next.Quarantined = p.By.Held(&next, time.Time{})
	next.Counted = p.By.Counts(&next)
	return next, settled, nil
}

// replay has the stored reports of an installation come in again, in the order in which they came, by what takes in new
// ones: nothing can be read otherwise here than there. Where a cut has dropped some it begins with what that settled.
func (p replayer) replay(ctx context.Context, tx fleet.ReportsTx, ref report.Reference) (again *settle.Handset, settled bool, err error) {
	of, err := historyOf(ctx, tx, ref)
	if err != nil {
		return nil, false, err
	}
	if again, err = p.Begin(ctx, of); err == nil {
		err = p.Replayed(ctx, again, ref, of.Since())
	}
	if err != nil {
		return nil, false, err
	}
	again.Live(time.Time{})
	return again, of.Holds != nil, nil
}

func differs(a, b fleet.Installation) bool {
	if a.Verdict != b.Verdict || a.Kind != b.Kind || a.Counted != b.Counted ||
		a.Leaked != b.Leaked || a.Before != b.Before || a.Cause != b.Cause ||
		len(a.Because) != len(b.Because) {
		return true
	}
	for n := range a.Because {
		if !a.Because[n].Equal(b.Because[n]) {
			return true
		}
	}
	return false
}
