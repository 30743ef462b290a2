// SPDX-License-Identifier: Apache-2.0

package rollouts_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
	"landed/manifests/shelf"
	"landed/manifests/tufrepo"
	"landed/manifests/updaters"
	"landed/server/fleet"
	"landed/server/library"
	"landed/server/repo"
	"landed/server/rollouts"
	"landed/server/rooms"
	kit "landed/server/servertest"
)

// named is a world in which phones of fuxi, and of further models, poll by protocols of others.
type named struct {
	*kit.Rooms
	t     *testing.T
	given map[string]shelf.File
}

func newNamed(t *testing.T, more []manifests.Model, protocols ...manifests.Protocol) *named {
	t.Helper()
	all := more
	for _, m := range manifests.DefaultCatalogue().Models() {
		if m.Device == "fuxi" {
			m.Protocols = protocols
		}
		all = append(all, m)
	}
	n := &named{t: t}
	n.Rooms = kit.New(t, func(c *rooms.Config) {
		c.Catalogue, c.Base = kit.OK(manifests.NewCatalogue(all...))(t), "https://ota.example"
		c.Shelved = func(files map[string]shelf.File) { n.given = files }
	})
	n.Now = time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC) // behind the build
	devices := []string{"fuxi"}
	for _, m := range more {
		devices = append(devices, m.Device)
	}
	n.Begin(devices...)
	return n
}

// send uploads a package of fuxi that is changed before.
func (n *named) send(name string, change func(*fixtures.Build)) fleet.Package {
	n.t.Helper()
	b := kit.OK(fixtures.BuildOf("fuxi", fixtures.Patched))(n.t)
	change(&b)
	body := kit.OK(fixtures.Bytes(b, kit.OTAKey))(n.t)
	return kit.OK(n.Library.Upload(n.Ctx, library.Incoming{Name: name, Channel: "stable", By: "ann"}, bytes.NewReader(body)))(n.t).Package
}

// create makes a release of packages, and says what is wrong with it. clients is the part of its source that names phones.
func (n *named) create(counter int, name, clients string, packages ...string) error {
	source := fmt.Sprintf("schema: 3\nrelease: %s\ncounter: %d\nnotes: {en: a fix}\n%s", name, counter, clients)
	_, err := n.Releases.Create(n.Ctx, []byte(source), packages, "ann")
	return err
}

// toAll publishes a release, and offers it to everybody.
func (n *named) toAll(name string) fleet.Rollout {
	n.t.Helper()
	n.SignAndPublish(kit.OK(n.Releases.Stage(n.Ctx, name, "ann"))(n.t))
	return kit.OK(n.Rollouts.Start(n.Ctx, rollouts.Start{Release: name, By: "ann", Stages: []fleet.Stage{{Share: 10_000}}}))(n.t)[0]
}

// lists are the files that name a package, or are one.
func (n *named) lists() (names []string) {
	for path, f := range n.given {
		if f.Target != nil || strings.Contains(f.Text, "://") {
			names = append(names, path)
		}
	}
	return slices.Sorted(slices.Values(names))
}

// china makes a build that of the other image variant.
func china(b *fixtures.Build) {
	b.Fingerprint = strings.NewReplacer("fuxi_global/fuxi", "fuxi/fuxi", "WMCMIXM", "WMCCNXM").Replace(b.Fingerprint)
	b.Incremental = strings.Replace(b.Incremental, "WMCMIXM", "WMCCNXM", 1)
	b.Variant, b.ROMName, b.Version = "fuxi", "FUXI", b.Incremental
}

var everyProtocol = []manifests.Protocol{manifests.LineageOS1, manifests.LineageOS2, manifests.GrapheneOS, manifests.AOSPSample}

const lineage = `clients: {fuxi: {romtype: nightly, version: "22.2"%s}}` + "\n"

// TestTwoVariantsTwoReleases: a release is held against what phones of the other image variant are offered already.
func TestTwoVariantsTwoReleases(t *testing.T) {
	n := newNamed(t, nil, everyProtocol...)
	global := n.send("global.zip", func(*fixtures.Build) {})
	other := n.send("china.zip", func(b *fixtures.Build) { china(b); b.UTC += 3600 })
	if err := n.create(1, "global-fix", fmt.Sprintf(lineage, ""), global.SHA256); err != nil {
		t.Fatal(err)
	}
	n.toAll("global-fix")
	want := n.lists()
	err := n.create(2, "china-fix", fmt.Sprintf(lineage, ""), other.SHA256)
	if err == nil || !strings.Contains(err.Error(), "phones of the image variant fuxi_global ask for fuxi too, since the release global-fix") {
		t.Errorf("a second package for phones that ask for fuxi: %v", err)
	}
	if got := n.lists(); len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("given away are %q, wanted %q", got, want)
	}
}

// TestTwoVariantsOfBefore: a release from before its model had such phones named nothing. No phone gets the package of
// another image, and somebody hears of it.
func TestTwoVariantsOfBefore(t *testing.T) {
	n := newNamed(t, nil)
	global := n.send("global.zip", func(*fixtures.Build) {})
	other := n.send("china.zip", func(b *fixtures.Build) { china(b); b.UTC += 3600 })
	if err := n.create(1, "one", "", global.SHA256, other.SHA256); err != nil {
		t.Fatal(err)
	}
	n.toAll("one")
	var log bytes.Buffer
	n.LogTo(&log, slog.LevelWarn)
	file := "schema: 2\nmodels: [{device: fuxi, product: Xiaomi 13, numbers: [\"2211133C\", \"2211133G\"], rom_names: [FUXI, FUXIGlobal], " +
		"variants: [fuxi, fuxi_global], android: \"13\", profile: {family: ab}, protocols: [grapheneos, aosp-sample]}]"
	kit.OK(n.Lineup.Add(n.Ctx, []byte(file), "ann", ""))(t)
	n.MustRenew()
	if got := n.lists(); len(got) > 0 {
		t.Errorf("given away are %q of %q", got, slices.Sorted(maps.Keys(n.given)))
	}
	if text := log.String(); !strings.Contains(text, "level=ERROR") || !strings.Contains(text, "both ask for fuxi") {
		t.Errorf("no alarm: %s", text)
	}
}

// TestNamesOfOtherModels: what phones of a model ask for is theirs alone, also if another model is added later, or asks for
// it by a release of its own.
func TestNamesOfOtherModels(t *testing.T) {
	other := manifests.Model{Device: "ishtar", Product: "x", Variants: []string{"ishtar"}, Profile: manifests.Profile{Family: "ab"},
		Protocols: []manifests.Protocol{manifests.AOSPSample, manifests.LineageOS1}}
	n := newNamed(t, []manifests.Model{other}, manifests.AOSPSample, manifests.LineageOS1)
	named := func(device string) func(*fixtures.Build) {
		return func(b *fixtures.Build) { b.Also = []string{device} }
	}
	full := n.send("full.zip", named("shared"))
	of := func(model, variant, name string) string {
		return fmt.Sprintf("clients: {%s: {romtype: nightly, version: \"22.2\", devices: {%s: %s}}}\n", model, variant, name)
	}
	if err := n.create(1, "one", of("fuxi", "fuxi_global", "shared"), full.SHA256); err != nil {
		t.Fatal(err)
	}
	n.toAll("one")
	second := n.send("second.zip", func(b *fixtures.Build) {
		b.Model, b.Variant, b.Fingerprint = "ishtar", "ishtar", strings.Replace(b.Fingerprint, "fuxi_global/fuxi", "ishtar/ishtar", 1)
		b.Also = []string{"shared"}
	})
	if err := n.create(2, "two", of("ishtar", "ishtar", "shared"), second.SHA256); err == nil ||
		!strings.Contains(err.Error(), "phones of fuxi ask for shared, since the release one") {
		t.Errorf("a second model whose phones ask for shared: %v", err)
	}
	file := func(device string) []byte {
		return []byte("schema: 2\nmodels: [{device: " + device + ", product: x, variants: [" + device +
			"], profile: {family: ab}, protocols: [aosp-sample, lineageos-v1]}]")
	}
	if _, err := n.Lineup.Add(n.Ctx, file("shared"), "ann", ""); err == nil ||
		!strings.Contains(err.Error(), "phones of fuxi ask for shared, as those of shared do") {
		t.Errorf("a model that is called as phones of another: %v", err)
	}
	kit.OK(n.Lineup.Add(n.Ctx, file("vela"), "ann", ""))(t)
	kit.OK(n.Lineup.Add(n.Ctx, []byte(strings.Replace(string(file("shared")), ", protocols: [aosp-sample, lineageos-v1]", "", 1)), "ann",
		""))(t)
	if got := n.lists(); len(got) != 2 {
		t.Errorf("given away are %q, wanted the list and the config", got)
	}
}

// TestPackagesForOtherDevices: phones ask for no name that the package is not for.
func TestPackagesForOtherDevices(t *testing.T) {
	for _, protocol := range everyProtocol {
		n := newNamed(t, nil, protocol)
		full := n.send("full.zip", func(*fixtures.Build) {})
		err := n.create(1, "one", fmt.Sprintf(lineage, ", devices: {fuxi_global: ishtar}"), full.SHA256)
		if err == nil || !strings.Contains(err.Error(), `is for ["fuxi"], and phones that ask for ishtar`) {
			t.Errorf("%s: %v", protocol, err)
		}
	}
}

// TestNeitherOfTwoFiles: whatever two documents say, a name that would be two files is given away as none of them.
func TestNeitherOfTwoFiles(t *testing.T) {
	n := newNamed(t, []manifests.Model{{Device: "vela", Product: "x", Variants: []string{"vela"}, Profile: manifests.Profile{Family: "ab"}}})
	var log bytes.Buffer
	n.LogTo(&log, slog.LevelWarn)
	e := repo.Edit{Offers: map[string][]tufrepo.Target{}}
	for _, model := range []string{"fuxi", "vela"} {
		text := func(path, text string) shelf.File { return shelf.File{Path: path, Type: shelf.JSON, Text: text} }
		d := shelf.New(model, "stable", []shelf.File{text("x/shared.json", model), text("x/same.json", "{}"), text("x/"+model+".json", "{}")})
		e.Offers[tufrepo.OffersRole(model)] = []tufrepo.Target{kit.OK(n.Repo.Keep(n.Ctx, shelf.Path(model, "stable"), d.Bytes()))(t)}
	}
	if err := n.Repo.Publish(n.Ctx, func(repo.State) (repo.Edit, error) { return e, nil }); err != nil {
		t.Fatal(err)
	}
	want := []string{"x/fuxi.json", "x/same.json", "x/vela.json"}
	if got := slices.Sorted(maps.Keys(n.given)); !slices.Equal(got, want) {
		t.Errorf("given away are %q, wanted %q", got, want)
	}
	if text := log.String(); !strings.Contains(text, "level=ERROR") || !strings.Contains(text, "x/shared.json") {
		t.Errorf("no alarm: %s", text)
	}
}

// TestLineForNothing: phones whose app knows no other word for it are told on each channel that there is nothing: before the
// first rollout, below 100 %, halted, and for a model that was retired. Others get no file.
func TestLineForNothing(t *testing.T) {
	n := newNamed(t, nil, manifests.GrapheneOS)
	nothing := func(channels ...string) map[string]string {
		lines := map[string]string{}
		for _, channel := range channels {
			lines["grapheneos/fuxi-"+channel] = "none 1 fuxi " + channel + "\n"
		}
		return lines
	}
	expect := func(when string, want map[string]string) {
		t.Helper()
		got := map[string]string{}
		for path, f := range n.given {
			onDisk, err := os.ReadFile(filepath.Join(n.Dir, "feed", "legacy", path))
			if got[path] = f.Text; f.Target == nil && (err != nil || string(onDisk) != f.Text) {
				t.Errorf("%s: %s in the folder is %q, %v", when, path, onDisk, err)
			}
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s: %q, wanted %q", when, got, want)
		}
	}
	n.MustRenew()
	all := nothing(manifests.Channels...)
	expect("before", all)
	snapshot := n.State().Version(tufrepo.Snapshot)
	n.MustRenew()
	if got := n.State().Version(tufrepo.Snapshot); got != snapshot {
		t.Errorf("snapshot %d is published for nothing new", got)
	}
	full := n.send("full.zip", func(*fixtures.Build) {})
	if err := n.create(1, "one", "", full.SHA256); err != nil {
		t.Fatal(err)
	}
	r := n.toAll("one")
	given := maps.Clone(all)
	given["grapheneos/fuxi-stable"] = fmt.Sprintf("%s %d fuxi stable\n", full.Build.Incremental, full.Build.UTC)
	given["grapheneos/fuxi-ota_update-"+full.Build.Incremental+".zip"] = ""
	expect("everybody", given)
	n.Update(func(tx fleet.Tx) error {
		r := kit.OK(tx.Rollouts().Get(n.Ctx, r.ID))(t)
		r.State = fleet.RolloutFinished
		return tx.Rollouts().Save(n.Ctx, r)
	})
	if err := n.Lineup.Retire(n.Ctx, "fuxi", "ann", "no more"); err != nil {
		t.Fatal(err)
	}
	n.MustRenew()
	expect("retired", given)
	kit.OK(n.Rollouts.Halt(n.Ctx, r.ID, "ann", "it burns"))(t)
	expect("halted", all)
	for _, c := range manifests.Channels {
		offers, found := updaters.GrapheneOS(updaters.Answer{URL: "https://ota.example/fuxi-" + c, Status: 200,
			Body: []byte(n.given["grapheneos/fuxi-"+c].Text)}, updaters.Phone{Device: "fuxi", Channel: c, UTC: 2})
		if len(offers)+len(found) > 0 {
			t.Errorf("%s: a phone would go on with %+v; %v", c, offers, found)
		}
	}
}

// TestRenamedPhones: what phones of an image variant ask for is what its newest release says.
func TestRenamedPhones(t *testing.T) {
	n := newNamed(t, nil, manifests.AOSPSample)
	global := n.send("global.zip", func(b *fixtures.Build) { b.Also = []string{"fuxi_eea"} })
	other := n.send("china.zip", func(b *fixtures.Build) { china(b); b.UTC += 3600 })
	second := n.send("second.zip", func(b *fixtures.Build) {
		b.Also, b.UTC = []string{"fuxi_eea"}, b.UTC+7200
		b.Incremental, b.Version = "OS3.0.5.0.WMCMIXM", "OS3.0.5.0.WMCMIXM"
		b.Fingerprint = strings.Replace(b.Fingerprint, "OS3.0.4.0", "OS3.0.5.0", 1)
	})
	if err := n.create(1, "one", "", global.SHA256); err != nil {
		t.Fatal(err)
	}
	if err := n.create(2, "china", "", other.SHA256); err == nil {
		t.Error("both ask for fuxi, and nobody minds")
	}
	if err := n.create(2, "two", "clients: {fuxi: {devices: {fuxi_global: fuxi_eea}}}\n", second.SHA256); err != nil {
		t.Fatal(err)
	}
	if err := n.create(3, "china", "", other.SHA256); err != nil {
		t.Errorf("the other has a name of its own now: %v", err)
	}
}
