// SPDX-License-Identifier: Apache-2.0

package lineup_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
	"landed/server/fleet"
	"landed/server/library"
	"landed/server/lineup"
	"landed/server/rollouts"
	kit "landed/server/servertest"
	"landed/server/store"
)

const nuwa = `schema: 1
models:
  - {device: nuwa, product: Xiaomi 13 Pro, numbers: ["2210132C"], rom_names: [NUWA], variants: [nuwa], profile: {family: ab}}
`

func became(t *testing.T, all []lineup.Entry) (words []string) {
	t.Helper()
	for _, e := range all {
		words = append(words, e.Device+" "+e.Became)
	}
	return words
}

func TestNewFolderHasTheDefaults(t *testing.T) {
	h := kit.New(t)
	wanted := manifests.DefaultCatalogue().Models()
	for range 2 { // the second start finds them
		all := kit.OK(h.Lineup.List(h.Ctx))(t)
		for i, e := range all {
			if e.Device != wanted[i].Device || e.By != lineup.Author || !e.Retired.IsZero() {
				t.Errorf("place %d: %+v; wanted %s", i, e, wanted[i].Device)
			}
		}
		if len(all) != len(wanted) || !slices.Equal(h.Lineup.Channels(), []string{"beta", "lab", "stable"}) {
			t.Errorf("%d models, channels %v", len(all), h.Lineup.Channels())
		}
		h.Reopen()
	}
}

func TestAddModels(t *testing.T) {
	h := kit.New(t)
	h.Released("armani")
	armani := func(more string) string {
		return "schema: 1\nmodels: [{device: armani, product: Redmi 1S W/CT, numbers: [\"2013028\", \"2013029\"], " +
			"rom_names: [HM1SWC, HM1SWCGlobal], letters: HC, soc: Snapdragon 400, android: \"4.3\", " + more + "}]"
	}
	stored := kit.OK(h.Lineup.Show(h.Ctx, "armani"))(t)
	same := "variants: [" + strings.Join(stored.Described.Variants, ", ") + "]"
	profile := "profile: {family: file, legacy_recovery: true}"
	for _, tc := range []struct{ name, file, became, code, words string }{
		{"a new one", nuwa, "nuwa added", "", ""},
		{"the same again", nuwa, "nuwa unchanged", "", ""},
		{"a new one changes its profile", strings.Replace(nuwa, "family: ab", "family: file", 1), "nuwa changed", "", ""},
		{"a published one gets a variant", armani("variants: [" + strings.Join(stored.Described.Variants, ", ") + ", armani_tw], " +
			profile), "armani changed", "", ""},
		{"a published one loses it", armani(same + ", " + profile), "", "model_differs", "variants are"},
		{"a published one changes its family", armani("variants: [" + strings.Join(stored.Described.Variants, ", ") +
			", armani_tw], profile: {family: ab}"), "", "model_differs", "the profile is {Family:file"},
		{"no file of models", "models: []", "", "model_file", "schema is 0"},
		{"two that share a role", strings.ReplaceAll(nuwa, "nuwa", "NUWA"), "", "model_differs", "share the role name nuwa"},
	} {
		before := h.Contents()
		all, err := h.Lineup.Add(h.Ctx, []byte(tc.file), "ann", "for the new line")
		if tc.code != "" {
			kit.CheckError(t, err, tc.code, tc.words)
			if h.Contents() != before {
				t.Errorf("%s: a refusal changed something", tc.name)
			}
		} else if got := strings.Join(became(t, all), ", "); err != nil || got != tc.became {
			t.Errorf("%s: %s, %v; wanted %s", tc.name, got, err, tc.became)
		}
	}
	if m, ok := h.Lineup.Catalogue().Model("nuwa"); !ok || m.Profile.Family != "file" {
		t.Errorf("the catalogue says %+v, %t", m, ok)
	}
	trail := auditOf(h, "nuwa")
	if len(trail) != 2 || trail[1].Action != "model.add" || trail[1].Actor != "ann" || trail[1].Reason != "added: for the new line" {
		t.Errorf("the trail of nuwa: %+v", trail)
	}
}

func auditOf(h *kit.Rooms, subject string) (trail []fleet.AuditEntry) {
	h.View(func(tx fleet.Tx) (err error) {
		trail, err = tx.Audit().OfSubject(h.Ctx, subject, 10)
		return err
	})
	return trail
}

func TestRetireModel(t *testing.T) {
	h := kit.New(t)
	kit.CheckError(t, h.Lineup.Retire(h.Ctx, "dior", "ann", " "), "reason_missing", "")
	kit.CheckError(t, h.Lineup.Retire(h.Ctx, "none", "ann", "why"), "model_unknown", "none")
	for range 2 {
		if err := h.Lineup.Retire(h.Ctx, "dior", "ann", "no more parts"); err != nil {
			t.Fatal(err)
		}
	}
	if trail := auditOf(h, "dior"); len(trail) != 1 || trail[0].Action != "model.retire" || trail[0].Reason != "no more parts" {
		t.Errorf("the trail: %+v", trail)
	}
	if _, ok := h.Lineup.Catalogue().Model("dior"); !ok {
		t.Error("a retired model is forgotten")
	}
	kit.CheckError(t, h.Lineup.CheckServed("dior"), "model_retired", "dior")
	dior := kit.OK(h.Lineup.Show(h.Ctx, "dior"))(t)
	file := "schema: 1\nmodels: [{device: dior, variants: [dior, dior_global], profile: {family: file, legacy_recovery: true}}]"
	if all := kit.OK(h.Lineup.Add(h.Ctx, []byte(file), "bo", ""))(t); dior.Retired.IsZero() || all[0].Became != lineup.Returned {
		t.Errorf("%+v, then %v", dior, became(t, all))
	}
	if err := h.Lineup.CheckServed("dior"); err != nil {
		t.Error(err)
	}
}

func TestChannels(t *testing.T) {
	h := kit.New(t)
	kit.CheckError(t, h.Lineup.CheckChannel("nightly"), "channel", "wanted beta, lab or stable")
	_, err := h.Lineup.AddChannel(h.Ctx, "../keys", "ann", "")
	kit.CheckError(t, err, "channel_name", "lower-case letter")
	first := kit.OK(h.Lineup.AddChannel(h.Ctx, "nightly", "ann", "builds of the night"))(t)
	if again := kit.OK(h.Lineup.AddChannel(h.Ctx, "nightly", "bo", ""))(t); again != first || again.By != "ann" {
		t.Errorf("added again: %+v, was %+v", again, first)
	}
	if err := h.Lineup.CheckChannel("nightly"); err != nil {
		t.Error(err)
	}
	if trail := auditOf(h, "nightly"); len(trail) != 1 || trail[0].Action != "channel.add" {
		t.Errorf("the trail: %+v", trail)
	}
}

func TestRetireChannel(t *testing.T) {
	h := kit.New(t)
	h.Released("armani")
	started := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)[0]
	kit.CheckError(t, h.Lineup.RetireChannel(h.Ctx, "beta", "ann", " "), "reason_missing", "")
	kit.CheckError(t, h.Lineup.RetireChannel(h.Ctx, "none", "ann", "why"), "channel_unknown", "none")
	before := h.Contents()
	kit.CheckError(t, h.Lineup.RetireChannel(h.Ctx, "stable", "ann", "why"), "channel_in_use", started.ID+" (running)")
	if h.Contents() != before || !h.Lineup.HasChannel("stable") {
		t.Error("a refusal changed something")
	}
	kit.OK(h.Rollouts.Halt(h.Ctx, started.ID, "ann", "the channel goes"))(t)
	for range 2 {
		if err := h.Lineup.RetireChannel(h.Ctx, "stable", "ann", "one channel less"); err != nil {
			t.Fatal(err)
		}
	}
	if trail := auditOf(h, "stable"); len(trail) != 1 || trail[0].Action != "channel.retire" || trail[0].Reason != "one channel less" {
		t.Errorf("the trail: %+v", trail)
	}
	kit.CheckError(t, h.Lineup.CheckChannel("stable"), "channel_retired", "otactl channel add stable")
	_, err := h.Rollouts.Resume(h.Ctx, started.ID, "ann", "go on")
	kit.CheckError(t, err, "channel_retired", "stable")
	_, err = h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"})
	kit.CheckError(t, err, "channel_retired", "stable")
	name, body := kit.PackageOf(t, "armani", fixtures.Patched)
	_, err = h.Library.Upload(h.Ctx, library.Incoming{Name: name, Channel: "stable", By: "ann"}, bytes.NewReader(body))
	kit.CheckError(t, err, "channel_retired", "stable")
	sum := sha256.Sum256(body)
	_, err = h.Releases.Create(h.Ctx, kit.ReleaseSource("2", "next"), []string{hex.EncodeToString(sum[:])}, "ann")
	kit.CheckError(t, err, "release_packages", "channel stable is retired")
	if in, known := h.Lineup.Channels(), h.Lineup.KnownChannels(); !slices.Equal(in, []string{"beta", "lab"}) ||
		!slices.Equal(known, []string{"beta", "lab", "stable"}) {
		t.Errorf("in use %v, known %v", in, known)
	}
	if back := kit.OK(h.Lineup.AddChannel(h.Ctx, "stable", "bo", "it was a mistake"))(t); back.By != "bo" || !back.Retired.IsZero() {
		t.Errorf("came back as %+v", back)
	}
	if trail := auditOf(h, "stable"); len(trail) != 2 || trail[0].Reason != "returned: it was a mistake" {
		t.Errorf("the trail: %+v", trail)
	}
	kit.OK(h.Rollouts.Resume(h.Ctx, started.ID, "ann", "go on"))(t)
}

// The last channel stays: without any the server would begin again with those that are built in.
func TestLastChannelStays(t *testing.T) {
	h := kit.New(t)
	for _, name := range []string{"beta", "lab"} {
		if err := h.Lineup.RetireChannel(h.Ctx, name, "ann", "not used"); err != nil {
			t.Fatal(err)
		}
	}
	kit.CheckError(t, h.Lineup.RetireChannel(h.Ctx, "stable", "ann", "not used"), "channel_last", "stable")
	h.Reopen()
	if got := h.Lineup.Channels(); !slices.Equal(got, []string{"stable"}) {
		t.Errorf("in use: %v", got)
	}
}

// What another process added is seen at the next tick.
func TestTickSeesWhatOthersAdded(t *testing.T) {
	h := kit.New(t)
	other := kit.OK(lineup.Open(h.Ctx, lineup.Config{Store: h.DB, Now: h.Config().Now}))(t)
	kit.OK(other.Add(h.Ctx, []byte(nuwa), "ann", ""))(t)
	if _, ok := h.Lineup.Catalogue().Model("nuwa"); ok {
		t.Error("seen before the tick: this test shows nothing")
	}
	h.MustRenew()
	if _, ok := h.Lineup.Catalogue().Model("nuwa"); !ok {
		t.Error("not seen after a tick")
	}
}

// A folder that is only looked at is not written to, and has the defaults.
func TestReadOnly(t *testing.T) {
	ctx := context.Background()
	db := kit.OK(store.Make(ctx, filepath.Join(t.TempDir(), "landed.db"), time.Now))(t)
	defer db.Close()
	l := kit.OK(lineup.Open(ctx, lineup.Config{Store: readOnly{db}, Now: time.Now, ReadOnly: true}))(t)
	if _, ok := l.Catalogue().Model("fuxi"); !ok || !l.HasChannel("lab") {
		t.Error("the defaults are not known")
	}
}

type readOnly struct{ fleet.Viewer }

func (readOnly) Update(context.Context, func(fleet.Tx) error) error        { panic("it writes") }
func (readOnly) UpdateReports(context.Context, func(fleet.Tx) error) error { panic("it writes") }
func (readOnly) Intake(context.Context, func(fleet.Tx) error) error        { panic("it writes") }
