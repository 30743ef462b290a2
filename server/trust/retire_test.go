// SPDX-License-Identifier: Apache-2.0

package trust_test

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"

	fixtures "landed/firmware-fixtures"
	"landed/manifests/offers"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/rollouts"
	kit "landed/server/servertest"
)

// delegating is the next targets, which delegates to these models and no others.
func delegating(h *kit.Rooms, models ...string) tufrepo.Bundle {
	h.T.Helper()
	version := h.State().Version(tufrepo.Targets) + 1
	doc := kit.OK(tufrepo.NewTargets(version, h.Now.Add(180*kit.Day), kit.ModelKeys(models...)))(h.T)
	b := tufrepo.Bundle{Schema: 1, Files: map[string][]byte{"1.root.json": h.FirstRoot()}}
	b.Files[tufrepo.MetadataFile(tufrepo.Targets, version)] = kit.OK(tufrepo.Sign(doc, kit.KeyOf("t1"), kit.KeyOf("t3")))(h.T)
	return b
}

// rolledOut is a house with a release that goes to armani and dior.
func rolledOut(t *testing.T) (*kit.Rooms, map[string]fleet.Rollout) {
	t.Helper()
	h := kit.New(t)
	h.Released("armani", "dior")
	found := map[string]fleet.Rollout{}
	for _, r := range kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t) {
		found[r.Model] = r
	}
	return h, found
}

// A model is not retired over the head of a rollout that is on its way.
func TestRetireWantsRolloutsHalted(t *testing.T) {
	h, started := rolledOut(t)
	dior := started["dior"]
	_, err := h.Trust.Import(h.Ctx, delegating(h, "armani"), "admin")
	kit.CheckError(t, err, "retires_offered", dior.ID+" (running)")
	if strings.Contains(err.Error(), "armani") {
		t.Errorf("armani stays, and is named: %v", err)
	}
	kit.OK(h.Rollouts.Halt(h.Ctx, dior.ID, "ann", "the Redmi Note 4G gets no more updates"))(t)
	kit.OK(h.Trust.Import(h.Ctx, delegating(h, "armani"), "admin"))(t)

	var log bytes.Buffer
	h.LogTo(&log, slog.LevelWarn)
	for range 40 {
		h.Now = h.Now.Add(kit.Day)
		h.MustRenew()
	}
	if log.Len() > 0 {
		t.Errorf("the ticks after it say:\n%s", &log)
	}
	_, err = h.Rollouts.Resume(h.Ctx, dior.ID, "ann", "try it")
	kit.CheckError(t, err, "build_unlisted", "dior is retired")
	_, err = h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, Models: []string{"dior"}, By: "ann"})
	kit.CheckError(t, err, "build_unlisted", "dior is retired")
	expires := kit.OK(h.Repo.Expiring(h.Ctx))(t)
	for role := range expires {
		if strings.HasPrefix(role, "dior") {
			t.Errorf("%s, which nobody renews, is listed as expiring", role)
		}
	}
	if expires["armani"].IsZero() || expires[tufrepo.Targets].IsZero() {
		t.Errorf("roles that count are not listed: %v", expires)
	}
}

// A rollout that went to the whole fleet is done: it stays what it was.
func TestRetireAfterTheRolloutFinished(t *testing.T) {
	h, started := rolledOut(t)
	id := started["dior"].ID
	if err := h.DB.Update(h.Ctx, func(tx fleet.Tx) error {
		r, err := tx.Rollouts().Get(h.Ctx, id)
		if err != nil {
			return err
		}
		r.State = fleet.RolloutFinished
		return tx.Rollouts().Save(h.Ctx, r)
	}); err != nil {
		t.Fatal(err)
	}
	kit.OK(h.Trust.Import(h.Ctx, delegating(h, "armani"), "admin"))(t)
	h.MustRenew()
	if r := h.Rollout(id); r.State != fleet.RolloutFinished {
		t.Errorf("the rollout is %s: %s", r.State, r.Held)
	}
}

// A request of before the retirement can be completed no more, and can be dropped.
func TestRetireWithAnOpenChange(t *testing.T) {
	h := kit.New(t)
	h.Begin("armani", "dior")
	c := h.Staged("armani", "dior")
	kit.OK(h.Releases.AddSignatures(h.Ctx, c.ID, h.Respond(c, "1"), "ann"))(t)
	kit.OK(h.Trust.Import(h.Ctx, delegating(h, "armani"), "admin"))(t)
	_, err := h.Releases.AddSignatures(h.Ctx, c.ID, h.Respond(c, "2"), "bo")
	kit.CheckError(t, err, "change_stale", "dior is retired")
	progress := kit.OK(h.Releases.Progress(h.Ctx, c.ID))(t) // so that it can be listed
	if words := strings.Join(progress.Words(), "\n"); progress.State == fleet.ChangePublished || !strings.Contains(words, "armani: 1 of 2") ||
		!strings.Contains(words, "dior: nobody may sign for it any more") {
		t.Errorf("the progress is %q", words)
	}
	h.MustRenew()
	if err := h.Releases.DropChange(h.Ctx, c.ID, "ann", "dior is retired"); err != nil {
		t.Fatal(err)
	}
	_, err = h.Releases.Stage(h.Ctx, kit.OptIn, "ann")
	kit.CheckError(t, err, "model_untrusted", "dior is retired, and nobody signs for it")
}

// A model that was retired comes back above its last version, with nothing offered, and gets a new
// release. A handset that slept all the while goes on.
func TestRetiredModelComesBack(t *testing.T) {
	h, started := rolledOut(t)
	dior := started["dior"]
	device := h.Client()
	kit.OK(device.Refresh(h.Now, tufrepo.OffersPath("dior", "stable")))(t)
	kit.OK(h.Rollouts.Halt(h.Ctx, dior.ID, "ann", "the Redmi Note 4G gets no more updates"))(t)
	kit.OK(h.Trust.Import(h.Ctx, delegating(h, "armani"), "admin"))(t)
	for range 20 {
		h.Now = h.Now.Add(kit.Day)
		h.MustRenew()
	}

	_, err := h.Trust.Import(h.Ctx, h.AddRole(delegating(h, "armani", "dior"), "dior", 1), "admin")
	kit.CheckError(t, err, "role_differs", "dior was retired with version 2, which handsets have seen, and would come back with version 1")
	_, err = h.Trust.Import(h.Ctx, delegating(h, "armani", "dior"), "admin")
	kit.CheckError(t, err, "role_differs", "otasign refresh")
	words := kit.OK(h.Trust.Import(h.Ctx, h.AddRole(delegating(h, "armani", "dior"), "dior", 3), "admin"))(t)
	if !slices.ContainsFunc(words, func(w string) bool { return strings.Contains(w, "Model dior is added") }) {
		t.Errorf("the words are %q", words)
	}
	var log bytes.Buffer
	h.LogTo(&log, slog.LevelWarn)
	for range 3 {
		h.Now = h.Now.Add(kit.Day)
		h.MustRenew()
	}
	if log.Len() > 0 {
		t.Errorf("the ticks after it say:\n%s", &log)
	}
	d := kit.OK(offers.Parse(kit.OK(device.Refresh(h.Now, tufrepo.OffersPath("dior", "stable")))(t)[0]))(t)
	if len(d.Offers) != 0 {
		t.Errorf("the rollout of before is offered: %+v", d.Offers)
	}
	later := h.Upload("dior", fixtures.Bad)
	kit.OK(h.Releases.Create(h.Ctx, kit.ReleaseSource("2", "next"), []string{later.SHA256}, "ann"))(t)
	c := kit.OK(h.Releases.Stage(h.Ctx, "next", "ann"))(t)
	h.SignAndPublish(c)
	kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: "next", By: "ann"}))(t)
	d = kit.OK(offers.Parse(kit.OK(device.Refresh(h.Now, tufrepo.OffersPath("dior", "stable")))(t)[0]))(t)
	if len(d.Offers) != 1 || d.Offers[0].State != offers.StateRunning {
		t.Errorf("the new release is offered as %+v", d.Offers)
	}
	if faults := kit.OK(h.Repo.Check(h.Ctx, nil))(t); len(faults) > 0 {
		t.Error(faults)
	}
}
