// SPDX-License-Identifier: Apache-2.0

package sim_test

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	fixtures "landed/firmware-fixtures"
	"landed/handset/handsettest"
	"landed/handset/sim"
	"landed/manifests"
	"landed/manifests/report"
	"landed/server/verdict"
)

var start = time.Date(2026, 4, 1, 6, 0, 0, 0, time.UTC)

// fleet is a feed with a fix for each model, and handsets that poll it.
func fleet(t testing.TB, size int, kinds map[string]fixtures.Kind) (*sim.Fleet, *handsettest.Server) {
	t.Helper()
	var f *sim.Fleet
	server := handsettest.New(func() time.Time {
		if f == nil {
			return start
		}
		return f.Now()
	})
	var models []sim.Model
	var bend []func()
	for device, kind := range kinds {
		m, err := sim.ModelOf(device, size)
		if err != nil {
			t.Fatal(err)
		}
		fix, err := fixtures.BuildOf(device, kind)
		if err != nil {
			t.Fatal(err)
		}
		if kind == fixtures.Bad {
			m.Fresh = fixtures.Build{}
		}
		content, err := fixtures.Bytes(fix, fixtures.TestKey())
		if err != nil {
			t.Fatal(err)
		}
		role := manifests.Model{Device: device}.Role()
		offer := server.Add(manifests.Custom{Model: device, Variant: fix.Variant, Channel: "stable", Release: "miui-cloud-messaging-opt-in", Counter: 1,
			Build:  manifests.Build{Fingerprint: fix.Fingerprint, Incremental: fix.Incremental, UTC: fix.UTC},
			Effect: manifests.OptInRelease().EffectOn(device)}, fix.Incremental, content)
		bend = append(bend, func() { server.Offers[role] = append(server.Offers[role], offer) })
		models = append(models, m)
	}
	server.Publish()
	f, err := sim.New(sim.Config{Seed: 1, Start: start, Models: models, URL: "http://feed.test", Root: server.Root(),
		Transport: sim.Handler(server), Keys: []crypto.PublicKey{publicKey(t)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	f.Every(4*time.Hour, func(context.Context) error { server.Renew(); return nil })
	f.At(start.Add(48*time.Hour), func(context.Context) error {
		for _, do := range bend {
			do()
		}
		server.Publish()
		return nil
	})
	f.Every(5*24*time.Hour, func(context.Context) error { server.Publish(); return nil })
	return f, server
}

func publicKey(t testing.TB) crypto.PublicKey {
	t.Helper()
	block, _ := pem.Decode(fixtures.TestKey().CertPEM())
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert.PublicKey
}

func TestEverySituationEndsAsItMust(t *testing.T) {
	f, server := fleet(t, 15, map[string]fixtures.Kind{"armani": fixtures.Patched})
	if err := f.Run(t.Context(), start.Add(30*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	want := map[sim.Situation]string{
		sim.AutoActivated: "confirmed_off", sim.Fresh: "confirmed_off", sim.OptedIn: "confirmed_off", sim.OptedOut: "confirmed_off",
		sim.OptsIn: "consented", sim.OptsOut: "confirmed_off", sim.Reset: "confirmed_off", sim.SIMChanged: "confirmed_off", sim.NoSIM: "not_exercised",
		sim.Silent: "unknown", sim.ClockPast: "confirmed_off", sim.ClockAhead: "confirmed_off", sim.BadFlash: "confirmed_off",
		sim.DeadFlash: "unpatched", sim.Interrupted: "confirmed_off",
	}
	got := map[sim.Situation]string{}
	for _, i := range f.Installations() {
		if !i.Known {
			t.Errorf("%s never reported; its last fault: %s", i.Situation, i.Fault)
		}
		got[i.Situation] = i.Class
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	newest := map[string]report.Report{}
	for _, r := range server.Reports() {
		if old, ok := newest[r.Key]; ok && old.Seq >= r.Seq {
			t.Errorf("report %d came after %d", r.Seq, old.Seq)
		}
		newest[r.Key] = r
	}
	if len(newest) != 16 {
		t.Errorf("%d installations reported, wanted 15 and the one after the reset", len(newest))
	}
	if n := f.Identifiers(); n.Before == 0 || n.AfterPatched != 0 {
		t.Errorf("identifiers: %+v", n)
	}
}

// TestTruthEqualsTheVerdicts is what the whole design stands on: what really is so, and what the reports
// prove, are the same for every installation, at every moment at which the fleet is looked at.
func TestTruthEqualsTheVerdicts(t *testing.T) {
	kinds := map[string]fixtures.Kind{}
	for _, device := range fixtures.Models() {
		kinds[device] = fixtures.Patched
	}
	kinds["pisces"] = fixtures.Bad
	f, server := fleet(t, 15, kinds)
	rules := map[string]verdict.Rule{}
	for device, kind := range kinds {
		b, err := fixtures.BuildOf(device, kind)
		if err != nil {
			t.Fatal(err)
		}
		rules[device] = verdict.Rule{Effect: manifests.OptInRelease().EffectOn(device),
			Builds: []verdict.Build{{Fingerprint: b.Fingerprint, Model: device, Variant: b.Variant}}}
	}
	seen := map[string]int{}
	for day := 1; day <= 24; day++ {
		if err := f.Run(t.Context(), start.Add(time.Duration(day)*24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		newest := map[report.Reference]report.Report{}
		for _, r := range server.Reports() {
			newest[report.ReferenceOf(r.PublicKey())] = r
		}
		for _, i := range f.Installations() {
			r, known := newest[i.Reference]
			if known != i.Known {
				t.Errorf("day %d: %s %s: known is %v, reported is %v", day, i.Model, i.Situation, i.Known, known)
			}
			if !known {
				continue
			}
			v := verdict.Judge(f.Now(), verdict.Subject{Newest: r, Last: server.Last(i.Reference)}, rules[i.Model])
			seen[i.Class]++
			if string(v.Class) != i.Class {
				t.Errorf("day %d: %s %s is %s, the verdict says %s %v; last fault: %s", day, i.Model, i.Situation, i.Class, v.Class, v.Because, i.Fault)
			}
		}
	}
	for _, class := range sim.Classes {
		t.Logf("%-20s %d", class, seen[class])
	}
}

// TestSameSeedSameRun says that a run can be repeated.
func TestSameSeedSameRun(t *testing.T) {
	run := func() (lines []string) {
		f, server := fleet(t, 8, map[string]fixtures.Kind{"armani": fixtures.Patched})
		if err := f.Run(t.Context(), start.Add(6*24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		for _, r := range server.Reports() {
			lines = append(lines, r.ID)
		}
		slices.Sort(lines) // within a quantum the order of arrival is open
		return lines
	}
	if diff := cmp.Diff(run(), run()); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkFleet(b *testing.B) {
	for b.Loop() {
		f, server := fleet(b, 300, map[string]fixtures.Kind{"armani": fixtures.Patched})
		begun := time.Now()
		if err := f.Run(b.Context(), start.Add(7*24*time.Hour)); err != nil {
			b.Fatal(err)
		}
		requests, _ := server.Traffic()
		b.ReportMetric(float64(requests)/time.Since(begun).Seconds(), "requests/s")
	}
}
