// SPDX-License-Identifier: Apache-2.0

package rooms_test

import (
	"errors"
	"testing"
	"time"

	"landed/manifests/offers"
	"landed/server/fleet"
	"landed/server/rollouts"
	"landed/server/rooms"
	kit "landed/server/servertest"
)

func codeOf(err error) string {
	if e, ok := errors.AsType[*fleet.Error](err); ok {
		return e.Code
	}
	return ""
}

// TestNothingButHaltsUntilNamed: after a restore neither what was signed, nor a start, nor an ask is published, and neither is
// what the restored database wants wider than it was published; a halt is. It ends when somebody says what was lost.
func TestNothingButHaltsUntilNamed(t *testing.T) {
	h := kit.New(t)
	h.Begin("armani", "cancro")
	change := h.Staged("armani", "cancro")
	h.SignAndPublish(change)
	r := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, Models: []string{"armani"}, By: "ann"}))(t)[0]
	device := h.Client()
	if err := h.DB.Update(h.Ctx, func(tx fleet.Tx) error {
		wider := r
		wider.Stage++ // stored when the backup was made, and not published yet
		return errors.Join(tx.Rollouts().Save(h.Ctx, wider), tx.Audit().Append(h.Ctx, fleet.AuditEntry{At: h.Now, Actor: "landed",
			Action: fleet.ActionRestored, Subject: fleet.RestoreSubject, Reason: "restored from a.tar" + fleet.BackupWords(h.Now.Add(-2*time.Hour)) + " (sealed in it: audit 1)"}))
	}); err != nil {
		t.Fatal(err)
	}
	before := h.Offer(device)
	h.MustRenew()
	if err := h.Rollouts.PublishOffers(h.Ctx); err != nil {
		t.Fatal(err)
	}
	if now := h.Offer(device); now.Share != before.Share || now.State != before.State {
		t.Errorf("published before %+v, and now %+v", before, now)
	}
	_, started := h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, Models: []string{"cancro"}, By: "ann"})
	_, asked := rollouts.Asker{Rollouts: h.Rollouts}.Ask(h.Ctx, rollouts.Ask{By: "ann", Reason: "lost"})
	_, retried := h.Rollouts.Retry(h.Ctx, r.ID, "ann", "once more")
	for what, err := range map[string]error{"a start": started, "an ask": asked, "a retry": retried} {
		if codeOf(err) != fleet.CodeUnnamed {
			t.Errorf("%s: %v, wanted %s", what, err, fleet.CodeUnnamed)
		}
	}
	kit.OK(h.Rollouts.Halt(h.Ctx, r.ID, "ann", "it burns"))(t)
	if now := h.Offer(device); now.State != offers.StateHalted || now.Share != before.Share {
		t.Errorf("halted, the offer is %+v", now)
	}
	if now := h.Rollouts.Standing(h.Ctx, h.Rollout(r.ID)); now.State != fleet.RolloutHalted {
		t.Errorf("halted, it is said to be %s: %s", now.State, now.Missing)
	}
	_, resumed := h.Rollouts.Resume(h.Ctx, r.ID, "ann", "it does not")
	if codeOf(resumed) != fleet.CodeUnnamed {
		t.Errorf("a resume: %v", resumed)
	}

	h.Now = h.Now.Add(time.Minute)
	for name, lost := range map[string]rooms.Lost{
		"no reason": {By: "ann", Until: h.Now.Add(-time.Hour)}, "no time": {By: "ann", Reason: "it burnt"},
		"a time to come": {By: "ann", Reason: "it burnt", Until: h.Now.Add(time.Hour)}, "after it was restored": {By: "ann", Reason: "it burnt", Until: h.Now},
		"before the backup": {By: "ann", Reason: "it burnt", Until: h.Now.Add(-3 * time.Hour)},
	} {
		if line, err := h.Recovery.Name(h.Ctx, lost); !fleet.Is(err, fleet.Invalid) {
			t.Errorf("%s: %v, %v", name, line, err)
		}
	}
	line := kit.OK(h.Recovery.Name(h.Ctx, rooms.Lost{By: "ann", Reason: "it burnt", Until: h.Now.Add(-time.Hour)}))(t)
	if newest, unnamed, err := h.Recovery.Newest(h.Ctx); unnamed || err != nil || newest.Reason != line.Reason {
		t.Errorf("named, it is %+v, unnamed %v, %v", newest, unnamed, err)
	}
	kit.OK(h.Rollouts.Resume(h.Ctx, r.ID, "ann", "it does not"))(t)
	if now := h.Offer(device); now.State != offers.StateRunning || now.Share != h.Rollout(r.ID).Share() || now.Share == before.Share {
		t.Errorf("resumed, the offer is %+v", now)
	}
}

// TestNothingSignedUntilNamed: what people sign waits, and is published when somebody has said what was lost.
func TestNothingSignedUntilNamed(t *testing.T) {
	h := kit.New(t)
	h.Begin("armani", "cancro")
	change := h.Staged("armani", "cancro")
	kit.OK(h.Releases.AddSignatures(h.Ctx, change.ID, h.Respond(change, "1"), "ann"))(t)
	if err := h.DB.Update(h.Ctx, func(tx fleet.Tx) error {
		return tx.Audit().Append(h.Ctx, fleet.AuditEntry{At: h.Now, Actor: "landed", Action: fleet.ActionRestored, Subject: fleet.RestoreSubject})
	}); err != nil {
		t.Fatal(err)
	}
	state := func() fleet.ChangeState {
		var c fleet.Change
		if err := h.DB.View(h.Ctx, func(tx fleet.Tx) (err error) {
			c, err = tx.Changes().Get(h.Ctx, change.ID)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return c.State
	}
	if _, err := h.Releases.AddSignatures(h.Ctx, change.ID, h.Respond(change, "2"), "ben"); codeOf(err) != fleet.CodeUnnamed {
		t.Errorf("the second signature: %v, wanted %s", err, fleet.CodeUnnamed)
	}
	h.MustRenew()
	if got := state(); got == fleet.ChangePublished {
		t.Errorf("the change is %s", got)
	}
	kit.OK(h.Recovery.Name(h.Ctx, rooms.Lost{By: "ann", Reason: "it burnt", Until: h.Now.Add(-time.Hour)}))(t)
	h.MustRenew()
	if got := state(); got != fleet.ChangePublished {
		t.Errorf("named, the change is %s", got)
	}
}
