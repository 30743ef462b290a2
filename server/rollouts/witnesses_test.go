// SPDX-License-Identifier: Apache-2.0

package rollouts_test

import (
	"testing"

	"landed/manifests/effect"
	"landed/manifests/evidence"
	"landed/manifests/report"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/reasons"
	"landed/server/rollouts"
	kit "landed/server/servertest"
)

// TestWitnessHaltsItsOwnModel: at once, and whoever resumes overrules it for that rollout.
func TestWitnessHaltsItsOwnModel(t *testing.T) {
	h := kit.New(t)
	h.Released("armani", "dior")
	kit.NameOutsiders(h, []string{"armani", "dior"}, tufrepo.OutsiderKeys{Role: tufrepo.Witnesses, Who: kit.KeysOf(1, "lab")})
	ids := map[string]string{}
	for _, r := range kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t) {
		ids[r.Model] = r.ID
	}
	beta := h.Rollout(ids["armani"])
	beta.ID, beta.Channel = kit.OptIn+".armani.beta", "beta"
	ids["armani on beta"] = beta.ID
	h.Update(func(tx fleet.Tx) error { return tx.Rollouts().Create(h.Ctx, beta) })
	ref := report.Reference("0123456789ABCDEFGHJKMNPQ")
	v := kit.Voucher(h, ref, "armani")
	text, _ := kit.SealStatement(t, "lab", evidence.Said{Voucher: &v})
	if _, _, err := h.Evidence.Add(h.Ctx, text, "ann"); err != nil {
		t.Fatal(err)
	}
	kit.UpdateReports(h, func(tx fleet.Tx) error {
		return tx.Installations().Put(h.Ctx, fleet.Installation{Ref: ref, Release: kit.OptIn, Current: true, Model: "armani",
			Channel: "stable", Verdict: "leak", Kind: effect.Bad, Leaked: true, Progress: report.ProgressRunning, Before: effect.NotSeen,
			First: h.Now, Last: h.Now, Seq: 1, Reports: 1})
	})
	advance := func(model string, want fleet.RolloutState) fleet.Rollout {
		t.Helper()
		kit.OK(h.Ledger.Advance(h.Ctx, ids[model]))(t)
		r := h.Rollout(ids[model])
		if r.State != want {
			t.Errorf("%s is %s (%s), wanted %s", model, r.State, reasons.Words(r.Reason), want)
		}
		return r
	}
	if r := advance("armani", fleet.RolloutHalted); r.Reason.Code != reasons.WitnessHalt {
		t.Errorf("halted for %v", r.Reason)
	}
	advance("armani on beta", fleet.RolloutHalted) // it is the same build
	advance("dior", fleet.RolloutRunning)
	kit.OK(h.Rollouts.Resume(h.Ctx, ids["armani"], "ann", "the lab mixed up its phones"))(t)
	advance("armani", fleet.RolloutRunning)
	h.View(func(tx fleet.Tx) error {
		refs, err := tx.Statements().Suspended(h.Ctx, ids["armani"])
		if len(refs) != 1 || refs[0] != string(ref) {
			t.Errorf("suspended are %v", refs)
		}
		lines, fault := tx.Audit().OfSubject(h.Ctx, ids["armani"], 2)
		if fault == nil && lines[0].Action != rollouts.ActionSuspend && lines[1].Action != rollouts.ActionSuspend {
			t.Errorf("the audit trail has %+v", lines)
		}
		return err
	})
}
