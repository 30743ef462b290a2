// SPDX-License-Identifier: Apache-2.0

package intake_test

import (
	"crypto/ed25519"
	"strings"
	"testing"

	"landed/manifests/report"
	"landed/manifests/report/envelope"
	v1 "landed/manifests/report/v1"
	"landed/server/intake"
	"landed/server/store/storetest"
)

// bodyV1 is what a handset of the first version says: it runs the patch, is off, and was tested.
func bodyV1(n int, seq int64) (v1.Body, ed25519.PrivateKey) {
	_, key := storetest.Report(n, seq)
	return v1.Body{
		Schema: 1, ID: strings.Repeat("0a", 16), Seq: seq, Kind: report.KindEffect, Release: "one", Model: "armani", Variant: "armani",
		Channel: "stable", Build: patched, BuildUTC: 1_407_600_000, PreviousBuild: report.BuildOther, Progress: report.ProgressRunning,
		Evidence: v1.Evidence{
			Feature: 1, Migration: v1.MigrationSwitchOff, State: v1.StateOff, Origin: v1.OriginPolicy, Consent: v1.ConsentNone,
			ConsentSurface: v1.SurfaceNone, AutoGate: v1.GateClosed, Slots: []v1.Slot{{Present: true, By: v1.RegisteredByNone}},
			Triggers:      v1.Triggers{Boot: true, SIMReady: true, DataUp: true, DayPassed: true},
			ObservedHours: 25, Transport: v1.TransportNotUsed,
		},
	}, key
}

// TestVersion1: it is taken in as ever, but with room for nobody's number, and not at all where it is switched off.
func TestVersion1(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*v1.Body)
		refuse bool
		want   string
	}{
		"as it was":                      {nil, false, "new"},
		"the largest number":             {func(b *v1.Body) { b.Seq = report.MaxSeq }, false, "new"},
		"a telephone number":             {func(b *v1.Body) { b.Seq = 13_800_138_000 }, false, "report_malformed"},
		"a day of consent":               {func(b *v1.Body) { b.Evidence.ConsentDay = "2014-08-12" }, false, "new"},
		"a day before anybody asked":     {func(b *v1.Body) { b.Evidence.ConsentDay = "2014-07-01" }, false, "new"},
		"a birthday":                     {func(b *v1.Body) { b.Evidence.ConsentDay = "1975-03-09" }, false, "report_malformed"},
		"a day of another century":       {func(b *v1.Body) { b.Evidence.ConsentDay = "2114-08-12" }, false, "report_malformed"},
		"it came from what nobody knows": {func(b *v1.Body) { b.PreviousBuild = "a/b/c:4/d/e:user/f" }, false, "build_unknown"},
		"a number where it was built":    {func(b *v1.Body) { b.BuildUTC = 447_911_223_344 }, false, "build_unknown"},
		"switched off":                   {nil, true, "report_version_old"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(c *intake.Config) { c.RefuseV1 = tt.refuse })
			b, key := bodyV1(1, 1)
			if tt.change != nil {
				tt.change(&b)
			}
			text, err := envelope.SealV1(b, key)
			if err != nil {
				t.Fatal(err)
			}
			got, err := w.Receive(ctx, text)
			if answer := string(got.Stored) + code(err); answer != tt.want {
				t.Errorf("got %s (%v), wanted %s", answer, err, tt.want)
			}
			if i := w.installation(t, 1); tt.want == "new" && i.Verdict != storetest.ConfirmedOff {
				t.Errorf("judged %s because of %v", i.Verdict, i.Because)
			}
			w.checkFigures(t)
		})
	}
}

// TestVersionsSideBySide: one installation reports in both, and a store that holds both works in every flow.
func TestVersionsSideBySide(t *testing.T) {
	w := newWorld(t)
	b, key := bodyV1(1, 1)
	first, err := envelope.SealV1(b, key)
	if err != nil {
		t.Fatal(err)
	}
	r, _ := silent(1, 2)
	b.Evidence.AttemptsSetup = 9
	reused, err := envelope.SealV1(b, key)
	if err != nil {
		t.Fatal(err)
	}
	for n, step := range []struct {
		text []byte
		want string
	}{
		{first, "new"}, {seal(t, r, key), "new"}, {first, "replayed"}, {reused, "id_reused"}, {seal(t, r, key), "replayed"},
	} {
		got, err := w.Receive(ctx, step.text)
		if answer := string(got.Stored) + code(err); answer != step.want {
			t.Errorf("step %d: got %s (%v), wanted %s", n, answer, err, step.want)
		}
	}
	if err := w.Tick(ctx); err != nil {
		t.Error(err)
	}
	if i := w.installation(t, 1); i.Verdict != storetest.ConfirmedOff || i.Reports != 2 || i.Newest.Schema != 3 {
		t.Errorf("got %+v", i)
	}
	w.checkFigures(t)
}
