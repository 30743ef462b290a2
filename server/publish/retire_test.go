// SPDX-License-Identifier: Apache-2.0

package publish

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
)

// delegating is the next targets, which delegates to these models and no others.
func (h *house) delegating(models ...string) tufrepo.Bundle {
	h.t.Helper()
	var list []tufrepo.ModelKeys
	for _, m := range models {
		list = append(list, tufrepo.ModelKeys{Role: m, Builds: keysOf(2, m+"1", m+"2", m+"3"), Offers: keysOf(1, "offers")})
	}
	version := ok(h.load(h.ctx))(h.t).info[tufrepo.Targets].Version + 1
	doc := ok(tufrepo.NewTargets(version, h.now.Add(180*day), list))(h.t)
	b := tufrepo.Bundle{Schema: 1, Files: map[string][]byte{"1.root.json": h.firstRoot()}}
	b.Files[tufrepo.MetadataFile(tufrepo.Targets, version)] = ok(tufrepo.Sign(doc, keyOf("t1"), keyOf("t3")))(h.t)
	return b
}

// emptyRole is a version of a model without builds.
func (h *house) emptyRole(b tufrepo.Bundle, model string, version int64) tufrepo.Bundle {
	h.t.Helper()
	role := ok(tufrepo.NewRole(version, h.now.Add(180*day), nil))(h.t)
	b.Files[tufrepo.MetadataFile(model, version)] = ok(tufrepo.Sign(role, keyOf(model+"1"), keyOf(model+"2")))(h.t)
	return b
}

// rolledOut is a house with a release that goes to armani and dior.
func rolledOut(t *testing.T) (*house, map[string]fleet.Rollout) {
	t.Helper()
	h := newHouse(t)
	h.released("armani", "dior")
	found := map[string]fleet.Rollout{}
	for _, r := range ok(h.StartRollout(h.ctx, Start{Release: optIn, By: "ann"}))(t) {
		found[r.Model] = r
	}
	return h, found
}

// A model is not retired over the head of a rollout that is on its way.
func TestRetireWantsRolloutsHalted(t *testing.T) {
	h, rollouts := rolledOut(t)
	dior := rollouts["dior"]
	_, err := h.ImportTrust(h.ctx, h.delegating("armani"), "admin")
	checkError(t, err, "retires_offered", dior.ID+" (running)")
	if strings.Contains(err.Error(), "armani") {
		t.Errorf("armani stays, and is named: %v", err)
	}
	ok(h.Halt(h.ctx, dior.ID, "ann", "the Redmi Note 4G gets no more updates"))(t)
	ok(h.ImportTrust(h.ctx, h.delegating("armani"), "admin"))(t)

	var log bytes.Buffer
	h.cfg.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	for range 40 {
		h.now = h.now.Add(day)
		h.renew()
	}
	if log.Len() > 0 {
		t.Errorf("the ticks after it say:\n%s", &log)
	}
	_, err = h.Resume(h.ctx, dior.ID, "ann", "try it")
	checkError(t, err, "build_unlisted", "dior is retired")
	_, err = h.StartRollout(h.ctx, Start{Release: optIn, Models: []string{"dior"}, By: "ann"})
	checkError(t, err, "build_unlisted", "dior is retired")
	expires := ok(h.Expiring(h.ctx))(t)
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
	h, rollouts := rolledOut(t)
	id := rollouts["dior"].ID
	if err := h.db.Update(h.ctx, func(tx fleet.Tx) error {
		r, err := tx.Rollouts().Get(h.ctx, id)
		if err != nil {
			return err
		}
		r.State = fleet.RolloutFinished
		return tx.Rollouts().Save(h.ctx, r)
	}); err != nil {
		t.Fatal(err)
	}
	ok(h.ImportTrust(h.ctx, h.delegating("armani"), "admin"))(t)
	h.renew()
	if r := h.rollout(id); r.State != fleet.RolloutFinished {
		t.Errorf("the rollout is %s: %v", r.State, r.Held)
	}
}

// A request of before the retirement can be completed no more, and can be dropped.
func TestRetireWithAnOpenChange(t *testing.T) {
	h := newHouse(t)
	h.trust("armani", "dior")
	c := h.staged("armani", "dior")
	ok(h.AddSignatures(h.ctx, c.ID, h.respond(c, "1"), "ann"))(t)
	ok(h.ImportTrust(h.ctx, h.delegating("armani"), "admin"))(t)
	_, err := h.AddSignatures(h.ctx, c.ID, h.respond(c, "2"), "bo")
	checkError(t, err, "change_stale", "dior is retired")
	progress := ok(h.Progress(h.ctx, c.ID))(t) // so that it can be listed
	if words := strings.Join(progress.Words(), "\n"); progress.done() || !strings.Contains(words, "armani: 1 of 2") || !strings.Contains(words, "dior: nobody may sign for it any more") {
		t.Errorf("the progress is %q", words)
	}
	h.renew()
	if err := h.Drop(h.ctx, c.ID, "ann", "dior is retired"); err != nil {
		t.Fatal(err)
	}
	_, err = h.Stage(h.ctx, optIn, "ann")
	checkError(t, err, "model_untrusted", "dior is retired, and nobody signs for it")
}

// A model that was retired comes back above its last version, with nothing offered, and gets a new
// release. A handset that slept all the while goes on.
func TestRetiredModelComesBack(t *testing.T) {
	h, rollouts := rolledOut(t)
	dior := rollouts["dior"]
	device := newClient(t, h.plain(), h.firstRoot())
	ok(device.refresh(h.now, tufrepo.OffersPath("dior", "stable")))(t)
	ok(h.Halt(h.ctx, dior.ID, "ann", "the Redmi Note 4G gets no more updates"))(t)
	ok(h.ImportTrust(h.ctx, h.delegating("armani"), "admin"))(t)
	for range 20 {
		h.now = h.now.Add(day)
		h.renew()
	}

	_, err := h.ImportTrust(h.ctx, h.emptyRole(h.delegating("armani", "dior"), "dior", 1), "admin")
	checkError(t, err, "role_differs", "dior was retired with version 2, which handsets have seen, and would come back with version 1")
	_, err = h.ImportTrust(h.ctx, h.delegating("armani", "dior"), "admin")
	checkError(t, err, "role_differs", "otasign refresh")
	words := ok(h.ImportTrust(h.ctx, h.emptyRole(h.delegating("armani", "dior"), "dior", 3), "admin"))(t)
	if !slices.ContainsFunc(words, func(w string) bool { return strings.Contains(w, "Model dior is added") }) {
		t.Errorf("the words are %q", words)
	}
	var log bytes.Buffer
	h.cfg.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	for range 3 {
		h.now = h.now.Add(day)
		h.renew()
	}
	if log.Len() > 0 {
		t.Errorf("the ticks after it say:\n%s", &log)
	}
	d := ok(offers.Parse(ok(device.refresh(h.now, tufrepo.OffersPath("dior", "stable")))(t)[0]))(t)
	if len(d.Offers) != 0 {
		t.Errorf("the rollout of before is offered: %+v", d.Offers)
	}
	later := h.upload("dior", fixtures.Bad)
	ok(h.CreateRelease(h.ctx, releaseSource("2", "next"), []string{later.SHA256}, "ann"))(t)
	c := ok(h.Stage(h.ctx, "next", "ann"))(t)
	for _, n := range []string{"1", "2"} {
		ok(h.AddSignatures(h.ctx, c.ID, h.respond(c, n), "ann"))(t)
	}
	ok(h.StartRollout(h.ctx, Start{Release: "next", By: "ann"}))(t)
	d = ok(offers.Parse(ok(device.refresh(h.now, tufrepo.OffersPath("dior", "stable")))(t)[0]))(t)
	if len(d.Offers) != 1 || d.Offers[0].State != offers.StateRunning {
		t.Errorf("the new release is offered as %+v", d.Offers)
	}
	if faults := ok(h.Check(h.ctx, nil))(t); len(faults) > 0 {
		t.Error(faults)
	}
}
