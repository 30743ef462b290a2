// SPDX-License-Identifier: Apache-2.0

package rollouts_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
	"landed/manifests/shelf"
	"landed/server/blob"
	"landed/server/fleet"
	"landed/server/library"
	"landed/server/rollouts"
	"landed/server/rooms"
	kit "landed/server/servertest"
)

// fuxiPolls is a world with a rollout of armani, which has no phones of others, and with fuxi, whose phones poll by protocols.
type fuxiPolls struct {
	*kit.Rooms
	given *map[string]shelf.File
	other fleet.Rollout // of armani
}

func newFuxiPolls(t *testing.T, protocols []manifests.Protocol, change ...func(*rooms.Config)) fuxiPolls {
	t.Helper()
	var all []manifests.Model
	for _, m := range manifests.DefaultCatalogue().Models() {
		if m.Device == "fuxi" {
			m.Protocols = protocols
		}
		all = append(all, m)
	}
	catalogue := kit.OK(manifests.NewCatalogue(all...))(t)
	given := &map[string]shelf.File{}
	h := kit.New(t, func(c *rooms.Config) {
		c.Catalogue, c.Base = catalogue, "https://ota.example"
		c.Shelved = func(files map[string]shelf.File) { *given = files }
		for _, f := range change {
			f(c)
		}
	})
	h.Now = time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC) // behind the build
	h.Begin("fuxi", "armani")
	kit.OK(h.Releases.Create(h.Ctx, kit.ReleaseSource("1", "armani-fix"), []string{h.Upload("armani", fixtures.Patched).SHA256}, "ann"))(t)
	h.SignAndPublish(kit.OK(h.Releases.Stage(h.Ctx, "armani-fix", "ann"))(t))
	f := fuxiPolls{h, given, fleet.Rollout{}}
	f.other = f.toAll("armani-fix", "stable")
	return f
}

// send uploads the patched build of fuxi to a channel, with something changed of it, and pad bytes more.
func (f fuxiPolls) send(name, channel string, pad int64, change ...func(*fixtures.Build)) fleet.Package {
	f.T.Helper()
	b := kit.OK(fixtures.BuildOf("fuxi", fixtures.Patched))(f.T)
	for _, c := range change {
		c(&b)
	}
	var body bytes.Buffer
	if err := fixtures.Write(&body, b, kit.OTAKey, fixtures.Options{PadTo: pad}); err != nil {
		f.T.Fatal(err)
	}
	return kit.OK(f.Library.Upload(f.Ctx, library.Incoming{Name: name, Channel: channel, By: "ann"}, &body))(f.T).Package
}

func (f fuxiPolls) create(counter int, name string, packages ...fleet.Package) error {
	var refs []string
	for _, p := range packages {
		refs = append(refs, p.Ref().String())
	}
	_, err := f.Releases.Create(f.Ctx, fmt.Appendf(nil, "schema: 3\nrelease: %s\ncounter: %d\nnotes: {en: a fix}\n", name, counter), refs, "ann")
	return err
}

func (f fuxiPolls) released(counter int, name string, packages ...fleet.Package) {
	f.T.Helper()
	if err := f.create(counter, name, packages...); err != nil {
		f.T.Fatal(err)
	}
	f.SignAndPublish(kit.OK(f.Releases.Stage(f.Ctx, name, "ann"))(f.T))
}

func (f fuxiPolls) toAll(release, channel string) fleet.Rollout {
	f.T.Helper()
	return kit.OK(f.Rollouts.Start(f.Ctx, rollouts.Start{Release: release, Channel: channel, By: "ann",
		Stages: []fleet.Stage{{Share: 10_000}}}))(f.T)[0]
}

// modelFile is a catalogue file of fuxi with protocols.
func modelFile(protocols string) []byte {
	return []byte("schema: 2\nmodels: [{device: fuxi, product: Xiaomi 13, numbers: [\"2211133C\", \"2211133G\"], rom_names: [FUXI, FUXIGlobal], " +
		"variants: [fuxi, fuxi_global], android: \"13\", profile: {family: ab}, protocols: [" + protocols + "]}]")
}

// from has a build be an incremental from one of the label OS3.0.2.0.WMCMIXM, whose fingerprint ends in tail.
func from(tail string) func(*fixtures.Build) {
	return func(b *fixtures.Build) {
		b.From = []string{"Xiaomi/fuxi_global/fuxi:16/BP2A.250605.031.A3/OS3.0.2.0.WMCMIXM:" + tail}
	}
}

// wantHalted halts armani, and wants its handsets to hear of it.
func (f fuxiPolls) wantHalted() {
	f.T.Helper()
	if _, err := f.Rollouts.Halt(f.Ctx, f.other.ID, "ann", "it burns"); err != nil {
		f.T.Errorf("the halt of another model: %v", err)
	}
	if offered := f.Offers(f.Client(), "armani").Offers; len(offered) != 1 || offered[0].State != "halted" {
		f.T.Errorf("handsets of another model are told %+v", offered)
	}
	if _, served := f.Repo.Served(); !served {
		f.T.Error("the feed is not served whole")
	}
}

// TestLegacyOfTwoBuildsOfOneLabel: two incrementals from builds of one version label have one name for phones. It is refused
// before anybody signs, and when protocols are added to a model. Where it is offered all the same, by a program that did not
// know, neither of the two is given away, and nothing else waits for that.
func TestLegacyOfTwoBuildsOfOneLabel(t *testing.T) {
	f := newFuxiPolls(t, nil)
	full := f.send("full.zip", "stable", 0)
	u := f.send("inc-user.zip", "stable", 0, from("user/release-keys"))
	d := f.send("inc-userdebug.zip", "stable", 0, from("userdebug/release-keys"))
	f.released(2, "fix", full, u, d)
	f.toAll("fix", "stable")

	_, err := f.Lineup.Add(f.Ctx, modelFile("aosp-sample"), "ann", "")
	for _, words := range []string{"two packages of fix", "aosp-sample/stable/fuxi/OS3.0.2.0.WMCMIXM.json"} {
		kit.CheckError(t, err, "model_differs", words)
	}
	if m, _ := f.Lineup.Catalogue().Model("fuxi"); len(m.Protocols) > 0 {
		t.Errorf("it was refused, and fuxi has the protocols %q", m.Protocols)
	}
	f.putProtocols(manifests.AOSPSample)
	more := bytes.Replace(modelFile("aosp-sample"), []byte(`"2211133G"`), []byte(`"2211133G", "2211133X"`), 1)
	if _, err := f.Lineup.Add(f.Ctx, more, "ann", ""); err != nil {
		t.Errorf("a number more of a model that has the protocol: %v", err)
	}
	err = f.create(3, "next", full, u, d)
	for _, words := range []string{"two packages of next", "aosp-sample/stable/fuxi/OS3.0.2.0.WMCMIXM.json"} {
		kit.CheckError(t, err, "release_packages", words)
	}
	if err := f.create(3, "next", full, u); err != nil {
		t.Errorf("one of the two: %v", err)
	}

	var log bytes.Buffer
	f.LogTo(&log, slog.LevelWarn)
	for range 3 {
		f.MustRenew()
	}
	want := []string{"aosp-sample/stable/fuxi.json"}
	if got := slices.Sorted(maps.Keys(*f.given)); !slices.Equal(got, want) {
		t.Errorf("given away are %q, wanted %q", got, want)
	}
	if n := strings.Count(log.String(), "level=ERROR"); n != 1 || !strings.Contains(log.String(), "OS3.0.2.0.WMCMIXM.json") {
		t.Errorf("wanted one alarm, got %d in\n%s", n, &log)
	}
	f.wantHalted()
	before := f.State().Version("timestamp")
	f.Now = f.Now.Add(12 * time.Hour)
	f.MustRenew()
	if f.State().Version("timestamp") == before {
		t.Error("the timestamp is not renewed")
	}
}

// refusing is a store that takes no document of files for other updaters while it is told not to.
type refusing struct {
	blob.Store
	on *atomic.Bool
}

type refusingDraft struct {
	blob.Draft
	on   *atomic.Bool
	text *bytes.Buffer
}

func (r refusing) Create(ctx context.Context) (blob.Draft, error) {
	d, err := r.Store.Create(ctx)
	return refusingDraft{d, r.on, &bytes.Buffer{}}, err
}

func (d refusingDraft) Write(p []byte) (int, error) {
	if d.text.Len() < 1000 {
		d.text.Write(p)
	}
	return d.Draft.Write(p)
}

func (d refusingDraft) Commit(ctx context.Context, ref blob.Ref) (blob.Info, error) {
	if d.on.Load() && bytes.Contains(d.text.Bytes(), []byte(`"files": [`)) {
		return blob.Info{}, blob.ErrNoSpace
	}
	return d.Draft.Commit(ctx, ref)
}

// TestLegacyThatCannotBeStored: the offers are published without the document, with one alarm, and with it once it can be stored.
func TestLegacyThatCannotBeStored(t *testing.T) {
	var on atomic.Bool
	f := newFuxiPolls(t, []manifests.Protocol{manifests.AOSPSample}, func(c *rooms.Config) { c.Blobs = refusing{c.Blobs, &on} })
	f.released(2, "fix", f.send("full.zip", "stable", 0))
	var log bytes.Buffer
	f.LogTo(&log, slog.LevelError)
	on.Store(true)
	r := f.toAll("fix", "stable")
	f.MustRenew()
	f.wantHalted()
	if n := strings.Count(log.String(), "nothing at all is given away"); n != 1 || len(*f.given) > 0 {
		t.Errorf("wanted one alarm and no file, got %d files and\n%s", len(*f.given), &log)
	}
	on.Store(false)
	f.MustRenew()
	if len(*f.given) != 1 {
		t.Errorf("it can be stored again, and given away are %d files", len(*f.given))
	}
	on.Store(true)
	kit.OK(f.Rollouts.Halt(f.Ctx, r.ID, "ann", "it burns"))(t)
	if len(*f.given) > 0 {
		t.Errorf("halted, and given away are %d files", len(*f.given))
	}
}

// putProtocols gives fuxi protocols, as an older program would have.
func (f fuxiPolls) putProtocols(protocols ...manifests.Protocol) {
	f.T.Helper()
	f.Update(func(tx fleet.Tx) error {
		stored := kit.OK(tx.Models().Get(f.Ctx, "fuxi"))(f.T)
		m, _ := f.Lineup.Catalogue().Model("fuxi")
		m.Protocols = protocols
		stored.Profile = kit.OK(json.Marshal(m))(f.T)
		return tx.Models().Put(f.Ctx, stored)
	})
	if err := f.Lineup.Refresh(f.Ctx); err != nil {
		f.T.Fatal(err)
	}
}
