// SPDX-License-Identifier: Apache-2.0

package rollouts_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"landed/manifests/offers"
	"landed/server/fleet"
	"landed/server/rollouts"
	kit "landed/server/servertest"
)

// TestAsk has the epoch of a model be in its offers at once and stay there whatever they say later, rise once a day or
// when a person insists, and be on the trail with its reason. Other models are left alone.
func TestAsk(t *testing.T) {
	h := kit.New(t)
	h.Released("armani", "cancro")
	started := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)
	device := h.Client()
	ask := func(want rollouts.AskState, wish rollouts.Ask) int {
		t.Helper()
		wish.By, wish.Reason = "mei", "the disk was lost"
		all := kit.OK(rollouts.Asker{Rollouts: h.Rollouts}.Ask(h.Ctx, wish))(t)
		if len(all) != 1 || all[0].State != want {
			t.Fatalf("asked %+v: %+v, wanted one that is %s", wish, all, want)
		}
		return all[0].N
	}
	offered := func(what string, want int) {
		t.Helper()
		if got := h.Offers(device, "armani").Epoch; got != want {
			t.Errorf("%s: armani is asked by %d, wanted %d", what, got, want)
		}
		if got := h.Offers(device, "cancro").Epoch; got != 0 {
			t.Errorf("%s: cancro, which nobody asked, by %d", what, got)
		}
	}
	offered("before", 0)
	first := ask(rollouts.Asked, rollouts.Ask{Model: "armani", Channel: "stable"})
	if first < 1 {
		t.Fatalf("asked by %d", first)
	}
	offered("at once", first)
	h.Now = h.Now.Add(fleet.AskedEvery - time.Second)
	if n := ask(rollouts.AskedAlready, rollouts.Ask{Model: "armani"}); n != first {
		t.Errorf("asked already by %d, wanted %d", n, first)
	}
	offered("within a day", first)
	second := ask(rollouts.Asked, rollouts.Ask{Model: "armani", Again: true})
	if second <= first {
		t.Errorf("again: %d after %d", second, first)
	}
	offered("again", second)
	kit.OK(h.Rollouts.Halt(h.Ctx, started[0].ID, "ann", "bricks handsets"))(t)
	h.Reopen()
	h.MustRenew()
	offered("after a halt and a start", second)
	h.Now = h.Now.Add(fleet.AskedEvery)
	offered("the next day", second)
	if third := ask(rollouts.Asked, rollouts.Ask{Model: "armani"}); third <= second {
		t.Errorf("the next day: %d after %d", third, second)
	}
	h.View(func(tx fleet.Tx) error {
		lines, err := tx.Audit().OfSubject(h.Ctx, "armani.stable", 9)
		if len(lines) != 3 || lines[0].Action != rollouts.ActionAsk || lines[0].Actor != "mei" ||
			!strings.HasSuffix(lines[0].Reason, ": the disk was lost") {
			t.Errorf("the trail has %+v, wanted three asks", lines)
		}
		return err
	})
}

// TestAskAll asks every model that something was offered to, in one go, and says so where there is none.
func TestAskAll(t *testing.T) {
	h := kit.New(t)
	h.Released("armani", "cancro")
	wish := rollouts.Ask{By: "mei", Reason: "the disk was lost"}
	none := kit.OK(rollouts.Asker{Rollouts: h.Rollouts}.Ask(h.Ctx, wish))(t)
	if len(none) != 1 || none[0].State != rollouts.NoOffers || none[0].N != 0 {
		t.Errorf("before a rollout: %+v", none)
	}
	kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)
	all := kit.OK(rollouts.Asker{Rollouts: h.Rollouts}.Ask(h.Ctx, wish))(t)
	if len(all) != 2 || all[0].Model != "armani" || all[1].Model != "cancro" {
		t.Errorf("asked %+v", all)
	}
	wish.Channel = "beta"
	if some := kit.OK(rollouts.Asker{Rollouts: h.Rollouts}.Ask(h.Ctx, wish))(t); len(some) != 1 || some[0].State != rollouts.NoOffers {
		t.Errorf("on a channel without rollouts: %+v", some)
	}
}

func TestAskRefuses(t *testing.T) {
	h := kit.New(t)
	h.Released("armani")
	kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)
	for code, wish := range map[string]rollouts.Ask{
		"reason_missing":  {Model: "armani", Reason: " \t"},
		"model_unknown":   {Model: "none", Reason: "lost"},
		"channel_unknown": {Channel: "none", Reason: "lost"},
	} {
		_, err := rollouts.Asker{Rollouts: h.Rollouts}.Ask(h.Ctx, wish)
		kit.CheckError(t, err, code, "")
	}
	h.Update(func(tx fleet.Tx) error {
		return tx.Epochs().Put(context.Background(), fleet.Epoch{Model: "armani", Channel: "stable", N: offers.MaxEpoch})
	})
	_, err := rollouts.Asker{Rollouts: h.Rollouts}.Ask(h.Ctx, rollouts.Ask{Model: "armani", Reason: "lost"})
	kit.CheckError(t, err, "epochs_used_up", "armani on stable")
}
