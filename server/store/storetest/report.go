// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"landed/manifests/effect/probe"
	"landed/manifests/offers"
	"landed/manifests/report"
	"landed/manifests/report/envelope"
	v3 "landed/manifests/report/v3"
	"landed/server/fleet"
)

// Report is an unpatched handset of model armani that activated itself, as its installation
// number n, sequence seq, would report it. The key is made from n: tests are repeatable.
func Report(n int, seq int64) (report.Report, ed25519.PrivateKey) {
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, fmt.Sprintf("installation %d", n))
	key := ed25519.NewKeyFromSeed(seed)
	r := report.Report{
		Schema: v3.Schema, Key: hex.EncodeToString(key.Public().(ed25519.PublicKey)), Seq: seq, Kind: report.KindBaseline,
		Release: "one", Model: "armani", Variant: "armani", Channel: "stable", Build: report.BuildOther,
		Progress: report.ProgressKnown, Answers: ActiveBefore(),
	}
	secret := offers.DrawSecret(seed, r.Release)
	r.DrawCommit = offers.Commitment(secret) // Seal keeps it in baselines alone
	r.ID = v3.ID(v3.Bytes(r))
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
	a["feature"], a["state"], a["origin"], a["auto_gate"] = probe.Int(1), probe.Word("off"), probe.Word("policy"),
		probe.Word("closed")
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
		ID: id, Ref: report.ReferenceOf(key.Public().(ed25519.PublicKey)), Seq: r.Seq, Schema: v3.Schema, Release: r.Release,
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
		updateReports(t, s, func(tx fleet.Tx) error {
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

	wantKind(t, s, fleet.NotFound, "report_unknown", func(tx fleet.Tx) error {
		_, err := tx.Reports().Get(ctx, newer.Ref, "none")
		return err
	})
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
		if all, err = tx.Reports().Arrived(ctx, newer.Ref); err != nil {
			return err
		}
		same(t, "as they came", all, []fleet.StoredReport{newer, older})
		for _, tt := range []struct {
			name          string
			before, limit int
			want          []fleet.StoredReport
			from          int
		}{
			{"all", 0, 3, []fleet.StoredReport{older, newer}, 0},
			{"more than there are", 9, 1, []fleet.StoredReport{newer}, 1},
			{"the last", 2, 1, []fleet.StoredReport{newer}, 1},
			{"those before", 1, 5, []fleet.StoredReport{older}, 0},
		} {
			page, from, err := tx.Reports().Page(ctx, newer.Ref, tt.before, tt.limit)
			if err != nil || from != tt.from {
				t.Errorf("a page, %s: from %d, %v; wanted from %d", tt.name, from, err, tt.from)
			}
			same(t, "a page, "+tt.name, page, tt.want)
		}
		return knownReports(t, tx, older, newer, stranger)
	})
}

// knownReports asks for many at once.
func knownReports(t *testing.T, tx fleet.Tx, older, newer, stranger fleet.StoredReport) error {
	t.Helper()
	id := func(r fleet.StoredReport, seq int64) fleet.ReportID {
		return fleet.ReportID{Ref: r.Ref, Seq: seq, ID: r.ID}
	}
	stored, err := tx.Reports().Stored(ctx, id(newer, 2), id(stranger, 1), id(newer, 1), id(older, 0), id(stranger, 2),
		fleet.ReportID{Ref: stranger.Ref, ID: newer.ID}, id(newer, 2))
	if err != nil {
		return err
	}
	want := map[fleet.ReportID]fleet.StoredReport{id(newer, 2): newer, id(stranger, 1): stranger, id(older, 0): older}
	same(t, "those that are stored", stored, want)
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
