// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"landed/manifests/offers"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// forgotten is a house with a rollout of armani, and with dior, whose role nobody signed again:
// it expired an hour ago.
func forgotten(t *testing.T) (*house, fleet.Rollout) {
	h := newHouse(t)
	b := h.bundle("armani", "dior")
	role := ok(tufrepo.NewRole(1, h.now.Add(30*day), nil))(t)
	b.Files["1.dior.json"] = ok(tufrepo.Sign(role, keyOf("dior1"), keyOf("dior2")))(t)
	ok(h.ImportTrust(h.ctx, b, "admin"))(t)
	c := h.staged("armani")
	for _, n := range []string{"1", "2"} {
		ok(h.AddSignatures(h.ctx, c.ID, h.respond(c, n), "ann"))(t)
	}
	r := ok(h.StartRollout(h.ctx, Start{Release: optIn, By: "ann"}))(t)[0]
	for range 29 {
		h.now = h.now.Add(day)
		h.renew()
	}
	h.now = h.now.Add(25 * time.Hour)
	return h, r
}

func (h *house) firstRoot() []byte { return ok(h.load(h.ctx))(h.t).set.Roots[0] }

func (h *house) renew() {
	h.t.Helper()
	if err := h.Renew(h.ctx); err != nil {
		h.t.Fatal(err)
	}
}

// offer is the one offer of armani that a client of go-tuf finds in the feed.
func (h *house) offer(c *client) offers.Offer {
	h.t.Helper()
	d := ok(offers.Parse(ok(c.refresh(h.now, tufrepo.OffersPath("armani", "stable")))(h.t)[0]))(h.t)
	if len(d.Offers) != 1 {
		h.t.Fatalf("%d offers for armani, wanted one", len(d.Offers))
	}
	return d.Offers[0]
}

// A model that is forgotten stops its own handsets. Renewal, other releases and above all halts go on.
func TestAnExpiredModelStopsNobodyElse(t *testing.T) {
	h, r := forgotten(t)
	var log bytes.Buffer
	h.cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
	device := newClient(t, h.plain(), h.firstRoot())
	h.renew()
	if !strings.Contains(log.String(), `role=dior version=1`) || !strings.Contains(log.String(), "percent=100") {
		t.Errorf("nobody is told that dior expired: %s", &log)
	}
	ok(h.Halt(h.ctx, r.ID, "ann", "it burns"))(t)
	if o := h.offer(device); o.State != offers.StateHalted {
		t.Errorf("after the halt the offer is %s", o.State)
	}
	if _, err := device.refresh(h.now, tufrepo.OffersPath("dior", "stable"), "builds/dior/x.zip"); err == nil {
		t.Error("a handset of the expired model goes on")
	}
	for range 3 {
		h.now = h.now.Add(day)
		h.renew()
		h.reopen()
	}
	h.offer(device)

	role := ok(tufrepo.NewRole(2, h.now.Add(180*day), nil))(t)
	b := tufrepo.Bundle{Schema: 1, Files: map[string][]byte{"1.root.json": h.firstRoot()}}
	b.Files["2.dior.json"] = ok(tufrepo.Sign(role, keyOf("dior1"), keyOf("dior3")))(t)
	ok(h.ImportTrust(h.ctx, b, "admin"))(t)
	if faults := ok(h.Check(h.ctx, nil))(t); len(faults) > 0 {
		t.Errorf("dior was signed again: %v", faults)
	}
}

// A model is retired by a targets without its delegation. Its files stay listed in the snapshot:
// clients that have seen them would stop otherwise.
func TestRetiredModel(t *testing.T) {
	h, r := forgotten(t)
	device := newClient(t, h.plain(), h.firstRoot())
	h.renew()
	h.offer(device)
	armani := []tufrepo.ModelKeys{{Role: "armani", Builds: keysOf(2, "armani1", "armani2", "armani3"), Offers: keysOf(1, "offers")}}
	targets := ok(tufrepo.NewTargets(2, h.now.Add(180*day), armani))(t)
	b := tufrepo.Bundle{Schema: 1, Files: map[string][]byte{"1.root.json": h.firstRoot()}}
	b.Files["2.targets.json"] = ok(tufrepo.Sign(targets, keyOf("t1"), keyOf("t3")))(t)
	words := ok(h.ImportTrust(h.ctx, b, "admin"))(t)
	if !strings.Contains(strings.Join(words, " "), "Model dior is retired") {
		t.Errorf("the words are %q", words)
	}
	for range 10 { // longer than the offers role of dior lives, which nobody renews any more
		h.now = h.now.Add(day)
		h.renew()
	}
	h.reopen()
	ok(h.Halt(h.ctx, r.ID, "ann", "it burns"))(t)
	if o := h.offer(device); o.State != offers.StateHalted {
		t.Errorf("after the halt the offer is %s", o.State)
	}
	s := ok(h.load(h.ctx))(t)
	for _, role := range []string{"dior", "dior-offers"} {
		if _, listed := s.info[tufrepo.Snapshot].Files[role]; !listed {
			t.Errorf("%s is no longer listed in the snapshot", role)
		}
	}
	if faults := ok(h.Check(h.ctx, nil))(t); len(faults) > 0 {
		t.Errorf("a retired model is no fault: %v", faults)
	}
	if _, err := device.refresh(h.now, tufrepo.OffersPath("dior", "stable")); err == nil {
		t.Error("a retired model is still looked up")
	}
}

// A clock that forgot the date: what the server would sign has expired for everybody else. What is
// published stays, and the next tick with the right clock goes on.
func TestClockBeforeTheSignersSignsNothing(t *testing.T) {
	h := newHouse(t)
	h.released("armani")
	r := ok(h.StartRollout(h.ctx, Start{Release: optIn, By: "ann"}))(t)[0]
	device := newClient(t, h.plain(), h.firstRoot())
	before, now := ok(h.load(h.ctx))(t), h.now
	h.now = time.Date(1970, 1, 1, 0, 3, 0, 0, time.UTC)
	h.reopen()
	if err := h.Renew(h.ctx); err == nil || !strings.Contains(err.Error(), "set the clock") {
		t.Errorf("the tick says %v", err)
	}
	_, err := h.Halt(h.ctx, r.ID, "ann", "it burns")
	checkError(t, err, "clock_behind", "1970-01-01 00:03:00")
	if after := ok(h.load(h.ctx))(t); after.info[tufrepo.Timestamp].Version != before.info[tufrepo.Timestamp].Version {
		t.Error("a timestamp was signed in 1970")
	}
	h.now = now.Add(time.Hour)
	if o := h.offer(device); o.State != offers.StateRunning {
		t.Errorf("a handset with the right clock finds the offer %s", o.State)
	}
	h.renew()
	if o := h.offer(device); o.State != offers.StateHalted {
		t.Errorf("the halt that was asked for in 1970 is not published: %s", o.State)
	}
}
