// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"landed/manifests/report"
	"landed/manifests/report/envelope"
	"landed/server/fleet"
)

// verifyBatch bounds how many installations are held in memory at a time, with all their reports.
const verifyBatch = 200

// Verified says what a verification went through.
type Verified struct {
	Installations int64
	Reports       int64 // opened, their signatures verified
	Unjudged      int64 // installations that speak of a release that this program cannot read
	Unreckoned    bool  // what was decided of who counts is not applied to all yet: it was not checked
}

// Verify opens every stored report of every installation, verifies its signature, and has all of them come in again, in
// the order in which they came, by the code that takes in new ones. fault is told, in words, of each column of a report
// or an installation that is otherwise than what follows. It changes nothing. progress is told after each batch, and may
// be nil.
func (i *Intake) Verify(ctx context.Context, tx fleet.Tx, progress func(Verified), fault func(string)) (Verified, error) {
	var done Verified
	v := verifier{Intake: i}
	var err error
	if v.control, err = loadControl(ctx, tx); err != nil {
		return done, err
	}
	reckoned, err := reckonedTo(ctx, tx)
	if err != nil {
		return done, err
	}
	v.reckoned = reckoned == v.control.mark()
	done.Unreckoned = !v.reckoned
	for after := report.Reference(""); ; {
		refs, err := tx.Installations().Refs(ctx, after, verifyBatch)
		if err != nil || len(refs) == 0 {
			return done, err
		}
		after = refs[len(refs)-1]
		found, err := v.batch(ctx, tx, refs, &done)
		if err != nil {
			return done, err
		}
		for _, words := range found {
			fault(words)
		}
		if progress != nil {
			progress(done)
		}
	}
}

type verifier struct {
	*Intake
	// What was decided last has been applied to all: until then, who counts is not held against it.
	reckoned bool
	control  Control
}

// batch loads what is stored of installations and judges them side by side: nearly all of the time goes into signatures.
func (v *verifier) batch(ctx context.Context, tx fleet.Tx, refs []report.Reference, done *Verified) (all []string, err error) {
	states, err := tx.Installations().Of(ctx, refs...)
	if err != nil {
		return nil, err
	}
	stored := make([][]fleet.StoredReport, len(refs))
	for n, ref := range refs {
		if stored[n], err = tx.Reports().Arrived(ctx, ref); err != nil {
			return nil, err
		}
		done.Reports += int64(len(stored[n]))
	}
	done.Installations += int64(len(refs))
	found, left := make([][]string, len(refs)), make([]bool, len(refs))
	var group sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		group.Go(func() {
			for n := w; n < len(refs); n += workers {
				found[n], left[n] = v.one(ctx, refs[n], states[refs[n]], stored[n])
			}
		})
	}
	group.Wait()
	for n := range refs {
		all = append(all, found[n]...)
		if left[n] {
			done.Unjudged++
		}
	}
	return all, ctx.Err()
}

// one verifies an installation. left says that it cannot be judged.
func (v *verifier) one(
	ctx context.Context, ref report.Reference, states []fleet.Installation, stored []fleet.StoredReport,
) (faults []string, left bool) {
	again := &handset{loaded: &Loaded{Control: v.control}}
	for _, s := range stored {
		a, err := v.arrival(ctx, s)
		if isUnreadable(err) {
			left = true
			continue
		}
		if err != nil {
			faults = append(faults, err.Error())
			continue
		}
		if late := again.again(s.At, a); late != s.Late && !left {
			faults = append(faults, fmt.Sprintf("report %s of installation %s: late is stored as %t, and follows as %t", s.ID, ref,
				s.Late, late))
		}
	}
	again.live(time.Time{})
	if len(faults) > 0 || left {
		return faults, left // what follows from less than all reports says nothing
	}
	for _, is := range states {
		if shown := again.of(is.Release); shown == nil {
			faults = append(faults, fmt.Sprintf("installation %s: no stored report speaks of release %.60q", ref, is.Release))
		} else {
			faults = append(faults, v.differences(ctx, is, shown.is, again.first)...)
		}
	}
	for _, s := range again.states {
		if !slices.ContainsFunc(states, func(i fleet.Installation) bool { return i.Release == s.is.Release }) {
			faults = append(faults, fmt.Sprintf("installation %s: what it showed of release %s is missing", ref, s.is.Release))
		}
	}
	return faults, false
}

// arrival opens a stored report, and holds its columns against what was signed.
func (v *verifier) arrival(ctx context.Context, s fleet.StoredReport) (Arrival, error) {
	r, ref, err := envelope.Open(s.Envelope)
	if err != nil {
		return Arrival{}, fmt.Errorf("report %s of installation %s is not as it was signed: %w", s.ID, s.Ref, err)
	}
	if r.ID != s.ID || ref != s.Ref || r.Seq != s.Seq || r.Schema != s.Schema || r.Release != s.Release {
		return Arrival{}, fmt.Errorf("report %s of installation %s: the row says sequence %d, schema %d, release %.60q; signed are "+
			"report %s of %s, sequence %d, schema %d, release %q", s.ID, s.Ref, s.Seq, s.Schema, s.Release, r.ID, ref, r.Seq, r.Schema,
			r.Release)
	}
	rule, err := v.Rules.Of(ctx, r.Release, r.Model)
	if err != nil && !isUnreadable(err) {
		err = errors.New("report " + s.ID + " of installation " + string(s.Ref) + ": " + fleet.InOneLine(err))
	}
	return Arrival{Envelope: s.Envelope, Report: r, Ref: ref, Rule: rule}, err
}

// differences lists the columns of a state that do not follow from its reports.
func (v *verifier) differences(ctx context.Context, is, follows fleet.Installation, first string) (faults []string) {
	differ := func(what string, have, want any) {
		if have != want {
			faults = append(faults, fmt.Sprintf("installation %s on %s: %s is stored as %v, and follows as %v", is.Ref, is.Release, what,
				have, want))
		}
	}
	differ("current", is.Current, follows.Current)
	differ("model", is.Model, follows.Model)
	differ("channel", is.Channel, follows.Channel)
	differ("the newest report", is.Newest.ID, follows.Newest.ID)
	differ("its sequence number", is.Seq, follows.Seq)
	differ("progress", is.Progress, follows.Progress)
	differ("before", is.Before, follows.Before)
	differ("leaked", is.Leaked, follows.Leaked)
	differ("cloned", is.Cloned, follows.Cloned)
	differ("the number of reports", is.Reports, follows.Reports)
	differ("first", is.First.UnixMilli(), follows.First.UnixMilli())
	differ("last", is.Last.UnixMilli(), follows.Last.UnixMilli())
	differ("away", is.Away.UnixMilli(), follows.Away.UnixMilli())
	differ("absent", is.Absent, follows.Absent)
	differ("back", is.Back.UnixMilli(), follows.Back.UnixMilli())
	differ("the commitment", is.Commit, follows.Commit)
	differ("the draw", is.Drawn, follows.Drawn)
	differ("out of draw", is.OutOfDraw, follows.OutOfDraw)
	if v.reckoned {
		differ("admitted", is.Admitted.UnixMilli(), follows.Admitted.UnixMilli())
		differ("quarantined", is.Quarantined, follows.Quarantined)
		differ("counted", is.Counted, follows.Counted)
	}
	if len(faults) == 0 && !v.standsAs(ctx, is, follows, first) {
		faults = append(faults, fmt.Sprintf("installation %s on %s is stored as %s (%s, %d reasons), and follows as %s (%s, %d "+
			"reasons); \"otad rejudge\" judges it again", is.Ref, is.Release, is.Verdict, is.Kind, len(is.Because), follows.Verdict,
			follows.Kind, len(follows.Because)))
	}
	return faults
}

// standsAs says if a state is judged as its reports are.
func (v *verifier) standsAs(ctx context.Context, is, follows fleet.Installation, first string) bool {
	rule, err := v.Rules.Of(ctx, is.Release, is.Model)
	if err != nil {
		return isUnreadable(err)
	}
	judge(&follows, first, rule)
	if !v.reckoned {
		follows.Counted = is.Counted
	}
	return !differs(is, follows)
}
