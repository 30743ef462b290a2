// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"landed/manifests/effect"
	"landed/manifests/effect/probe"
	"landed/manifests/report"
	"landed/manifests/report/envelope"
	v2 "landed/manifests/report/v2"
	"landed/server/fleet"
)

// Report is an unpatched handset of model armani that activated itself, as its installation
// number n, sequence seq, would report it. The key is made from n: tests are repeatable.
func Report(n int, seq int64) (report.Report, ed25519.PrivateKey) {
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, fmt.Sprintf("installation %d", n))
	key := ed25519.NewKeyFromSeed(seed)
	r := report.Report{
		Schema: v2.Schema, Key: hex.EncodeToString(key.Public().(ed25519.PublicKey)), Seq: seq, Kind: report.KindBaseline,
		Release: "one", Model: "armani", Variant: "armani", Channel: "stable", Build: report.BuildOther,
		Progress: report.ProgressKnown, Answers: ActiveBefore(),
	}
	r.ID = v2.ID(v2.Bytes(r))
	return r, key
}

// ActiveBefore are the answers of an unpatched handset that activated itself.
func ActiveBefore() probe.Answers {
	return probe.Answers{
		"feature": probe.Int(0), "state": probe.Word("on"), "origin": probe.Word("auto"), "consent": probe.Word("none"),
		"consent_when": probe.Word("no_day"), "auto_gate": probe.Word("open"), "slot_1": probe.Word("auto"),
		"slot_2": probe.Word("absent"), "attempts_setup": probe.Int(2), "attempts_build": probe.Int(0),
		"lookups_off": probe.Int(0), "boot": probe.Bool(true), "sim_ready": probe.Bool(true), "data_up": probe.Bool(true),
		"observed_hours": probe.Int(168), "transport": probe.Word("https"),
	}
}

// Quiet are the answers of a patched handset that is off and was tested for a day.
func Quiet() probe.Answers {
	a := ActiveBefore()
	a["feature"], a["state"], a["origin"], a["auto_gate"] = probe.Int(1), probe.Word("off"), probe.Word("policy"), probe.Word("closed")
	a["slot_1"], a["attempts_setup"], a["observed_hours"] = probe.Word("free"), probe.Int(0), probe.Int(24)
	a["transport"] = probe.Word("not_used")
	return a
}

// Stored seals a report as it came at a time.
func Stored(t testing.TB, r report.Report, key ed25519.PrivateKey, at time.Time) fleet.StoredReport {
	t.Helper()
	text, id, err := envelope.Seal(r, key)
	if err != nil {
		t.Fatal(err)
	}
	return fleet.StoredReport{
		ID: id, Ref: report.ReferenceOf(key.Public().(ed25519.PublicKey)), Seq: r.Seq, Schema: v2.Schema, Release: r.Release,
		Envelope: text, At: at,
	}
}

func testReports(t *testing.T, s fleet.Store) {
	r1, key := Report(1, 1)
	r2, _ := Report(1, 2)
	newer, older := Stored(t, r2, key, Now), Stored(t, r1, key, later(1))
	older.Late = true
	add := func(want int, all ...fleet.StoredReport) {
		t.Helper()
		update(t, s, func(tx fleet.Tx) error {
			added, err := tx.Reports().Append(ctx, all...)
			if added != want {
				t.Errorf("added %d, wanted %d", added, want)
			}
			return err
		})
	}
	add(0)
	add(1, newer)
	other := newer
	other.Envelope = []byte("other bytes under one id")
	add(0, other)
	strange, strangeKey := Report(2, 1)
	strange.ID = r1.ID // another installation may choose the same id
	stranger := Stored(t, strange, strangeKey, Now)
	add(2, older, other, stranger, stranger)

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
		return knownReports(t, tx, older, newer, stranger)
	})
}

// knownReports asks for many at once.
func knownReports(t *testing.T, tx fleet.Tx, older, newer, stranger fleet.StoredReport) error {
	t.Helper()
	id := func(r fleet.StoredReport) fleet.ReportID { return fleet.ReportID{Ref: r.Ref, ID: r.ID} }
	stored, err := tx.Reports().Stored(ctx, id(newer), id(stranger), fleet.ReportID{Ref: stranger.Ref, ID: newer.ID}, id(newer))
	if err != nil {
		return err
	}
	same(t, "those that are stored", stored, map[fleet.ReportID]fleet.StoredReport{id(newer): newer, id(stranger): stranger})
	seq := func(r fleet.StoredReport, n int64) fleet.ReportSeq { return fleet.ReportSeq{Ref: r.Ref, Seq: n} }
	taken, err := tx.Reports().Sequences(ctx, seq(older, 1), seq(newer, 2), seq(newer, 3), seq(stranger, 2))
	if err != nil {
		return err
	}
	same(t, "those that are taken", taken, map[fleet.ReportSeq]bool{seq(older, 1): true, seq(newer, 2): true})
	none, err := tx.Reports().Stored(ctx)
	if err == nil && len(none) > 0 {
		t.Errorf("asked for nothing, got %v", none)
	}
	return err
}

// reasons are two, with values and without.
var reasons = []fleet.Reason{{Code: "one"}, {Code: "two", Values: map[string]string{"a": "1", "b": "x y"}}}

// arrive stores report seq of installation n at a time, as its newest.
func arrive(t *testing.T, s fleet.Store, n int, seq int64, at time.Time, class fleet.Class) fleet.Installation {
	t.Helper()
	r, key := Report(n, seq)
	return arriveOn(t, s, r, key, at, class)
}

func arriveOn(t *testing.T, s fleet.Store, r report.Report, key ed25519.PrivateKey, at time.Time, class fleet.Class) fleet.Installation {
	t.Helper()
	stored := Stored(t, r, key, at)
	newest, ref, err := envelope.Open(stored.Envelope)
	if err != nil {
		t.Fatal(err)
	}
	i := fleet.Installation{
		Ref: ref, Release: r.Release, Current: true, Model: r.Model, Channel: r.Channel, Seq: r.Seq, Newest: newest, Progress: r.Progress,
		Verdict: class, Kind: KindOf(class), Because: reasons, Before: BeforeActive, Cloned: r.Seq > 1, Reports: r.Seq,
		First: Now, Last: at,
	}
	update(t, s, func(tx fleet.Tx) error {
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
		for limit, want := range [][]fleet.Installation{nil, {short(two)}, {short(two), short(one)}, {short(two), short(one)}} {
			got, err := tx.Installations().Alarming(ctx, "one", "armani", limit)
			if err != nil {
				return err
			}
			same(t, fmt.Sprint("alarming, at most ", limit), got, want)
		}
		return nil
	})
	wantKind(t, s, fleet.NotFound, "installation_unknown", func(tx fleet.Tx) error { _, err := tx.Installations().Get(ctx, "none"); return err })
}

// testStates moves an installation on to another release and back.
func testStates(t *testing.T, s fleet.Store) {
	r, key := Report(1, 1)
	one := arriveOn(t, s, r, key, Now, Leak)
	other := arrive(t, s, 2, 1, Now, Unpatched)
	r, key = Report(1, 2)
	r.Release = "two"
	one.Current = false
	update(t, s, func(tx fleet.Tx) error { return tx.Installations().Put(ctx, one) })
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
	update(t, s, func(tx fleet.Tx) error { // and back
		one.Current, two.Current, one.Verdict, one.Kind = true, false, NotExercised, effect.Unjudged
		return tx.Installations().Put(ctx, one, two)
	})
	view(t, s, func(tx fleet.Tx) error {
		now, err := tx.Installations().Get(ctx, one.Ref)
		same(t, "the first again", now, one)
		return err
	})
}

// testMany writes more rows in one call than a statement may take at once, one of them twice.
func testMany(t *testing.T, s fleet.Store) {
	const many = 50
	var stored []fleet.StoredReport
	var states []fleet.Installation
	var refs []report.Reference
	for n := range many {
		r, key := Report(n, 1)
		ref := report.ReferenceOf(key.Public().(ed25519.PublicKey))
		refs, stored = append(refs, ref), append(stored, fleet.StoredReport{ID: r.ID, Ref: ref, Seq: 1, Envelope: []byte(r.ID), At: Now})
		states = append(states, fleet.Installation{Ref: ref, Release: "one", Current: true, Seq: 1, Newest: report.Report{ID: r.ID}, Because: reasons})
	}
	again := states[3]
	again.Reports = 7
	update(t, s, func(tx fleet.Tx) error {
		added, err := tx.Reports().Append(ctx, append(stored, stored[5])...)
		if added != many {
			t.Errorf("added %d, wanted %d", added, many)
		}
		return errors.Join(err, tx.Installations().Put(ctx, append(states, again)...))
	})
	states[3] = again
	view(t, s, func(tx fleet.Tx) error {
		got, err := tx.Installations().Of(ctx, refs...)
		for n, ref := range refs {
			same(t, fmt.Sprint("state ", n), got[ref], []fleet.Installation{short(states[n])})
			r, fault := tx.Reports().Get(ctx, ref, stored[n].ID)
			same(t, fmt.Sprint("report ", n), r, stored[n])
			err = errors.Join(err, fault)
		}
		return err
	})
}

func testSilent(t *testing.T, s fleet.Store) {
	quiet := arrive(t, s, 1, 1, later(1), Unpatched)
	arrive(t, s, 2, 1, later(2), Unpatched) // reports again below
	arrive(t, s, 3, 1, later(3), ConfirmedOff)
	also := arrive(t, s, 4, 1, later(4), Unpatched)
	arrive(t, s, 5, 1, later(20), Unpatched)
	arrive(t, s, 2, 2, later(21), Unpatched)
	left := arrive(t, s, 6, 1, later(4), Unpatched) // moves on
	left.Current = false
	update(t, s, func(tx fleet.Tx) error { return tx.Installations().Put(ctx, left) })

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
