// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"crypto/ed25519"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/manifests/report/envelope"
	"landed/server/fleet"
)

// reasons are two, with values and without.
var reasons = []fleet.Reason{{Code: "one"}, {Code: "two", Values: map[string]string{"a": "1", "b": "x y"}}}

// arrive stores report seq of installation n at a time, as its newest.
func arrive(t *testing.T, s fleet.Store, n int, seq int64, at time.Time, class fleet.Class) fleet.Installation {
	t.Helper()
	r, key := Report(n, seq)
	return arriveOn(t, s, r, key, at, class)
}

func arriveOn(
	t *testing.T, s fleet.Store, r report.Report, key ed25519.PrivateKey, at time.Time, class fleet.Class,
) fleet.Installation {
	t.Helper()
	stored := Stored(t, r, key, at)
	newest, ref, err := envelope.Open(stored.Envelope)
	if err != nil {
		t.Fatal(err)
	}
	i := fleet.Installation{
		Ref: ref, Release: r.Release, Current: true, Model: r.Model, Channel: r.Channel, Seq: r.Seq, Newest: newest,
		Progress: r.Progress,
		Verdict:  class, Kind: KindOf(class), Because: reasons, Before: BeforeActive, Cloned: r.Seq > 1, Reports: r.Seq,
		First: Now, Last: at,
	}
	updateReports(t, s, func(tx fleet.Tx) error {
		if _, err := tx.Reports().Append(ctx, stored); err != nil {
			return err
		}
		return tx.Installations().Put(ctx, i)
	})
	return i
}

// short is a state without the body of its newest report.
func short(i fleet.Installation) fleet.Installation {
	i.Newest = report.Report{ID: i.Newest.ID, Seq: i.Seq}
	return i
}

func testInstallations(t *testing.T, s fleet.Store) {
	arrive(t, s, 1, 1, Now, Unpatched)
	one := arrive(t, s, 1, 2, later(2), Leak)
	two := arrive(t, s, 2, 1, later(3), Contradictory)
	arrive(t, s, 3, 1, later(4), ConfirmedOff)
	view(t, s, func(tx fleet.Tx) error {
		got, err := tx.Installations().Get(ctx, one.Ref)
		if err != nil {
			return err
		}
		same(t, "with its newest report", got, one)
		states, err := tx.Installations().Of(ctx, two.Ref, "none", one.Ref, one.Ref)
		if err != nil {
			return err
		}
		same(t, "without it", states, map[report.Reference][]fleet.Installation{one.Ref: {short(one)}, two.Ref: {short(two)}})
		for limit, want := range [][]fleet.Installation{nil, {short(two)}, {short(two), short(one)},
			{short(two), short(one)}} {
			got, err := tx.Installations().Alarming(ctx, "one", "armani", limit)
			if err != nil {
				return err
			}
			same(t, fmt.Sprint("alarming, at most ", limit), got, want)
		}
		return nil
	})
	wantKind(t, s, fleet.NotFound, "installation_unknown", func(tx fleet.Tx) error {
		_, err := tx.Installations().Get(ctx, "none")
		return err
	})
}

// testStates moves an installation on to another release and back.
func testStates(t *testing.T, s fleet.Store) {
	r, key := Report(1, 1)
	one := arriveOn(t, s, r, key, Now, Leak)
	other := arrive(t, s, 2, 1, Now, Unpatched)
	r, key = Report(1, 2)
	r.Release = "two"
	one.Current = false
	updateReports(t, s, func(tx fleet.Tx) error { return tx.Installations().Put(ctx, one) })
	two := arriveOn(t, s, r, key, later(1), ConfirmedOff)
	view(t, s, func(tx fleet.Tx) error {
		now, err := tx.Installations().Get(ctx, one.Ref)
		if err != nil {
			return err
		}
		same(t, "the current one", now, two)
		states, err := tx.Installations().Of(ctx, one.Ref)
		if err != nil {
			return err
		}
		same(t, "both", states[one.Ref], []fleet.Installation{short(two), short(one)})
		alarming, err := tx.Installations().Alarming(ctx, "one", "armani", 10)
		same(t, "what it left behind still alarms", alarming, []fleet.Installation{short(one)})
		return err
	})
	walk := func(release string, limit int, want ...fleet.Installation) {
		t.Helper()
		slices.SortFunc(want, func(a, b fleet.Installation) int { return strings.Compare(string(a.Ref), string(b.Ref)) })
		var got []fleet.Installation
		view(t, s, func(tx fleet.Tx) error {
			for after := report.Reference(""); ; after = got[len(got)-1].Ref {
				some, err := tx.Installations().Walk(ctx, release, after, limit)
				if err != nil || len(some) == 0 {
					return err
				}
				got = append(got, some...)
			}
		})
		same(t, "walked "+release, got, want)
	}
	walk("one", 1, one, other)
	walk("one", 5, one, other)
	walk("two", 5, two)
	walk("three", 5)
	updateReports(t, s, func(tx fleet.Tx) error { // and back
		one.Current, two.Current, one.Verdict, one.Kind = true, false, NotExercised, effect.Unjudged
		return tx.Installations().Put(ctx, one, two)
	})
	view(t, s, func(tx fleet.Tx) error {
		now, err := tx.Installations().Get(ctx, one.Ref)
		same(t, "the first again", now, one)
		return err
	})
}
