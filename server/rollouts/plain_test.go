// SPDX-License-Identifier: Apache-2.0

package rollouts_test

import (
	"testing"

	fixtures "landed/firmware-fixtures"
	"landed/server/fleet"
	"landed/server/rollouts"
	kit "landed/server/servertest"
)

// A release that claims nothing is never proven: no gate of its rollout may wait for that.
func TestPlainRelease(t *testing.T) {
	h := kit.New(t)
	h.Begin("armani")
	pkg := h.Upload("armani", fixtures.Patched)
	source := []byte("schema: 2\nrelease: plain\ncounter: 3\nnotes: {en: The camera starts faster.}\n")
	kit.OK(h.Releases.Create(h.Ctx, source, []string{pkg.SHA256}, "ann"))(t)
	h.SignAndPublish(kit.OK(h.Releases.Stage(h.Ctx, "plain", "ann"))(t))
	proof := []fleet.Stage{{Share: 10_000, Gates: fleet.Gates{MinReports: 5}}}
	_, err := h.Rollouts.Start(h.Ctx, rollouts.Start{Release: "plain", Stages: proof, By: "ann"})
	kit.CheckError(t, err, "stages", "claims no effect")
	r := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: "plain", By: "ann"}))(t)[0]
	for n, s := range r.Stages {
		if s.Gates.MinReports != 0 || s.Gates.MinProven != 0 || s.Soak == 0 {
			t.Errorf("stage %d waits for %+v", n+1, s)
		}
	}
	for _, s := range fleet.DefaultStages() {
		if s.Gates.MinReports == 0 {
			t.Error("the usual stages ask for no proof any more")
		}
	}
}
