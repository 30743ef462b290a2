// SPDX-License-Identifier: Apache-2.0

package sim_test

import (
	"context"
	"testing"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/handset/sim"
	"landed/internal/race"
	"landed/manifests/effect"
	"landed/manifests/offers"
)

const day = 24 * time.Hour

// TestSecondRelease: while the fleet runs, one model gets a corrected build and another the second fix; every
// installation stays known, and truth and verdict agree under both releases.
func TestSecondRelease(t *testing.T) {
	if race.Detector {
		t.Skip("one goroutine for minutes: told without the race detector")
	}
	kinds := map[string]fixtures.Kind{"pisces": fixtures.Bad, "armani": fixtures.Patched, "dior": fixtures.Patched}
	f, server := fleet(t, 15, kinds)
	by := map[standing]effect.Standard{}
	for device, kind := range kinds {
		b, _ := fixtures.BuildOf(device, kind)
		by[standing{device, first}] = standard(t, sim.Release{Name: first, Effect: sim.OptIn}, b)
	}
	corrected := sim.Release{Name: "opt-in-corrected", Effect: sim.OptIn}
	lists := sim.Release{Name: "app-list-upload-off", Effect: sim.AppList}
	ship := func(r sim.Release, device string, app *fixtures.BackupConfig) {
		b, err := fixtures.LaterBuildOf(device, fixtures.Patched, 1)
		if err != nil {
			t.Fatal(err)
		}
		b.Backup = app
		r.Builds = []string{b.Fingerprint}
		f.Ship(r)
		by[standing{device, r.Name}] = standard(t, r, b)
		server.Offers[device] = []offers.Offer{offerOf(t, server, r, b, 2)}
	}
	totals := map[string]int{}
	f.At(start.Add(12*day), func(context.Context) error {
		for device := range kinds {
			totals[device] = f.Total(device)
		}
		ship(corrected, "pisces", nil)
		ship(lists, "armani", fixtures.BackupOf(fixtures.Patched))
		server.Publish()
		return nil
	})
	f.At(start.Add(14*day), func(context.Context) error {
		ship(sim.Release{Name: "app-list-bad", Effect: sim.AppList}, "dior", fixtures.BackupOf(fixtures.Bad))
		server.Publish()
		return nil
	})
	seen := map[string]int{}
	for n := 1; n <= 26; n++ {
		if err := f.Run(t.Context(), start.Add(time.Duration(n)*day)); err != nil {
			t.Fatal(err)
		}
		agree(t, f, server, by, seen)
	}
	for device, before := range totals {
		if after := f.Total(device); before < 14 || after < before {
			t.Errorf("%s: %d installations were known before the second release, %d after it", device, before, after)
		}
	}
	for at, want := range map[standing]string{{"pisces", corrected.Name}: "confirmed_off", {"armani", lists.Name}: "not_sent",
		{"dior", "app-list-bad"}: "sent_anyway", {"pisces", first}: "leak", {"armani", first}: "confirmed_off"} {
		if n := f.Counts(at.model, at.release)[want]; n < 8 {
			t.Errorf("%s under %s: %d are %s: %v", at.model, at.release, n, want, f.Counts(at.model, at.release))
		}
	}
	if n := f.CurrentCounts("armani", first)["confirmed_off"]; n > 1 {
		t.Errorf("%d of armani are still at the first release", n)
	}
	if n := f.Counts("armani", lists.Name)["by_choice"]; n == 0 {
		t.Error("nobody chose to send the list")
	}
	if a := f.Answers("armani", lists.Name); a["backup"]["off"] < 8 || a["state"] != nil {
		t.Errorf("the handsets answer %v", a)
	}
	if n := f.Identifiers(); n.ListsAfter == 0 || n.ListsBefore != 0 {
		t.Errorf("lists of apps: %+v", n)
	}
}

// TestBuildRuns: a plain update claims that it runs, and nothing else; a release without effect claims nothing.
func TestBuildRuns(t *testing.T) {
	f, server := fleet(t, 15, map[string]fixtures.Kind{"armani": fixtures.Patched})
	b, err := fixtures.LaterBuildOf("armani", fixtures.Patched, 1)
	if err != nil {
		t.Fatal(err)
	}
	plain := sim.Release{Name: "plain", Effect: sim.BuildRuns, Builds: []string{b.Fingerprint}}
	f.At(start.Add(6*day), func(context.Context) error {
		f.Ship(plain)
		server.Offers["armani"] = []offers.Offer{offerOf(t, server, plain, b, 2)}
		server.Publish()
		return nil
	})
	old, _ := fixtures.BuildOf("armani", fixtures.Patched)
	by := map[standing]effect.Standard{{"armani", "plain"}: standard(t, plain, b),
		{"armani", first}: standard(t, sim.Release{Effect: sim.OptIn}, old)}
	for n := 1; n <= 12; n++ {
		if err := f.Run(t.Context(), start.Add(time.Duration(n)*day)); err != nil {
			t.Fatal(err)
		}
		agree(t, f, server, by, map[string]int{})
	}
	if n := f.Counts("armani", "plain"); n["runs"] < 12 || n["unpatched"] == 0 || n["implausible"] != 0 || len(n) != 6 {
		t.Errorf("counts %v", n)
	}
	if met := f.Met("armani"); len(met) != 2 {
		t.Errorf("met %v", met)
	}
}
