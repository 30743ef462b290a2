// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"landed/manifests/report"
	"landed/server/fleet"
)

func intake(t *testing.T, s fleet.Store, fn func(fleet.Tx) error) {
	t.Helper()
	if err := s.Intake(ctx, fn); err != nil {
		t.Fatal(err)
	}
}

// heard takes a report of each of these installations in, as the only kind of change that there is.
func heard(tx fleet.Tx, model string, refs ...report.Reference) error {
	known, err := tx.Installations().Of(ctx, refs...)
	if err != nil {
		return err
	}
	var reports []fleet.StoredReport
	var states []fleet.Installation
	for _, ref := range refs {
		next := fleet.Installation{Ref: ref, Release: "one", Current: true, Model: model, Channel: "stable", Verdict: Unpatched,
			Kind: KindOf(Unpatched), Progress: report.ProgressKnown, Before: BeforeQuiet, First: Now}
		var was *fleet.Installation
		if had := known[ref]; len(had) > 0 {
			was, next = &had[0], had[0]
		}
		next.Seq, next.Reports, next.Last = next.Seq+1, next.Reports+1, later(int(next.Seq))
		next.Newest = report.Report{ID: fmt.Sprintf("%s %d", ref, next.Seq), Seq: next.Seq}
		reports = append(reports, fleet.StoredReport{ID: next.Newest.ID, Ref: ref, Seq: next.Seq, Schema: 1, Release: "one",
			Envelope: []byte(next.Newest.ID), At: next.Last})
		states = append(states, next)
		known[ref] = []fleet.Installation{next}
		if err := tx.Counts().Move(ctx, was, &next); err != nil {
			return err
		}
	}
	added, err := tx.Reports().Append(ctx, reports...)
	if err == nil && added < len(reports) {
		err = fmt.Errorf("%d of %d reports were there", len(reports)-added, len(reports))
	}
	return errors.Join(err, tx.Installations().Put(ctx, states...))
}

// testIntake takes in what one model says at once, and what another says one by one: it adds up to the same.
func testIntake(t *testing.T, s fleet.Store) {
	const many = 40
	refs := func(model string) (all []report.Reference) {
		for n := range many {
			all = append(all, report.Reference(fmt.Sprintf("%s%02d", model, n)))
		}
		return all
	}
	for range 2 {
		intake(t, s, func(tx fleet.Tx) error { return heard(tx, "armani", refs("armani")...) })
		for _, ref := range refs("dior") {
			intake(t, s, func(tx fleet.Tx) error { return heard(tx, "dior", ref) })
		}
	}
	view(t, s, func(tx fleet.Tx) error {
		atOnce, err1 := tx.Counts().Of(ctx, "one", "armani", "stable")
		oneByOne, err2 := tx.Counts().Of(ctx, "one", "dior", "stable")
		oneByOne.Model = atOnce.Model
		same(t, "the figures", atOnce, oneByOne)
		if atOnce.Installations != many {
			t.Errorf("%d installations are counted, wanted %d", atOnce.Installations, many)
		}
		a, err3 := tx.Installations().Of(ctx, refs("armani")...)
		d, err4 := tx.Installations().Of(ctx, refs("dior")...)
		for n, ref := range refs("armani") {
			other := d[refs("dior")[n]]
			if len(a[ref]) != 1 || len(other) != 1 || a[ref][0].Reports != 2 || other[0].Reports != 2 {
				t.Errorf("%s: %+v and %+v", ref, a[ref], other)
			}
		}
		return errors.Join(err1, err2, err3, err4)
	})
}

// testIntakes has many take reports in at once, of the same installations: none is lost, and each figure is right.
func testIntakes(t *testing.T, s fleet.Store) {
	const senders, each, installations = 6, 8, 10
	var group sync.WaitGroup
	for n := range senders {
		group.Go(func() {
			for m := range each {
				var refs []report.Reference
				for k := range 4 { // in no order, and new ones among them
					refs = append(refs, report.Reference(fmt.Sprintf("R%02d", (n*7+m*3+k*5)%installations)))
				}
				if err := s.Intake(ctx, func(tx fleet.Tx) error { return heard(tx, "armani", refs...) }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	view(t, s, func(tx fleet.Tx) error {
		refs, err := tx.Installations().Refs(ctx, "", installations+1)
		if err != nil {
			return err
		}
		states, err := tx.Installations().Of(ctx, refs...)
		sum := int64(0)
		for _, ref := range refs {
			all, err := tx.Reports().Of(ctx, ref)
			if err != nil {
				return err
			}
			if n := states[ref][0].Reports; n != int64(len(all)) {
				t.Errorf("%s says %d reports, stored are %d", ref, n, len(all))
			}
			sum += int64(len(all))
		}
		c, err2 := tx.Counts().Of(ctx, "one", "armani", "stable")
		if sum != senders*each*4 || c.Installations != int64(len(refs)) || c.Verdicts[Unpatched] != int64(len(refs)) {
			t.Errorf("%d reports, %d installations, figures %+v; wanted %d reports", sum, len(refs), c, senders*each*4)
		}
		waiting := int64(0)
		for _, n := range c.Waiting {
			if n == 0 {
				t.Errorf("an age that nobody has is told: %v", c.Waiting)
			}
			waiting += n
		}
		if waiting != int64(len(refs)) {
			t.Errorf("%d wait, wanted %d", waiting, len(refs))
		}
		return errors.Join(err, err2)
	})
}

// intakeRefuses: what needs to be alone is refused, and so is an installation that was not asked for.
func intakeRefuses(t *testing.T, s fleet.Store) {
	for code, fn := range map[string]func(fleet.Tx) error{
		"not_asked": func(tx fleet.Tx) error {
			return tx.Installations().Put(ctx, fleet.Installation{Ref: "A", Release: "one"})
		},
		"not_alone":  func(tx fleet.Tx) error { return tx.Counts().Merge(ctx, Now) },
		"wrong_half": put("a"),
	} {
		err := s.Intake(ctx, fn)
		if e, ok := errors.AsType[*fleet.Error](err); !ok || e.Kind != fleet.Forbidden || e.Code != code {
			t.Errorf("got %v, wanted %s", err, code)
		}
	}
	if err := s.Intake(ctx, func(fleet.Tx) error { return errStop }); !errors.Is(err, errStop) {
		t.Errorf("got %v, wanted the error of the function", err)
	}
}

// emptyBytes: what has no bytes is read as nil, whether it was written as nil or as empty.
func emptyBytes(t *testing.T, s fleet.Store) {
	update(t, s, func(tx fleet.Tx) error {
		return errors.Join(tx.Metadata().Put(ctx, fleet.Metadata{Role: "root", Version: 1}),
			tx.Metadata().Put(ctx, fleet.Metadata{Role: "root", Version: 2, Bytes: []byte{}}),
			tx.Metadata().Put(ctx, fleet.Metadata{Role: "root", Version: 3, Bytes: []byte{0}}))
	})
	view(t, s, func(tx fleet.Tx) error {
		all, err := tx.Metadata().All(ctx, "root")
		for n, m := range all {
			if n < 2 && m.Bytes != nil || n == 2 && string(m.Bytes) != "\x00" {
				t.Errorf("version %d has %#v", m.Version, m.Bytes)
			}
		}
		if len(all) != 3 {
			t.Errorf("%d versions", len(all))
		}
		return err
	})
}
