// SPDX-License-Identifier: Apache-2.0

package repo_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"landed/manifests/offers"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/repo"
	"landed/server/rollouts"
	kit "landed/server/servertest"
)

// forgotten is a house with a rollout of armani, and with dior, whose role nobody signed again:
// it expired an hour ago.
func forgotten(t *testing.T) (*kit.Rooms, fleet.Rollout) {
	h := kit.New(t)
	b := h.Bundle("armani", "dior")
	role := kit.OK(tufrepo.NewRole(1, h.Now.Add(30*kit.Day), nil))(t)
	b.Files["1.dior.json"] = kit.OK(tufrepo.Sign(role, kit.KeyOf("dior1"), kit.KeyOf("dior2")))(t)
	kit.OK(h.Trust.Import(h.Ctx, b, "admin"))(t)
	c := h.Staged("armani")
	h.SignAndPublish(c)
	r := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)[0]
	for range 29 {
		h.Now = h.Now.Add(kit.Day)
		h.MustRenew()
	}
	h.Now = h.Now.Add(25 * time.Hour)
	return h, r
}

// A model that is forgotten stops its own handsets. Renewal, other releases and above all halts go on.
func TestAnExpiredModelStopsNobodyElse(t *testing.T) {
	h, r := forgotten(t)
	var log bytes.Buffer
	h.LogTo(&log, slog.LevelInfo)
	device := h.Client()
	h.MustRenew()
	if !strings.Contains(log.String(), `role=dior version=1`) || !strings.Contains(log.String(), "percent=100") {
		t.Errorf("nobody is told that dior expired: %s", &log)
	}
	kit.OK(h.Rollouts.Halt(h.Ctx, r.ID, "ann", "it burns"))(t)
	if o := h.Offer(device); o.State != offers.StateHalted {
		t.Errorf("after the halt the offer is %s", o.State)
	}
	if _, err := device.Refresh(h.Now, tufrepo.OffersPath("dior", "stable"), "builds/dior/x.zip"); err == nil {
		t.Error("a handset of the expired model goes on")
	}
	for range 3 {
		h.Now = h.Now.Add(kit.Day)
		h.MustRenew()
		h.Reopen()
	}
	h.Offer(device)

	role := kit.OK(tufrepo.NewRole(2, h.Now.Add(180*kit.Day), nil))(t)
	b := tufrepo.Bundle{Schema: 1, Files: map[string][]byte{"1.root.json": h.FirstRoot()}}
	b.Files["2.dior.json"] = kit.OK(tufrepo.Sign(role, kit.KeyOf("dior1"), kit.KeyOf("dior3")))(t)
	kit.OK(h.Trust.Import(h.Ctx, b, "admin"))(t)
	if faults := kit.OK(h.Repo.Check(h.Ctx, nil))(t); len(faults) > 0 {
		t.Errorf("dior was signed again: %v", faults)
	}
}

// A model is retired by a targets without its delegation. Its files stay listed in the snapshot:
// clients that have seen them would stop otherwise.
func TestRetiredModel(t *testing.T) {
	h, r := forgotten(t)
	device := h.Client()
	h.MustRenew()
	h.Offer(device)
	targets := kit.OK(tufrepo.NewTargets(2, h.Now.Add(180*kit.Day), kit.ModelKeys("armani")))(t)
	b := tufrepo.Bundle{Schema: 1, Files: map[string][]byte{"1.root.json": h.FirstRoot()}}
	b.Files["2.targets.json"] = kit.OK(tufrepo.Sign(targets, kit.KeyOf("t1"), kit.KeyOf("t3")))(t)
	words := kit.OK(h.Trust.Import(h.Ctx, b, "admin"))(t)
	if !strings.Contains(strings.Join(words, " "), "Model dior is retired") {
		t.Errorf("the words are %q", words)
	}
	for range 10 { // longer than the offers role of dior lives, which nobody renews any more
		h.Now = h.Now.Add(kit.Day)
		h.MustRenew()
	}
	h.Reopen()
	kit.OK(h.Rollouts.Halt(h.Ctx, r.ID, "ann", "it burns"))(t)
	if o := h.Offer(device); o.State != offers.StateHalted {
		t.Errorf("after the halt the offer is %s", o.State)
	}
	s := h.State()
	for _, role := range []string{"dior", "dior-offers"} {
		if _, listed := s.Info(tufrepo.Snapshot).Files[role]; !listed {
			t.Errorf("%s is no longer listed in the snapshot", role)
		}
	}
	if faults := kit.OK(h.Repo.Check(h.Ctx, nil))(t); len(faults) > 0 {
		t.Errorf("a retired model is no fault: %v", faults)
	}
	if _, err := device.Refresh(h.Now, tufrepo.OffersPath("dior", "stable")); err == nil {
		t.Error("a retired model is still looked up")
	}
}

// A clock that forgot the date: what the server would sign has expired for everybody else. What is
// published stays, and the next tick with the right clock goes on.
func TestClockBeforeTheSignersSignsNothing(t *testing.T) {
	h := kit.New(t)
	h.Released("armani")
	r := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)[0]
	device := h.Client()
	before, now := h.State(), h.Now
	h.Now = time.Date(1970, 1, 1, 0, 3, 0, 0, time.UTC)
	h.Reopen()
	if err := h.Renew(h.Ctx); err == nil || !strings.Contains(err.Error(), "set the clock") {
		t.Errorf("the tick says %v", err)
	}
	_, err := h.Rollouts.Halt(h.Ctx, r.ID, "ann", "it burns")
	kit.CheckError(t, err, repo.NotPublished, "1970-01-01 00:03:00")
	if after := h.State(); after.Version(tufrepo.Timestamp) != before.Version(tufrepo.Timestamp) {
		t.Error("a timestamp was signed in 1970")
	}
	h.Now = now.Add(time.Hour)
	if o := h.Offer(device); o.State != offers.StateRunning {
		t.Errorf("a handset with the right clock finds the offer %s", o.State)
	}
	h.MustRenew()
	if o := h.Offer(device); o.State != offers.StateHalted {
		t.Errorf("the halt that was asked for in 1970 is not published: %s", o.State)
	}
}
