// SPDX-License-Identifier: Apache-2.0

package sim_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	fixtures "landed/firmware-fixtures"
	"landed/handset/handsettest"
	"landed/handset/sim"
	"landed/internal/race"
	"landed/manifests"
	"landed/manifests/effect"
	"landed/manifests/offers"
	"landed/manifests/otapkg"
	"landed/manifests/report"
)

// first is the release of the first fix.
const first = "miui-cloud-messaging-opt-in"

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
	release := sim.Release{Name: first, Effect: sim.OptIn}
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
		role := manifests.Model{Device: device}.Role()
		offer := offerOf(t, server, release, fix, 1)
		bend = append(bend, func() { server.Offers[role] = append(server.Offers[role], offer) })
		release.Builds = append(release.Builds, fix.Fingerprint)
		models = append(models, m)
	}
	server.Publish()
	f, err := sim.New(sim.Config{Seed: 1, Start: start, Models: models, Releases: []sim.Release{release},
		URL: "http://feed.test", Root: server.Root(),
		Transport: sim.Handler(server), Keys: pins(t)})
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

// offerOf puts a build of a release into the feed, with what its effect asks.
func offerOf(t testing.TB, server *handsettest.Server, r sim.Release, b fixtures.Build, counter int64) offers.Offer {
	t.Helper()
	content, err := fixtures.Bytes(b, fixtures.TestKey())
	if err != nil {
		t.Fatal(err)
	}
	return server.AddRelease(manifests.Custom{Model: b.Model, Variant: b.Variant, Channel: "stable", Release: r.Name, Counter: counter,
		Build: manifests.Build{Fingerprint: b.Fingerprint, Incremental: b.Incremental, UTC: b.UTC}, Effect: r.Effect},
		program(t, r.Effect).Effect.Ask, b.Incremental, content)
}

// program is an effect that is shipped, ready to judge.
func program(t testing.TB, name string) *effect.Program {
	t.Helper()
	e, err := effect.ByName(name)
	if err != nil {
		t.Fatal(err)
	}
	p, err := effect.Compile(e)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// standard is what installations of a model are judged by under a release.
func standard(t testing.TB, r sim.Release, builds ...fixtures.Build) effect.Standard {
	s := effect.Standard{Program: program(t, r.Effect)}
	for _, b := range builds {
		s.Builds = append(s.Builds, effect.Build{Fingerprint: b.Fingerprint, Model: b.Model, Variant: b.Variant})
	}
	return s
}

func pins(t testing.TB) []otapkg.Pin {
	t.Helper()
	found, err := otapkg.ParsePins(fixtures.TestKey().CertPEM())
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestEverySituationEndsAsItMust(t *testing.T) {
	f, server := fleet(t, 15, map[string]fixtures.Kind{"armani": fixtures.Patched})
	if err := f.Run(t.Context(), start.Add(30*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	want := map[sim.Situation]string{
		sim.AutoActivated: "confirmed_off", sim.Fresh: "confirmed_off", sim.OptedIn: "confirmed_off", sim.OptedOut: "confirmed_off",
		sim.OptsIn: "consented", sim.OptsOut: "confirmed_off", sim.Reset: "confirmed_off", sim.SIMChanged: "confirmed_off",
		sim.NoSIM:  "not_exercised",
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
	if race.Detector {
		t.Skip("one goroutine for minutes: told without the race detector")
	}
	kinds := map[string]fixtures.Kind{}
	for _, device := range fixtures.Models() {
		kinds[device] = fixtures.Patched
	}
	kinds["pisces"] = fixtures.Bad
	f, server := fleet(t, 15, kinds)
	by := map[standing]effect.Standard{}
	for device, kind := range kinds {
		b, err := fixtures.BuildOf(device, kind)
		if err != nil {
			t.Fatal(err)
		}
		by[standing{device, first}] = standard(t, sim.Release{Name: first, Effect: sim.OptIn}, b)
	}
	seen := map[string]int{}
	for day := 1; day <= 24; day++ {
		if err := f.Run(t.Context(), start.Add(time.Duration(day)*24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		agree(t, f, server, by, seen)
	}
	for _, class := range sim.Classes(sim.OptIn) {
		t.Logf("%-20s %d", class, seen[class])
	}
}

// standing is where an installation is counted: its model under a release.
type standing struct{ model, release string }

// agree holds the truth of every installation against the verdict on its newest report, under each release.
func agree(t *testing.T, f *sim.Fleet, server *handsettest.Server, by map[standing]effect.Standard, seen map[string]int) {
	t.Helper()
	type said struct {
		ref     report.Reference
		release string
	}
	newest := map[said]report.Report{}
	for _, r := range server.Reports() {
		newest[said{report.ReferenceOf(r.PublicKey()), r.Release}] = r
	}
	for _, i := range f.Installations() {
		r, known := newest[said{i.Reference, i.Release}]
		if known != i.Known {
			t.Errorf("%s: %s %s under %q: known is %v, reported is %v", f.Now(), i.Model, i.Situation, i.Release, i.Known, known)
		}
		if !known {
			continue
		}
		last, now := server.Last(i.Reference), f.Now()
		if !i.Current {
			last = now // it has moved on, and is judged as it was then
		}
		v := effect.Judge(now, effect.Subject{Newest: r, Last: last}, by[standing{i.Model, i.Release}])
		seen[i.Class]++
		if v.Class != i.Class {
			t.Errorf("%s: %s %s under %s is %s, the verdict says %s %v of %v; last fault: %s",
				f.Now(), i.Model, i.Situation, i.Release, i.Class, v.Class, v.Because, r.Answers, i.Fault)
		}
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
	handsets, days := 300, 7
	if testing.Short() { // to see that it works
		handsets, days = 30, 2
	}
	for b.Loop() {
		f, server := fleet(b, handsets, map[string]fixtures.Kind{"armani": fixtures.Patched})
		begun := time.Now()
		if err := f.Run(b.Context(), start.Add(time.Duration(days)*24*time.Hour)); err != nil {
			b.Fatal(err)
		}
		requests, _ := server.Traffic()
		b.ReportMetric(float64(requests)/time.Since(begun).Seconds(), "requests/s")
	}
}
