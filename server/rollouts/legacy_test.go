// SPDX-License-Identifier: Apache-2.0

package rollouts_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
	"landed/manifests/shelf"
	"landed/manifests/tufrepo"
	"landed/server/blob"
	"landed/server/fleet"
	"landed/server/repo"
	"landed/server/rollouts"
	"landed/server/rooms"
	kit "landed/server/servertest"
)

const withClients = `schema: 3
release: NAME
counter: COUNTER
notes: {en: a fix}
clients:
  fuxi: {romtype: nightly, version: "22.2", custota: [{csig: CSIG}]}
`

func sourceWithClients(counter, name, csig string) []byte {
	return []byte(strings.NewReplacer("NAME", name, "COUNTER", counter, "CSIG", csig).Replace(withClients))
}

// polled is a world in which phones of fuxi poll by everything that there is.
func polled(t *testing.T) (h *kit.Rooms, given *map[string]shelf.File) {
	t.Helper()
	base := "https://ota.example"
	return polledAt(t, &base)
}

func polledAt(t *testing.T, base *string, change ...func(*rooms.Config)) (h *kit.Rooms, given *map[string]shelf.File) {
	t.Helper()
	var models []manifests.Model
	for _, m := range manifests.DefaultCatalogue().Models() {
		if m.Device == "fuxi" {
			m.Protocols = manifests.Protocols
		}
		models = append(models, m)
	}
	catalogue := kit.OK(manifests.NewCatalogue(models...))(t)
	given = &map[string]shelf.File{}
	h = kit.New(t, func(c *rooms.Config) {
		c.Catalogue, c.Base = catalogue, *base
		c.Shelved = func(files map[string]shelf.File) { *given = files }
		for _, f := range change {
			f(c)
		}
	})
	h.Now = time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC) // behind the build
	h.Begin("fuxi")
	return h, given
}

func releaseOf(t *testing.T, h *kit.Rooms, counter, name string, kind fixtures.Kind) {
	t.Helper()
	p := h.Upload("fuxi", kind)
	_, zip := kit.PackageOf(t, "fuxi", kind)
	kit.OK(h.Releases.Create(h.Ctx, sourceWithClients(counter, name, kit.CsigOf(t, zip)), []string{p.SHA256}, "ann"))(t)
	h.SignAndPublish(kit.OK(h.Releases.Stage(h.Ctx, name, "ann"))(t))
}

// inFolder reads the files for other updaters as a file server has them.
func inFolder(t *testing.T, h *kit.Rooms) map[string]string {
	t.Helper()
	found := map[string]string{}
	dir := filepath.Join(h.Dir, "feed", "legacy")
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(p)
		name, _ := filepath.Rel(dir, p)
		found[name] = string(text)
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return found
}

// filesOf is how many files a full package has: a config, a line and the package for GrapheneOS, two lists, two for Custota.
const filesOf = 7

// TestLegacyFollowsTheOffers: files come with the publication that offers to everybody, go with the one that halts, and are
// healed and checked as the feed is.
func TestLegacyFollowsTheOffers(t *testing.T) {
	h, given := polled(t)
	releaseOf(t, h, "1", "first-fix", fixtures.Patched)
	expect := func(step string, there bool) map[string]string {
		t.Helper()
		files := inFolder(t, h)
		if (len(files) == filesOf) != there || !there && len(files) > 0 {
			t.Errorf("%s: the folder has %q", step, slices.Sorted(maps.Keys(files)))
		}
		if got := slices.Sorted(maps.Keys(*given)); !slices.Equal(got, slices.Sorted(maps.Keys(files))) {
			t.Errorf("%s: given away are %q, and the folder has %q", step, got, slices.Sorted(maps.Keys(files)))
		}
		if faults := kit.OK(h.Repo.Check(h.Ctx, nil))(t); len(faults) > 0 {
			t.Errorf("%s: %q", step, faults)
		}
		return files
	}
	expect("before", false)
	r := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: "first-fix", By: "ann", Stages: []fleet.Stage{{Share: 5_000}, {Share: 10_000}}}))(t)[0]
	expect("half", false)
	h.Update(func(tx fleet.Tx) error {
		r := kit.OK(tx.Rollouts().Get(h.Ctx, r.ID))(t)
		r.Stage = 1
		return tx.Rollouts().Save(h.Ctx, r)
	})
	h.MustRenew()
	files := expect("everybody", true)
	for name, text := range files {
		if f := (*given)[name]; f.Target == nil && f.Content() != text {
			t.Errorf("%s has other bytes than what is given away", name)
		}
	}
	snapshot := h.State().Version(tufrepo.Snapshot)
	h.MustRenew()
	if h.State().Version(tufrepo.Snapshot) != snapshot {
		t.Error("it is published again though nothing changed")
	}
	damaged(t, h)
	h.Reopen()
	expect("after a start", true)
	kit.OK(h.Rollouts.Halt(h.Ctx, r.ID, "ann", "it breaks"))(t)
	expect("halted", false)
	kit.OK(h.Rollouts.Resume(h.Ctx, r.ID, "ann", "it does not"))(t)
	if again := expect("resumed", true); !maps.Equal(again, files) {
		t.Error("after the halt it is given other bytes than before")
	}
}

// damaged holds that each change in the folder is named.
func damaged(t *testing.T, h *kit.Rooms) {
	t.Helper()
	dir := filepath.Join(h.Dir, "feed", "legacy")
	zips := kit.OK(filepath.Glob(filepath.Join(dir, "grapheneos", "fuxi-ota_update-*.zip")))(t)
	if len(zips) != 1 {
		t.Fatalf("packages for GrapheneOS: %q", zips)
	}
	at := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	for _, err := range []error{
		os.WriteFile(at("grapheneos/fuxi-stable"), []byte("OTHER 1 fuxi stable\n"), 0o644),
		os.Remove(at("lineageos/stable/api/v1/fuxi/nightly.json")),
		os.WriteFile(at("lineageos/stable/api/v1/fuxi/unofficial.json"), []byte("[]"), 0o644),
		os.Remove(zips[0]),
		os.WriteFile(zips[0], []byte("no package"), 0o644),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	faults := strings.Join(kit.OK(h.Repo.Check(h.Ctx, nil))(t), "\n")
	for _, name := range []string{"fuxi-stable in the feed folder is not what was signed", "nightly.json in the feed folder is not",
		"unofficial.json lies in the feed folder", filepath.Base(zips[0]) + " in the feed folder is no name of builds/fuxi/"} {
		if !strings.Contains(faults, name) {
			t.Errorf("no word about %q in\n%s", name, faults)
		}
	}
}

// TestLegacyOfAModelGivenUp: nobody signs for it any more, its last metadata is still listed, and its phones are told nothing.
func TestLegacyOfAModelGivenUp(t *testing.T) {
	h, given := polled(t)
	releaseOf(t, h, "1", "first-fix", fixtures.Patched)
	kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: "first-fix", By: "ann", Stages: []fleet.Stage{{Share: 10_000}}}))(t)
	if len(*given) != filesOf {
		t.Fatalf("given: %v", *given)
	}
	h.Update(func(tx fleet.Tx) error {
		r := kit.OK(tx.Rollouts().Get(h.Ctx, "first-fix.fuxi.stable"))(t)
		r.State = fleet.RolloutFinished
		return tx.Rollouts().Save(h.Ctx, r)
	})
	kit.OK(h.Lineup.Show(h.Ctx, "fuxi"))(t)
	if err := h.Lineup.Retire(h.Ctx, "fuxi", "ann", "out of service"); err != nil {
		t.Fatal(err)
	}
	before := inFolder(t, h)
	h.MustRenew()
	if len(*given) != filesOf || !maps.Equal(before, inFolder(t, h)) {
		t.Errorf("a retired model goes on being offered what it was, and its phones are given %d files, or other bytes", len(*given))
	}
	b := h.Bundle("armani")
	targets := kit.OK(tufrepo.NewTargets(2, h.Now.Add(180*kit.Day), kit.ModelKeys("armani")))(t)
	delete(b.Files, "1.targets.json")
	b.Files["1.root.json"] = h.FirstRoot()
	b.Files["2.targets.json"] = kit.OK(tufrepo.Sign(targets, kit.KeyOf("t1"), kit.KeyOf("t2")))(t)
	kit.OK(h.Trust.Import(h.Ctx, b, "admin"))(t)
	if files := inFolder(t, h); len(*given) > 0 || len(files) > 0 {
		t.Errorf("given up, and its phones are given %d files, the folder has %d", len(*given), len(files))
	}
}

// TestLegacyWantsToKnow: what phones could not take is refused before anybody signs, all at once.
func TestLegacyWantsToKnow(t *testing.T) {
	h, _ := polled(t)
	p := h.Upload("fuxi", fixtures.Patched)
	_, err := h.Releases.Create(h.Ctx, []byte("schema: 2\nrelease: first-fix\ncounter: 1\nnotes: {en: a fix}\n"), []string{p.SHA256}, "ann")
	for _, words := range []string{"clients.fuxi.romtype is missing", "clients.fuxi.version is missing"} {
		kit.CheckError(t, err, "release_packages", words)
	}
}

// TestLegacyWhileOnlyHaltsArePublished: after a restore, until somebody says what was lost, a halt takes files away as ever,
// and nothing else changes them.
func TestLegacyWhileOnlyHaltsArePublished(t *testing.T) {
	h, given := polled(t)
	releaseOf(t, h, "1", "first-fix", fixtures.Patched)
	r := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: "first-fix", By: "ann", Stages: []fleet.Stage{{Share: 10_000}}}))(t)[0]
	files := maps.Clone(*given)
	h.Update(func(tx fleet.Tx) error {
		return tx.Audit().Append(h.Ctx, fleet.AuditEntry{At: h.Now, Actor: "landed", Action: fleet.ActionRestored,
			Subject: fleet.RestoreSubject, Reason: "restored from a.tar" + fleet.BackupWords(h.Now.Add(-2*time.Hour)) + " (sealed in it: audit 1)"})
	})
	h.MustRenew()
	if err := h.Rollouts.PublishOffers(h.Ctx); err != nil || len(*given) != filesOf || !reflect.DeepEqual(files, *given) {
		t.Errorf("before the halt: %v, %d files", err, len(*given))
	}
	kit.OK(h.Rollouts.Halt(h.Ctx, r.ID, "ann", "it burns"))(t)
	if left := inFolder(t, h); len(*given)+len(left) > 0 {
		t.Errorf("halted, and its phones are given %d files, the folder has %d", len(*given), len(left))
	}
}

// TestLegacyWithContentsElsewhere: where contents are no local files, packages have no further name in the folder; the server
// gives them away all the same.
func TestLegacyWithContentsElsewhere(t *testing.T) {
	base := "https://ota.example"
	h, given := polledAt(t, &base, func(c *rooms.Config) { c.Blobs = struct{ blob.Store }{c.Blobs} })
	releaseOf(t, h, "1", "first-fix", fixtures.Patched)
	kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: "first-fix", By: "ann", Stages: []fleet.Stage{{Share: 10_000}}}))(t)
	for range 2 {
		files := inFolder(t, h)
		if len(*given) != filesOf || len(files) != filesOf-1 {
			t.Errorf("%d files are given away, the folder has %d; wanted %d and one less", len(*given), len(files), filesOf)
		}
		if faults := kit.OK(h.Repo.Check(h.Ctx, nil))(t); len(faults) > 0 {
			t.Errorf("%q", faults)
		}
		h.Reopen()
	}
}

// TestLegacyOfAnotherAddress: it stands in the files from the first tick after a start with it.
func TestLegacyOfAnotherAddress(t *testing.T) {
	base := "https://ota.example"
	h, given := polledAt(t, &base)
	releaseOf(t, h, "1", "first-fix", fixtures.Patched)
	kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: "first-fix", By: "ann", Stages: []fleet.Stage{{Share: 10_000}}}))(t)
	at := func() string { return (*given)["lineageos/stable/api/v1/fuxi/nightly.json"].Text }
	if !strings.Contains(at(), `"https://ota.example/tuf/targets/builds/fuxi/`) {
		t.Error(at())
	}
	base = "https://other.example/x"
	h.Reopen()
	h.MustRenew()
	if !strings.Contains(at(), `"https://other.example/x/tuf/targets/builds/fuxi/`) {
		t.Error(at())
	}
	base = ""
	h.Reopen()
	h.MustRenew()
	if len(*given) != 2 {
		t.Errorf("without an address: %d files, wanted those of GrapheneOS alone", len(*given))
	}
}

// TestLegacyThatCannotBeWritten: the feed goes on, that the files are not there is told, and they are once the folder is mended.
func TestLegacyThatCannotBeWritten(t *testing.T) {
	h, given := polled(t)
	releaseOf(t, h, "1", "first-fix", fixtures.Patched)
	inTheWay := filepath.Join(h.Dir, "feed", "legacy")
	if err := os.WriteFile(inTheWay, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: "first-fix", By: "ann", Stages: []fleet.Stage{{Share: 10_000}}}))(t)
	kit.CheckError(t, repo.Shelf{Repo: h.Repo}.Fault(), "shelf_amiss", "legacy/grapheneos/fuxi-ota_update-OS3.0.4.0.WMCMIXM.zip: not a directory")
	if err := h.Repo.Failing(); err != nil || len(*given) != filesOf {
		t.Errorf("the publication: %v; given away by the server are %d files", err, len(*given))
	}
	if d := h.Offers(h.Client(), "fuxi"); len(d.Offers) != 1 {
		t.Errorf("handsets are offered %d packages", len(d.Offers))
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	h.MustRenew()
	files, fault := inFolder(t, h), repo.Shelf{Repo: h.Repo}.Fault()
	if len(files) != filesOf || len(*given) != filesOf || fault != nil {
		t.Errorf("%v: the folder has %d files, %d are given away", fault, len(files), len(*given))
	}
}
