// SPDX-License-Identifier: Apache-2.0

package rollouts_test

import (
	"strings"
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
	for _, s := range fleet.DefaultStages(0) {
		if s.Gates.MinReports == 0 {
			t.Error("the usual stages ask for no proof any more")
		}
	}
}

// A release that was published is rolled out whatever bounds a later program draws, if it can be judged by at all.
func TestBoundsOfToday(t *testing.T) {
	h := kit.New(t)
	h.Begin("armani")
	h.SignAndPublish(h.Staged("armani"))
	become := func(source func(string) string) {
		t.Helper()
		err := h.DB.Update(h.Ctx, func(tx fleet.Tx) error {
			r := kit.OK(tx.Releases().Get(h.Ctx, kit.OptIn))(t)
			r.Source = []byte(source(string(r.Source)))
			return tx.Releases().Save(h.Ctx, r, fleet.ReleasePublished)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	whole := ""
	become(func(source string) string {
		whole = source
		return "schema: 9\n"
	})
	_, err := h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"})
	kit.CheckError(t, err, "release_unreadable", "cannot read it")
	become(func(string) string { return whole + "x-none:\n" })
	_, err = h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"})
	kit.CheckError(t, err, "release_unreadable", "x-none")
	become(func(string) string {
		i := strings.Index(whole, "notes:")
		return whole[:i] + "notes: {}\n"
	})
	kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)
}
