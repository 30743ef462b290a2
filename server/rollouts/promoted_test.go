// SPDX-License-Identifier: Apache-2.0

package rollouts_test

import (
	"bytes"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"landed/manifests"
	"landed/server/fleet"
	"landed/server/library"
	kit "landed/server/servertest"
)

// TestLegacyOfAPromotedPackage: GrapheneOS's app has one address for all channels, and a package that was promoted is one file
// for both: nobody is alarmed, and it stays while one of the two offers it.
func TestLegacyOfAPromotedPackage(t *testing.T) {
	f := newFuxiPolls(t, []manifests.Protocol{manifests.GrapheneOS})
	beta := f.send("full.zip", "beta", 0)
	stable := kit.OK(f.Library.Promote(f.Ctx, library.Promotion{Package: beta.SHA256, To: "stable", By: "ann"}))(t).Package
	if beta.Name == stable.Name {
		t.Fatalf("both have the name %s", beta.Name)
	}
	f.released(2, "one", beta)
	f.released(3, "two", stable)
	var log bytes.Buffer
	f.LogTo(&log, slog.LevelWarn)
	r := f.toAll("one", "beta")
	f.toAll("two", "stable")
	f.Now = f.Now.Add(12 * time.Hour)
	f.MustRenew()
	file := "grapheneos/fuxi-ota_update-" + beta.Build.Incremental + ".zip"
	want := func(names ...string) {
		t.Helper()
		if got := slices.Sorted(maps.Keys(*f.given)); !slices.Equal(got, names) {
			t.Errorf("given away are %q, wanted %q", got, names)
		}
		if got := slices.Sorted(maps.Keys(inFolder(t, f.Rooms))); !slices.Equal(got, names) {
			t.Errorf("the folder has %q, wanted %q", got, names)
		}
		if given := (*f.given)[file]; given.Target == nil || given.Target.SHA256 != stable.SHA256 {
			t.Errorf("%s is %+v", file, given)
		}
		f.wantFault("")
		if faults := kit.OK(f.Repo.Check(f.Ctx, nil))(t); len(faults) > 0 {
			t.Errorf("%q", faults)
		}
	}
	want("grapheneos/fuxi-beta", file, "grapheneos/fuxi-stable")
	kit.OK(f.Rollouts.Halt(f.Ctx, r.ID, "ann", "it burns"))(t)
	want(file, "grapheneos/fuxi-stable")
	if log.Len() > 0 {
		t.Errorf("all is well, and the log says\n%s", &log)
	}
}

// TestLegacyOfOneLabelOnTwoChannels: other bytes under one name are refused before anybody signs. Where they are published all
// the same, from before the model had protocols, neither is given away, in words that name both, once.
func TestLegacyOfOneLabelOnTwoChannels(t *testing.T) {
	f := newFuxiPolls(t, nil)
	beta, stable := f.send("full-beta.zip", "beta", 0), f.send("full.zip", "stable", 200_000)
	if beta.SHA256 == stable.SHA256 {
		t.Fatal("they are the same bytes")
	}
	f.released(2, "one", beta)
	f.toAll("one", "beta")
	f.released(3, "two", stable)
	r := f.toAll("two", "stable")
	_, err := f.Lineup.Add(f.Ctx, modelFile("grapheneos"), "ann", "")
	for _, words := range []string{"one of fuxi on beta", "two of fuxi on stable", "not the same bytes", "full-beta.zip", "full.zip"} {
		kit.CheckError(t, err, "model_differs", words)
	}
	f.putProtocols(manifests.GrapheneOS)
	kit.CheckError(t, f.create(4, "three", stable), "release_packages", "three of fuxi on stable and one of fuxi on beta")
	kit.CheckError(t, f.create(4, "three", stable, beta), "release_packages", "three of fuxi on stable and three of fuxi on beta")
	var log bytes.Buffer
	f.LogTo(&log, slog.LevelWarn)
	for range 3 {
		f.MustRenew()
	}
	f.wantFault("would be two files, of fuxi on beta and of fuxi on stable: neither is given away")
	file := "grapheneos/fuxi-ota_update-" + beta.Build.Incremental + ".zip"
	if _, is := (*f.given)[file]; is || inFolder(t, f.Rooms)[file] != "" {
		t.Errorf("%s is given away", file)
	}
	if n := strings.Count(log.String(), "level=ERROR"); n != 1 {
		t.Errorf("wanted one alarm, got %d in\n%s", n, &log)
	}
	f.wantHalted()
	kit.OK(f.Rollouts.Halt(f.Ctx, r.ID, "ann", "it has the name of another"))(t)
	f.wantFault("")
	if given := (*f.given)[file]; given.Target == nil || given.Target.SHA256 != beta.SHA256 {
		t.Errorf("one of the two is halted, and %s is %+v", file, given)
	}
	if state := f.Rollout(r.ID).State; state != fleet.RolloutHalted {
		t.Error(state)
	}
}
