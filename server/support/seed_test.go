// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"landed/manifests"
	"landed/manifests/otapkg"
	"landed/manifests/report"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/reasons"
	"landed/server/store/storetest"
	"landed/server/verdict"
)

const releaseName = "miui-cloud-messaging-opt-in"

var now = time.Date(2014, 8, 14, 9, 30, 0, 0, time.UTC)

// house is the door over a real store.
type house struct {
	t       testing.TB
	store   fleet.Store
	support *Support
	doors   http.Handler
}

func open(t testing.TB, c *manifests.Catalogue) *house {
	t.Helper()
	h := &house{t: t, store: storetest.Open(t)}
	s, err := New(Config{View: h.store, Catalogue: c, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	router := chi.NewRouter()
	router.Group(s.Routes())
	h.support, h.doors = s, router
	return h
}

func (h *house) update(fn func(ctx context.Context, tx fleet.Tx) error) {
	h.t.Helper()
	err := h.store.Update(context.Background(), func(tx fleet.Tx) error { return fn(context.Background(), tx) })
	if err != nil {
		h.t.Fatal(err)
	}
}

// publish puts a release with one package for each device into the store.
func (h *house) publish(devices ...string) {
	h.t.Helper()
	var packages []fleet.Package
	for _, d := range devices {
		packages = append(packages, packageOf(d))
	}
	h.publishPackages(packages...)
}

// publishPackages puts a release of packages into the store, and into the role of each model.
func (h *house) publishPackages(packages ...fleet.Package) {
	h.t.Helper()
	source, err := os.ReadFile("../../manifests/releases/" + releaseName + ".yaml")
	if err != nil {
		h.t.Fatal(err)
	}
	r := fleet.Release{Name: releaseName, Counter: 1, Source: source, State: fleet.ReleasePublished, By: "mei", At: now.Add(-96 * time.Hour)}
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
		h.list(model, 1, listed...)
	}
}

// list publishes a version of the offline role of a model, with these packages and their manifests.
func (h *house) list(device string, version int64, packages ...fleet.Package) {
	h.t.Helper()
	model, _ := h.support.catalogue.Model(device)
	role := model.Role()
	var targets []tufrepo.Target
	for _, p := range packages {
		custom, err := json.Marshal(manifests.Custom{
			Model: p.Model, Variant: p.Variant, Channel: p.Channel, Release: releaseName, Counter: 1, Build: p.Build,
			Effect: manifests.OptInRelease().EffectOn(p.Model),
		})
		if err != nil {
			h.t.Fatal(err)
		}
		targets = append(targets,
			tufrepo.Target{Path: tufrepo.PackagePath(role, p.Name), Length: p.Size, SHA256: p.SHA256, Custom: custom},
			tufrepo.Target{Path: tufrepo.ManifestPath(role, releaseName, p.Variant), Length: 1_000, SHA256: p.SHA256})
	}
	doc, err := tufrepo.NewRole(version, now.Add(time.Hour), targets)
	if err != nil {
		h.t.Fatal(err)
	}
	h.update(func(ctx context.Context, tx fleet.Tx) error {
		return tx.Metadata().Put(ctx, fleet.Metadata{Role: role, Version: version, Bytes: doc, Expires: now.Add(time.Hour), At: now})
	})
}

func buildOf(device string) manifests.Build {
	return manifests.Build{Fingerprint: "Xiaomi/" + device + "/" + device + ":4.3/JLS36C/JHCMIBH45.0:user/release-keys", Incremental: "JHCMIBH45.0", UTC: 1407628800}
}

func packageOf(device string) fleet.Package {
	facts, _ := json.Marshal(otapkg.Facts{Signer: &otapkg.Signer{KeySHA256: strings.Repeat("5a", 32), Subject: "CN=MIUI", Algorithm: "RSA-2048", Hash: "SHA-1", Valid: true, Pinned: true}})
	return fleet.Package{
		SHA256: fmt.Sprintf("%x", sha256.Sum256([]byte(device))), Name: "miui_" + device + "_JHCMIBH45.0_4.3.zip", Size: 412_876_544, Model: device, Variant: device,
		Channel: "stable", Family: "file", Build: buildOf(device), PreBuilds: []string{}, Facts: facts, Findings: []byte("[]"), By: "mei", At: now.Add(-97 * time.Hour),
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
func (h *house) roll(device string, edit func(*fleet.Rollout)) {
	h.t.Helper()
	r := fleet.Rollout{
		ID: releaseName + "." + strings.ToLower(device) + ".stable", Release: releaseName, Model: device, Channel: "stable",
		Salt: strings.Repeat("00", 16), Stages: fleet.DefaultStages(), State: fleet.RolloutRunning, By: "mei", // who started it; a person who gave no reason has not resumed anything
		Since: now.Add(-30 * time.Hour), Started: now.Add(-90 * time.Hour), Changed: now.Add(-30 * time.Hour),
	}
	if edit != nil {
		edit(&r)
	}
	h.update(func(ctx context.Context, tx fleet.Tx) error {
		if err := tx.Audit().Append(ctx, fleet.AuditEntry{At: r.Started, Actor: "mei", Action: "rollout.start", Subject: r.ID, Reason: "stage 1 of 4: 1 % of the fleet"}); err != nil {
			return err
		}
		if r.State == fleet.RolloutHalted || r.State == fleet.RolloutHeld {
			action := map[fleet.RolloutState]string{fleet.RolloutHalted: "rollout.halt", fleet.RolloutHeld: "rollout.hold"}[r.State]
			if err := tx.Audit().Append(ctx, fleet.AuditEntry{At: r.Changed, Actor: r.By, Action: action, Subject: r.ID, Reason: reasons.Words(r.Reason) + reasons.Words(r.Held)}); err != nil {
				return err
			}
		}
		return tx.Rollouts().Create(ctx, r)
	})
}

// count moves n installations into the figures, as intake would, without storing them.
func (h *house) count(device string, n int, class fleet.Class, before fleet.Before) {
	h.t.Helper()
	progress := report.ProgressRunning
	switch class {
	case fleet.Unpatched, fleet.Unknown:
		progress = report.ProgressKnown
	}
	h.countAs(device, n, class, before, progress)
}

func (h *house) countAs(device string, n int, class fleet.Class, before fleet.Before, progress report.Progress) {
	h.update(func(ctx context.Context, tx fleet.Tx) error {
		i := fleet.Installation{
			Release: releaseName, Current: true, Model: device, Channel: "stable", Verdict: class, Kind: storetest.KindOf(class), Before: before,
			Progress: progress,
		}
		for range n {
			if err := tx.Counts().Move(ctx, nil, &i); err != nil {
				return err
			}
		}
		return nil
	})
}

// fleetOfSeven is the picture of a Thursday: models in every standing.
func (h *house) fleetOfSeven() {
	h.publish("armani", "HM2013023", "lcsh92_wet_jb9", "dior", "pisces", "cancro", "fuxi")
	h.roll("armani", func(r *fleet.Rollout) { r.Stage, r.State = 3, fleet.RolloutFinished })
	h.roll("HM2013023", func(r *fleet.Rollout) { r.Stage = 2 })
	h.roll("lcsh92_wet_jb9", func(r *fleet.Rollout) { r.Stage = 1 })
	h.roll("dior", func(r *fleet.Rollout) { r.Stage = 2 })
	h.roll("pisces", func(r *fleet.Rollout) {
		r.State, r.By, r.Changed = fleet.RolloutHalted, "landed", now.Add(-7*time.Hour)
		r.Reason = fleet.Reason{Code: reasons.LeaksHalt, Values: map[string]string{"n": "3"}}
	})
	h.roll("cancro", func(r *fleet.Rollout) { r.Stage = 1 })
	h.roll("fuxi", nil)
	for _, c := range []struct {
		device string
		n      int
		class  fleet.Class
		before fleet.Before
	}{
		{"armani", 98_211, fleet.ConfirmedOff, fleet.BeforeActive}, {"armani", 20_140, fleet.ConfirmedOff, fleet.BeforeUnknown}, {"armani", 4_033, fleet.Consented, fleet.BeforeActive},
		{"armani", 312, fleet.RegisteredByItself, fleet.BeforeActive}, {"armani", 6_750, fleet.NotExercised, fleet.BeforeQuiet}, {"armani", 2, fleet.Contradictory, fleet.BeforeUnknown},
		{"armani", 3_901, fleet.Unpatched, fleet.BeforeActive}, {"armani", 8_417, fleet.Unknown, fleet.BeforeOff},
		{"HM2013023", 2_420, fleet.ConfirmedOff, fleet.BeforeActive}, {"HM2013023", 110, fleet.Consented, fleet.BeforeActive}, {"HM2013023", 540, fleet.NotExercised, fleet.BeforeQuiet},
		{"HM2013023", 2_870, fleet.Unpatched, fleet.BeforeActive}, {"HM2013023", 305, fleet.Unknown, fleet.BeforeQuiet},
		{"lcsh92_wet_jb9", 190, fleet.ConfirmedOff, fleet.BeforeActive}, {"lcsh92_wet_jb9", 12, fleet.Consented, fleet.BeforeActive}, {"lcsh92_wet_jb9", 1_604, fleet.Unpatched, fleet.BeforeActive},
		{"dior", 1_240, fleet.ConfirmedOff, fleet.BeforeActive}, {"dior", 322, fleet.Consented, fleet.BeforeActive}, {"dior", 40, fleet.RegisteredByItself, fleet.BeforeActive}, {"dior", 1_420, fleet.Unpatched, fleet.BeforeActive},
		{"pisces", 3, fleet.Leak, fleet.BeforeActive}, {"pisces", 4, fleet.NotExercised, fleet.BeforeActive}, {"pisces", 611, fleet.Unpatched, fleet.BeforeActive}, {"pisces", 18, fleet.Unknown, fleet.BeforeActive},
		{"cancro", 210, fleet.ConfirmedOff, fleet.BeforeOff}, {"cancro", 35, fleet.Consented, fleet.BeforeActive}, {"cancro", 402, fleet.CarriedOver, fleet.BeforeActive}, {"cancro", 5_200, fleet.Unpatched, fleet.BeforeActive},
	} {
		h.count(c.device, c.n, c.class, c.before)
	}
	h.countAs("armani", 120, fleet.Unpatched, fleet.BeforeActive, report.ProgressDownloading)
	h.countAs("HM2013023", 31, fleet.Unpatched, fleet.BeforeActive, report.ProgressFailed)
}

// handset makes an installation and its reports, judged as intake judges them.
type handset struct {
	key ed25519.PrivateKey
	ref report.Reference
}

func newHandset(n uint64) handset {
	seed := make([]byte, ed25519.SeedSize)
	binary.BigEndian.PutUint64(seed, n)
	key := ed25519.NewKeyFromSeed(seed)
	return handset{key, report.ReferenceOf(key.Public().(ed25519.PublicKey))}
}

func baseline(seq int64) report.Report {
	return report.Report{
		Schema: 1, ID: fmt.Sprintf("%032x", seq), Seq: seq, Kind: report.KindBaseline, Release: releaseName, Model: "armani", Variant: "armani", Channel: "stable",
		Build: "Xiaomi/armani/armani:4.3/JLS36C/JHCMIBF44.0:user/release-keys", BuildUTC: 1404000000, Progress: report.ProgressKnown,
		Evidence: report.Evidence{
			Migration: report.MigrationNotApplicable, State: report.StateOn, Origin: report.OriginAuto, Consent: report.ConsentNone, ConsentSurface: report.SurfaceNone, AutoGate: report.GateOpen,
			Slots: []report.Slot{{Present: true, Registered: true, By: report.RegisteredByAuto}, {By: report.RegisteredByNone}}, AttemptsSetup: 4, AttemptsBuild: 4,
			Triggers: report.Triggers{Boot: true, SIMReady: true, DataUp: true, DayPassed: true}, ObservedHours: 168, Transport: report.TransportHTTP,
		},
	}
}

func effect(seq int64, hours int) report.Report {
	r := baseline(seq)
	r.Kind, r.Progress, r.PreviousBuild = report.KindEffect, report.ProgressRunning, r.Build
	r.Build, r.BuildUTC = buildOf("armani").Fingerprint, buildOf("armani").UTC
	r.Evidence.Feature, r.Evidence.Migration, r.Evidence.State, r.Evidence.Origin, r.Evidence.AutoGate = 1, report.MigrationSwitchOff, report.StateOff, report.OriginPolicy, report.GateClosed
	r.Evidence.Slots[0] = report.Slot{Present: true, By: report.RegisteredByNone}
	r.Evidence.AttemptsBuild, r.Evidence.ObservedHours, r.Evidence.Transport = 0, hours, report.TransportNotUsed
	return r
}

func failed(seq int64, phase report.Phase, code int) report.Report {
	r := baseline(seq)
	r.Kind, r.Progress, r.Failure = report.KindProgress, report.ProgressFailed, &report.Failure{Phase: phase, Code: code}
	return r
}

// install stores reports, one a day, and the installation as its newest report leaves it.
func (h *house) install(hs handset, before fleet.Before, reports ...report.Report) {
	h.t.Helper()
	rule := verdict.Rule{Effect: manifests.OptInRelease().EffectOn("armani"), Builds: []verdict.Build{{Fingerprint: buildOf("armani").Fingerprint, Model: "armani", Variant: "armani"}}}
	first := now.Add(-time.Duration(len(reports)) * 24 * time.Hour)
	i := fleet.Installation{Ref: hs.ref, Current: true, Model: "armani", Channel: "stable", Release: releaseName, Before: before, First: first}
	h.update(func(ctx context.Context, tx fleet.Tx) error {
		for n, r := range reports {
			text, err := report.Seal(r, hs.key)
			if err != nil {
				return err
			}
			at := first.Add(time.Duration(n) * 24 * time.Hour)
			late := r.Seq < i.Seq
			if _, err := tx.Reports().Append(ctx, fleet.StoredReport{ID: r.ID, Ref: hs.ref, Seq: r.Seq, Schema: r.Schema, Release: r.Release, Envelope: text, At: at, Late: late}); err != nil {
				return err
			}
			if !late {
				i.Seq, i.Newest, i.Progress, i.Last = r.Seq, r, r.Progress, at
			}
		}
		v := verdict.Judge(now, verdict.Subject{Newest: i.Newest, Last: i.Last}, rule)
		i.Verdict, i.Kind, i.Because = v.Class, storetest.KindOf(v.Class), v.Because
		return tx.Installations().Put(ctx, i)
	})
}
