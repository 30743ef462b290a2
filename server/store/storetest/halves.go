// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"errors"
	"slices"
	"testing"

	"landed/manifests/report"
	"landed/server/fleet"
)

// otherHalfRefused writes from each kind of transaction to the half that is not its own.
func otherHalfRefused(t *testing.T, s fleet.Store) {
	r, key := Report(1, 1)
	stored := Stored(t, r, key, Now)
	state := fleet.Installation{Ref: stored.Ref, Release: "one", Current: true}
	for _, tt := range []struct {
		what      string
		write     func(fleet.Tx) error
		ofReports bool
	}{
		{"a token", put("a"), false},
		{"a line of the trail", func(tx fleet.Tx) error { return tx.Audit().Append(ctx, fleet.AuditEntry{Action: "x"}) }, false},
		{"a rollout", func(tx fleet.Tx) error { return tx.Rollouts().Create(ctx, fleet.Rollout{ID: "r"}) }, false},
		{"a head", func(tx fleet.Tx) error {
			return tx.Seals().Put(ctx, fleet.Head{Tree: fleet.TreeReports, Size: 1, N: 1, Root: make([]byte, 32)}, [][]byte{make([]byte, 32)})
		}, false},
		{"a lease", func(tx fleet.Tx) error { _, _, err := tx.Leases().Take(ctx, "x", "a", 0); return err }, false},
		{"a take of a tally", func(tx fleet.Tx) error { return tx.Tallies().Begin(ctx, "x") }, false},
		{"a piece of a tally", func(tx fleet.Tx) error {
			return tx.TallyPieces().Put(ctx, fleet.TallyPiece{Take: "x", Kind: "k", Name: "n", Bytes: []byte{1}})
		}, true},
		{"a report", func(tx fleet.Tx) error { _, err := tx.Reports().Append(ctx, stored); return err }, true},
		{"an installation", func(tx fleet.Tx) error { return tx.Installations().Put(ctx, state) }, true},
		{"a figure", func(tx fleet.Tx) error { return tx.Counts().Move(ctx, nil, &state) }, true},
		{"a provisional report", func(tx fleet.Tx) error {
			return tx.Provisional().Put(ctx, fleet.ProvisionalReport{Slot: 1, Ref: stored.Ref, Envelope: stored.Envelope})
		}, true},
		{"a copy of the figures", func(tx fleet.Tx) error {
			_, err := tx.History().Add(ctx, Now, cellOf("armani", "one", "stable", 1, 1))
			return err
		}, true},
		{"a walk", func(tx fleet.Tx) error { return tx.Walks().Put(ctx, "w", "A") }, true},
	} {
		own, other := s.Update, s.UpdateReports
		if tt.ofReports {
			own, other = other, own
		}
		err := other(ctx, tt.write)
		if e, ok := errors.AsType[*fleet.Error](err); !ok || e.Kind != fleet.Forbidden || e.Code != "wrong_half" {
			t.Errorf("%s, written in the other half: %v", tt.what, err)
		}
		if err := own(ctx, tt.write); err != nil {
			t.Errorf("%s: %v", tt.what, err)
		}
	}
	// Each reads the other as it was committed.
	update(t, s, func(tx fleet.Tx) error {
		known, err := tx.Installations().Of(ctx, stored.Ref)
		total, err2 := tx.Counts().Of(ctx, "one", "", "")
		if len(known) != 1 || total.Installations != 1 {
			t.Errorf("an update reads %v and %+v", known, total)
		}
		return errors.Join(err, err2)
	})
	updateReports(t, s, func(tx fleet.Tx) error {
		tokens, err := tx.Tokens().List(ctx)
		if len(tokens) != 1 {
			t.Errorf("an update of the reports reads %v", tokens)
		}
		return err
	})
}

// halvesDoNotWait writes each half while a transaction of the other is open: none waits, and a View sees what each did.
func halvesDoNotWait(t *testing.T, s fleet.Store) {
	at := func() (after report.Reference) {
		view(t, s, func(tx fleet.Tx) (err error) { after, err = tx.Walks().At(ctx, "w"); return err })
		return after
	}
	updateReports(t, s, func(tx fleet.Tx) error {
		if err := tx.Walks().Put(ctx, "w", "A"); err != nil {
			return err
		}
		update(t, s, put("a")) // would wait for ever
		if got := at(); got != "" {
			t.Errorf("what is not committed is seen: %q", got)
		}
		return nil
	})
	update(t, s, func(tx fleet.Tx) error {
		updateReports(t, s, func(tx fleet.Tx) error { return tx.Walks().Put(ctx, "w", "B") })
		return put("b")(tx)
	})
	if got := names(t, s); at() != "B" || !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("stored %v, and the walk is at %q", got, at())
	}
}

// reportsFail has an update of the reports fail, and one panic: nothing of them happened.
func reportsFail(t *testing.T, s fleet.Store) {
	write := func(end func() error) func(fleet.Tx) error {
		return func(tx fleet.Tx) error {
			state := fleet.Installation{Ref: "A", Release: "one", Current: true}
			if err := errors.Join(tx.Installations().Put(ctx, state), tx.Counts().Move(ctx, nil, &state)); err != nil {
				return err
			}
			return end()
		}
	}
	if err := s.UpdateReports(ctx, write(func() error { return errStop })); !errors.Is(err, errStop) {
		t.Errorf("got %v, wanted the error of the function", err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		s.UpdateReports(ctx, write(func() error { panic("a fault in the function") }))
	}()
	count := func() (n int64) {
		view(t, s, func(tx fleet.Tx) error { c, err := tx.Counts().Of(ctx, "one", "", ""); n = c.Installations; return err })
		return n
	}
	if n := count(); n != 0 {
		t.Errorf("%d are counted", n)
	}
	updateReports(t, s, write(func() error { return nil }))
	if n := count(); n != 1 {
		t.Errorf("after one that did not fail: %d are counted", n)
	}
}
