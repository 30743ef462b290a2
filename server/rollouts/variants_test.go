// SPDX-License-Identifier: Apache-2.0

package rollouts_test

import (
	"bytes"
	"testing"

	fixtures "landed/firmware-fixtures"
	"landed/manifests/offers"
	"landed/server/fleet"
	"landed/server/library"
	"landed/server/rollouts"
	kit "landed/server/servertest"
)

// One rollout of a release with a package for each image variant: the feed offers both, and a handset of each takes its own.
func TestTheFeedOffersEveryVariant(t *testing.T) {
	h := kit.New(t)
	h.Begin("armani")
	global := h.Upload("armani", fixtures.Patched)
	b := kit.OK(fixtures.BuildOf("armani", fixtures.Patched))(t)
	b.Variant, b.ROMName = "armani", "HM1SWC"
	body := kit.OK(fixtures.Bytes(b, kit.OTAKey))(t)
	in := library.Incoming{Name: b.FileName("0123456789"), Channel: "stable", By: "ann"}
	china := kit.OK(h.Library.Upload(h.Ctx, in, bytes.NewReader(body)))(t)
	if global.Variant != "armani_global" || china.Variant != "armani" {
		t.Fatalf("uploaded for %s and %s", global.Variant, china.Variant)
	}
	refs := []string{global.SHA256, china.SHA256}
	kit.OK(h.Releases.Create(h.Ctx, kit.ReleaseSource("1", kit.OptIn), refs, "ann"))(t)
	h.SignAndPublish(kit.OK(h.Releases.Stage(h.Ctx, kit.OptIn, "ann"))(t))
	kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann", Stages: []fleet.Stage{{Share: 10_000}}}))(t)
	d := h.Offers(h.Client(), "armani")
	for _, pkg := range []fleet.Package{global, china.Package} {
		handset := offers.Handset{Model: "armani", Variant: pkg.Variant, Build: "older", Secret: []byte("0123456789abcdef")}
		if got := offers.Decide(d, handset); got.Reason != offers.ReasonOffered || got.Offer.Package.SHA256 != pkg.SHA256 {
			t.Errorf("%s decides %s", pkg.Variant, got.Reason)
		}
	}
}
