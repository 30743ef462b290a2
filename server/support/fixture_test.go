// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"landed/manifests"
	"landed/manifests/effect"
	"landed/manifests/otapkg"
	"landed/manifests/release"
	"landed/manifests/report"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/reasons"
	"landed/server/store"
	"landed/server/store/storetest"
)

const releaseName = "miui-cloud-messaging-opt-in"

// Classes and findings of the effect that most tests are about.
const (
	confirmedOff  fleet.Class = "confirmed_off"
	consented     fleet.Class = "consented"
	carriedOver   fleet.Class = "carried_over"
	registered    fleet.Class = "registered_by_itself"
	notExercised  fleet.Class = "not_exercised"
	leak          fleet.Class = "leak"
	contradictory fleet.Class = "contradictory"
	unpatched     fleet.Class = "unpatched"
	unknown       fleet.Class = "unknown"

	beforeActive fleet.Before = "activates_itself"
	beforeQuiet  fleet.Before = "quiet"
	beforeOff    fleet.Before = "switched_off"
	notSeen      fleet.Before = "not_seen"
)

var now = time.Date(2014, 8, 14, 9, 30, 0, 0, time.UTC)

// fixture is the pages over a real store.
type fixture struct {
	t       testing.TB
	store   store.Database
	support *Support
	lineup  *manifests.Catalogue
	doors   http.Handler
	release release.Release // that publish, roll, count and install speak of

	made    time.Time       // when releases are made; zero: some days before now
	english bool            // pages are asked for in English alone
	seen    map[string]bool // paths that were asked for in every language
}

func open(t testing.TB, c *manifests.Catalogue) *fixture {
	t.Helper()
	h := &fixture{t: t, store: storetest.OpenDB(t), lineup: c, release: release.OptIn()}
	h.show(h.store, nil)
	return h
}

// show has the pages read from view, and write to log.
func (h *fixture) show(view fleet.Viewer, log *slog.Logger) {
	h.t.Helper()
	s, err := New(Config{View: view, Catalogue: func() *manifests.Catalogue { return h.lineup }, Now: func() time.Time { return now }, Log: log, Fresh: 1})
	if err != nil {
		h.t.Fatal(err)
	}
	router := chi.NewRouter()
	router.Group(s.Routes())
	h.support, h.doors = s, router
}

func (h *fixture) update(fn func(ctx context.Context, tx fleet.Tx) error) {
	h.t.Helper()
	err := h.store.Update(context.Background(), func(tx fleet.Tx) error { return fn(context.Background(), tx) })
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *fixture) updateReports(fn func(ctx context.Context, tx fleet.Tx) error) {
	h.t.Helper()
	err := h.store.UpdateReports(context.Background(), func(tx fleet.Tx) error { return fn(context.Background(), tx) })
	if err != nil {
		h.t.Fatal(err)
	}
}

// publish puts a release with one package for each device into the store.
func (h *fixture) publish(devices ...string) {
	h.t.Helper()
	var packages []fleet.Package
	for _, d := range devices {
		packages = append(packages, packageOf(d))
	}
	h.publishPackages(packages...)
}

// next makes another release the one that the fixture speaks of: its source in YAML, without its name and counter.
func (h *fixture) next(name, source string) {
	h.t.Helper()
	r, err := release.Parse(fmt.Appendf(nil, "schema: 2\nrelease: %s\ncounter: %d\n%s", name, h.release.Counter+1, source))
	if err != nil {
		h.t.Fatal(err)
	}
	h.release = r
}

// publishPackages puts a release of packages into the store, and into the role of each model.
func (h *fixture) publishPackages(packages ...fleet.Package) {
	h.t.Helper()
	source, err := h.release.YAML()
	if err != nil {
		h.t.Fatal(err)
	}
	at := now.Add(time.Duration(h.release.Counter-97) * time.Hour)
	if !h.made.IsZero() {
		at = h.made
	}
	r := fleet.Release{
		Name: h.release.Name, Counter: h.release.Counter, Source: source, State: fleet.ReleasePublished, By: "mei", At: at,
	}
	models := map[string][]fleet.Package{}
	for _, p := range packages {
		r.Packages = append(r.Packages, p.Ref())
		models[p.Model] = append(models[p.Model], p)
	}
	h.update(func(ctx context.Context, tx fleet.Tx) error {
		for _, p := range packages {
			if err := tx.Packages().Put(ctx, p); err != nil {
				return err
			}
		}
		return tx.Releases().Create(ctx, r)
	})
	for model, listed := range models {
		h.list(model, h.release.Counter, listed...)
	}
}

// list publishes a version of the offline role of a model, with these packages and their documents.
func (h *fixture) list(device string, version int64, packages ...fleet.Package) {
	h.t.Helper()
	model, _ := h.lineup.Model(device)
	role := model.Role()
	var bound []release.Bound
	for _, p := range packages {
		file := manifests.Package{Path: tufrepo.PackagePath(role, p.Name), Length: p.Size, SHA256: p.SHA256}
		bound = append(bound, release.Bound{Variant: p.Variant, Channel: p.Channel, Build: p.Build, Package: file})
	}
	signed, err := h.release.Bind(model, bound)
	if err != nil {
		h.t.Fatal(err)
	}
	var targets []tufrepo.Target
	for i, p := range packages {
		custom, err := json.Marshal(signed.Customs[bound[i].Package.Path])
		if err != nil {
			h.t.Fatal(err)
		}
		manifest := tufrepo.ManifestPath(role, h.release.Name, p.Variant)
		targets = append(targets,
			tufrepo.Target{Path: bound[i].Package.Path, Length: p.Size, SHA256: p.SHA256, Custom: custom},
			tufrepo.Target{
				Path: manifest, Length: int64(len(signed.Files[manifest])), SHA256: fmt.Sprintf("%x", sha256.Sum256(signed.Files[manifest])),
			})
	}
	doc, err := tufrepo.NewRole(version, now.Add(time.Hour), targets)
	if err != nil {
		h.t.Fatal(err)
	}
	h.update(func(ctx context.Context, tx fleet.Tx) error {
		return tx.Metadata().Put(ctx, fleet.Metadata{Role: role, Version: version, Bytes: doc, Expires: now.Add(time.Hour), At: now})
	})
}

// nextPackage is the package of a device in a later release.
func nextPackage(device, incremental string) fleet.Package {
	p := packageOf(device)
	p.SHA256 = fmt.Sprintf("%x", sha256.Sum256([]byte(device+incremental)))
	p.Name, p.Build.Incremental = "miui_"+device+"_"+incremental+"_4.3.zip", incremental
	p.Build.Fingerprint = strings.ReplaceAll(p.Build.Fingerprint, "JHCMIBH45.0", incremental)
	p.Build.UTC += 86400
	return p
}

func buildOf(device string) manifests.Build {
	return manifests.Build{
		Fingerprint: "Xiaomi/" + device + "/" + device + ":4.3/JLS36C/JHCMIBH45.0:user/release-keys",
		Incremental: "JHCMIBH45.0", UTC: 1407628800,
	}
}

func packageOf(device string) fleet.Package {
	facts, _ := json.Marshal(otapkg.Facts{Signer: &otapkg.Signer{
		KeySHA256: strings.Repeat("5a", 32), Subject: "CN=MIUI", Algorithm: "RSA-2048", Hash: "SHA-1", Valid: true, Pinned: true,
	}})
	return fleet.Package{
		SHA256: fmt.Sprintf("%x", sha256.Sum256([]byte(device))), Name: "miui_" + device + "_JHCMIBH45.0_4.3.zip",
		Size: 412_876_544, Model: device, Variant: device, Channel: "stable", Family: "file", Build: buildOf(device),
		PreBuilds: []string{}, Facts: facts, Findings: []byte("[]"), By: "mei", At: now.Add(-97 * time.Hour),
	}
}

// variantOf is the package of a device for another image variant.
func variantOf(device, variant string) fleet.Package {
	p := packageOf(device)
	p.SHA256 = fmt.Sprintf("%x", sha256.Sum256([]byte(variant)))
	p.Name, p.Variant = "miui_"+variant+"_JHCMIBH45.0_4.3.zip", variant
	return p
}

// roll adds a rollout of a device in some state, changed by edit.
func (h *fixture) roll(device string, edit func(*fleet.Rollout)) {
	h.t.Helper()
	r := fleet.Rollout{
		ID: h.release.Name + "." + strings.ToLower(device) + ".stable", Release: h.release.Name, Model: device, Channel: "stable",
		Salt: strings.Repeat("00", 16), Stages: fleet.DefaultStages(0), State: fleet.RolloutRunning,
		By:    "mei", // who started it; a person who gave no reason has not resumed anything
		Since: now.Add(-30 * time.Hour), Started: now.Add(-90 * time.Hour), Changed: now.Add(-30 * time.Hour),
	}
	if edit != nil {
		edit(&r)
	}
	h.update(func(ctx context.Context, tx fleet.Tx) error {
		started := fleet.AuditEntry{
			At: r.Started, Actor: "mei", Action: "rollout.start", Subject: r.ID, Reason: "stage 1 of 4: 1 % of the fleet",
		}
		if err := tx.Audit().Append(ctx, started); err != nil {
			return err
		}
		if r.State == fleet.RolloutHalted || r.State == fleet.RolloutHeld {
			action := map[fleet.RolloutState]string{fleet.RolloutHalted: "rollout.halt", fleet.RolloutHeld: "rollout.hold"}[r.State]
			why := reasons.Words(r.Reason) + reasons.Words(r.Held)
			line := fleet.AuditEntry{At: r.Changed, Actor: r.By, Action: action, Subject: r.ID, Reason: why}
			if err := tx.Audit().Append(ctx, line); err != nil {
				return err
			}
		}
		return tx.Rollouts().Create(ctx, r)
	})
}

// count moves n installations into the figures, as intake would, without storing them.
func (h *fixture) count(device string, n int, class fleet.Class, before fleet.Before) {
	h.t.Helper()
	h.move(n, nil, h.standing(device, class, before))
}

// standing is an installation of a class, as far as that class has it be.
func (h *fixture) standing(device string, class fleet.Class, before fleet.Before) *fleet.Installation {
	progress := report.ProgressRunning
	switch class {
	case "unpatched", "unknown":
		progress = report.ProgressKnown
	}
	return h.state(device, class, before, progress)
}

func (h *fixture) countAs(device string, n int, class fleet.Class, before fleet.Before, progress report.Progress) {
	h.move(n, nil, h.state(device, class, before, progress))
}

// state is an installation that stands under the release.
func (h *fixture) state(device string, class fleet.Class, before fleet.Before, progress report.Progress) *fleet.Installation {
	kind := fleet.Kind(effect.Unjudged)
	if h.release.Effect != nil {
		kind = h.release.Effect.KindOf(string(class))
	}
	i := &fleet.Installation{
		Release: h.release.Name, Current: true, Model: device, Channel: "stable", Verdict: class, Kind: kind, Before: before,
		Progress: progress, Last: now,
	}
	if class == unknown && progress != report.ProgressRunning { // by silence, which is no part of what is stored
		i.Verdict, i.Last = unpatched, now.Add(-effect.SilentAfter-24*time.Hour)
	}
	return i
}

// move moves n installations to each of these, in the figures, as intake would, without storing them.
func (h *fixture) move(n int, from *fleet.Installation, to ...*fleet.Installation) {
	h.t.Helper()
	h.updateReports(func(ctx context.Context, tx fleet.Tx) error {
		for _, i := range to {
			for range n {
				if err := tx.Counts().Move(ctx, from, i); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// moveOn takes n installations from how they stood under an older release to how they stand under this one.
func (h *fixture) moveOn(n int, from fleet.Installation, to *fleet.Installation) {
	h.t.Helper()
	left := from
	left.Current = false
	h.move(n, &from, &left)
	h.move(n, nil, to)
}
