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
	"landed/server/settle"
)

// verifyBatch bounds how many installations are held in memory at a time, with all their reports.
const verifyBatch = 200

// Verified says what a verification went through.
type Verified struct {
	Installations int64
	Reports       int64 // opened, their signatures verified, but for those that were dropped
	Dropped       int64 // of Reports: no body is left, they are held against what a cut settled
	Settled       int64 // of Installations: begin with what a cut settled
	Unjudged      int64 // installations that speak of a release that this program cannot read
	// What was decided of who counts is not applied to all yet: each was held against what was applied to all, and against
	// whatever was decided since.
	Unreckoned bool
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
	if err := v.reckoned(ctx, tx, fault); err != nil {
		return done, err
	}
	done.Unreckoned = len(v.steps) > 1 || v.applied < v.control.Entries()
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

// verifier holds what is stored against what follows. What was decided is applied to installations one after the other:
// each may stand as it follows from admissions up to applied or any later one, and from any of steps.
type verifier struct {
	*Intake
	control Control
	applied int64                // the last admission that was applied to all
	steps   [][]fleet.Quarantine // the quarantines as they are, and before each change since they were applied to all
}

// reckoned finds out what was applied to all, and tells of a mark that nothing that was decided left.
func (v *verifier) reckoned(ctx context.Context, tx fleet.Tx, fault func(string)) error {
	mark, err := reckonedTo(ctx, tx)
	if err != nil {
		return err
	}
	written, err := tx.Quarantines().Written(ctx)
	if err != nil {
		return err
	}
	known := false
	v.applied, v.steps, known = v.control.Since(mark, written)
	slices.Reverse(v.steps)
	if !known {
		fault(fmt.Sprintf("walks: that who counts is applied up to %.80q was written by another hand than this program's: nothing "+
			"that was decided has that mark. Find out who wrote to it; a server that is started applies everything again", mark))
	}
	return nil
}

// batch loads what is stored of installations and judges them side by side: nearly all of the time goes into signatures.
func (v *verifier) batch(ctx context.Context, tx fleet.Tx, refs []report.Reference, done *Verified) (all []string, err error) {
	states, err := tx.Installations().Of(ctx, refs...)
	if err != nil {
		return nil, err
	}
	stored, err := historiesOf(ctx, tx, refs...)
	if err != nil {
		return nil, err
	}
	for _, of := range stored {
		for _, r := range of.Rows {
			if done.Reports++; r.Dropped() {
				done.Dropped++
			}
		}
		if of.Holds != nil {
			done.Settled++
		}
	}
	done.Installations += int64(len(refs))
	found, left := make([][]string, len(refs)), make([]bool, len(refs))
	var group sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		group.Go(func() {
			for n := w; n < len(refs); n += workers {
				found[n], left[n] = v.one(ctx, stored[n], states[refs[n]])
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

// arrived is a stored report that was opened.
type arrived struct {
	at time.Time
	Arrival
}

// one verifies an installation. left says that it cannot be judged.
func (v *verifier) one(ctx context.Context, of settle.History, states []fleet.Installation) (faults []string, left bool) {
	var all []arrived
	again, err := v.begin(ctx, of, v.control)
	switch {
	case isUnreadable(err):
		left, again = true, &settle.Handset{Loaded: &Loaded{Control: v.control}}
	case err != nil:
		return []string{fmt.Sprintf("installation %s: %s", of.Ref, fleet.InOneLine(err))}, false
	}
	before := int64(0)
	if of.Holds != nil {
		before = of.Holds.UpTo
	}
	for _, s := range of.Rows {
		if s.Dropped() && s.N <= before {
			continue // what is left of it was held against what the cut settled
		}
		a, err := v.arrival(ctx, s)
		if isUnreadable(err) {
			left = true
			continue
		}
		if err != nil {
			faults = append(faults, err.Error())
			continue
		}
		if s.N <= before {
			continue
		}
		all = append(all, arrived{s.At, a})
		if late := again.Again(s.At, a); late != s.Late && !left {
			faults = append(faults, fmt.Sprintf("report %s of installation %s: late is stored as %t, and follows as %t", s.ID, of.Ref,
				s.Late, late))
		}
	}
	again.Live(time.Time{})
	if len(faults) > 0 || left {
		return faults, left // what follows from less than all reports says nothing
	}
	for ; again != nil; again = v.before(ctx, again, of, all) {
		for _, then := range v.steps {
			again.Loaded.Control.Quarantines = then
			again.Reckon()
			found := v.stands(ctx, of.Ref, states, again)
			if len(found) == 0 {
				return nil, false
			}
			if len(faults) == 0 { // told is how it differs from what is decided now
				faults = found
			}
		}
	}
	return faults, false
}

// begin is the installation as it was before all that is replayed.
func (v *verifier) begin(ctx context.Context, of settle.History, by Control) (*settle.Handset, error) {
	return replayer{settle.Replayer{Rules: v.Rules, By: by}}.Begin(ctx, of)
}

// arrival opens a stored report, and holds its columns against what was signed.
func (v *verifier) arrival(ctx context.Context, s fleet.StoredReport) (Arrival, error) {
	if s.Dropped() {
		return Arrival{}, fmt.Errorf("report %s of installation %s, row %d: its body was dropped, and no cut has closed it: restore "+
			"a backup", s.ID, s.Ref, s.N)
	}
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
