// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"crypto/ed25519"
	"fmt"
	"testing"
	"time"

	"landed/manifests/report"
	"landed/server/fleet"
)

// Report is an unpatched handset of model armani that activated itself, as its installation
// number n, sequence seq, would report it. The key is made from n: tests are repeatable.
func Report(n int, seq int64) (report.Report, ed25519.PrivateKey) {
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, fmt.Sprintf("installation %d", n))
	return report.Report{
		Schema: report.Schema, ID: fmt.Sprintf("%016x%016x", n, seq), Seq: seq, Kind: report.KindBaseline, Release: "one",
		Model: "armani", Variant: "armani", Channel: "stable", Build: report.BuildOther,
		Progress: report.ProgressKnown,
		Evidence: report.Evidence{
			Migration: report.MigrationNotApplicable, State: report.StateOn, Origin: report.OriginAuto, Consent: report.ConsentNone,
			ConsentSurface: report.SurfaceNone, AutoGate: report.GateOpen, Slots: []report.Slot{{Present: true, Registered: true, By: report.RegisteredByAuto}},
			AttemptsSetup: 2, Triggers: report.Triggers{Boot: true, SIMReady: true, DataUp: true, DayPassed: true}, ObservedHours: 168, Transport: report.TransportHTTPS,
		},
	}, ed25519.NewKeyFromSeed(seed)
}

// Stored seals a report as it came at a time.
func Stored(t testing.TB, r report.Report, key ed25519.PrivateKey, at time.Time) fleet.StoredReport {
	t.Helper()
	envelope, err := report.Seal(r, key)
	if err != nil {
		t.Fatal(err)
	}
	return fleet.StoredReport{ID: r.ID, Ref: report.ReferenceOf(key.Public().(ed25519.PublicKey)), Seq: r.Seq, Envelope: envelope, At: at}
}

func testReports(t *testing.T, s fleet.Store) {
	r1, key := Report(1, 1)
	r2, _ := Report(1, 2)
	newer, older := Stored(t, r2, key, Now), Stored(t, r1, key, later(1))
	older.Late = true
	add := func(r fleet.StoredReport, want bool) {
		t.Helper()
		update(t, s, func(tx fleet.Tx) error {
			added, err := tx.Reports().Append(ctx, r)
			if added != want {
				t.Errorf("added is %t, wanted %t", added, want)
			}
			return err
		})
	}
	add(newer, true)
	add(older, true)
	other := newer
	other.Envelope = []byte("other bytes under one id")
	add(other, false)
	strange, strangeKey := Report(2, 1)
	strange.ID = r1.ID // another installation may choose the same id
	add(Stored(t, strange, strangeKey, Now), true)

	wantKind(t, s, fleet.NotFound, "report_unknown", func(tx fleet.Tx) error { _, err := tx.Reports().Get(ctx, newer.Ref, "none"); return err })
	view(t, s, func(tx fleet.Tx) error {
		got, err := tx.Reports().Get(ctx, newer.Ref, newer.ID)
		if err != nil {
			return err
		}
		same(t, "the first stays", got, newer)
		all, err := tx.Reports().Of(ctx, newer.Ref)
		if err != nil {
			return err
		}
		same(t, "by sequence", all, []fleet.StoredReport{older, newer})
		for seq, want := range map[int64]bool{1: true, 2: true, 3: false} {
			has, err := tx.Reports().HasSeq(ctx, newer.Ref, seq)
			if err != nil || has != want {
				t.Errorf("sequence %d: has is %t, %v", seq, has, err)
			}
		}
		return nil
	})
}

// arrive stores report seq of installation n at a time, as its newest.
func arrive(t *testing.T, s fleet.Store, n int, seq int64, at time.Time, class fleet.Class) fleet.Installation {
	t.Helper()
	r, key := Report(n, seq)
	stored := Stored(t, r, key, at)
	newest, ref, err := report.Open(stored.Envelope)
	if err != nil {
		t.Fatal(err)
	}
	i := fleet.Installation{
		Ref: ref, Model: r.Model, Channel: r.Channel, Release: r.Release, Seq: seq, Newest: newest, Progress: r.Progress, Verdict: class,
		Because: []string{"one", "two"}, Before: fleet.BeforeActive, Cloned: seq > 1, Reports: seq, First: Now, Last: at,
	}
	update(t, s, func(tx fleet.Tx) error {
		if _, err := tx.Reports().Append(ctx, stored); err != nil {
			return err
		}
		return tx.Installations().Put(ctx, i)
	})
	return i
}

func testInstallations(t *testing.T, s fleet.Store) {
	arrive(t, s, 1, 1, Now, fleet.Unpatched)
	one := arrive(t, s, 1, 2, later(2), fleet.Leak)
	two := arrive(t, s, 2, 1, later(3), fleet.Contradictory)
	arrive(t, s, 3, 1, later(4), fleet.ConfirmedOff)
	short := func(i fleet.Installation) fleet.Installation {
		i.Newest = report.Report{ID: i.Newest.ID, Seq: i.Seq}
		return i
	}
	view(t, s, func(tx fleet.Tx) error {
		got, err := tx.Installations().Get(ctx, one.Ref)
		if err != nil {
			return err
		}
		same(t, "with its newest report", got, one)
		state, err := tx.Installations().State(ctx, one.Ref)
		if err != nil {
			return err
		}
		same(t, "without it", state, short(one))
		for limit, want := range [][]fleet.Installation{nil, {short(two)}, {short(two), short(one)}, {short(two), short(one)}} {
			got, err := tx.Installations().Alarming(ctx, "one", "armani", limit)
			if err != nil {
				return err
			}
			same(t, fmt.Sprint("alarming, at most ", limit), got, want)
		}
		return nil
	})
	wantKind(t, s, fleet.NotFound, "installation_unknown", func(tx fleet.Tx) error { _, err := tx.Installations().State(ctx, "none"); return err })
	wantKind(t, s, fleet.NotFound, "installation_unknown", func(tx fleet.Tx) error { _, err := tx.Installations().Get(ctx, "none"); return err })
}

func testSilent(t *testing.T, s fleet.Store) {
	quiet := arrive(t, s, 1, 1, later(1), fleet.Unpatched)
	arrive(t, s, 2, 1, later(2), fleet.Unpatched) // reports again below
	arrive(t, s, 3, 1, later(3), fleet.ConfirmedOff)
	also := arrive(t, s, 4, 1, later(4), fleet.Unpatched)
	arrive(t, s, 5, 1, later(20), fleet.Unpatched)
	arrive(t, s, 2, 2, later(21), fleet.Unpatched)

	silent := func(before time.Time, limit int, wantMore bool, want ...fleet.Installation) {
		t.Helper()
		update(t, s, func(tx fleet.Tx) error {
			got, more, err := tx.Installations().Silent(ctx, before, limit)
			same(t, "silent", got, want)
			if more != wantMore {
				t.Errorf("more is %t", more)
			}
			return err
		})
	}
	silent(later(1), 10, false) // nothing is older than the first
	failed := s.Update(ctx, func(tx fleet.Tx) error {
		got, _, err := tx.Installations().Silent(ctx, later(10), 10)
		if len(got) != 2 || err != nil {
			t.Errorf("got %v, %v", got, err)
		}
		return errStop
	})
	if failed == nil {
		t.Fatal("the update did not fail")
	}
	silent(later(10), 2, true, quiet) // what a failed transaction was told is told again
	silent(later(10), 2, true, also)
	silent(later(10), 2, false)
	silent(later(20), 2, false)
}

func testCounts(t *testing.T, s fleet.Store) {
	at := func(release string, class fleet.Class, p report.Progress) *fleet.Installation {
		return &fleet.Installation{Release: release, Model: "armani", Channel: "stable", Verdict: class, Progress: p, Before: fleet.BeforeQuiet}
	}
	waits, runs := at("one", fleet.Unpatched, report.ProgressKnown), at("one", fleet.ConfirmedOff, report.ProgressRunning)
	moved := at("two", fleet.ConfirmedOff, report.ProgressRunning)
	of := func(tx fleet.Tx, release string, installations, unpatched, confirmed int64) {
		t.Helper()
		c, err := tx.Counts().Of(ctx, release, "armani", "stable")
		if err != nil {
			t.Error(err)
		}
		if c.Installations != installations || c.Verdicts[fleet.Unpatched] != unpatched || c.Verdicts[fleet.ConfirmedOff] != confirmed || c.Running() != confirmed || c.Before[fleet.BeforeQuiet] != installations {
			t.Errorf("%s: got %+v", release, c)
		}
		if len(c.Verdicts) != len(fleet.Classes) || len(c.Progress) != 5 || len(c.Before) != 4 {
			t.Errorf("%s: cells of zero are missing: %+v", release, c)
		}
	}
	update(t, s, func(tx fleet.Tx) error {
		of(tx, "one", 0, 0, 0)
		for range 3 {
			if err := tx.Counts().Move(ctx, nil, waits); err != nil {
				return err
			}
		}
		of(tx, "one", 3, 3, 0) // its own changes are seen
		return tx.Counts().Move(ctx, waits, runs)
	})
	update(t, s, func(tx fleet.Tx) error { return tx.Counts().Move(ctx, runs, moved) })
	s.Update(ctx, func(tx fleet.Tx) error {
		tx.Counts().Move(ctx, nil, waits)
		return errStop
	})
	view(t, s, func(tx fleet.Tx) error {
		of(tx, "one", 2, 2, 0)
		of(tx, "two", 1, 0, 1)
		all, err := tx.Counts().List(ctx)
		if len(all) != 2 {
			t.Errorf("got %d rows, wanted one per release", len(all))
		}
		return err
	})
	if err := s.Update(ctx, func(tx fleet.Tx) error { return tx.Counts().Move(ctx, runs, nil) }); err == nil {
		t.Error("a figure went below zero")
	}
}
