// SPDX-License-Identifier: Apache-2.0

package support

import (
	"encoding/json"
	"testing"

	"landed/manifests"
	"landed/server/fleet"
)

// A release has one package per image variant, and one rollout offers them all: the answer to "why
// not me?" is that of the document which the handsets read.
func TestEveryVariantOfARolloutIsOffered(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publishPackages(packageOf("armani"), variantOf("armani", "armani_global"))
	h.roll("armani", func(r *fleet.Rollout) { r.Stage = len(r.Stages) - 1 })
	for n, variant := range []string{"armani", "armani_global"} {
		t.Run(variant, func(t *testing.T) {
			hs, r := newHandset(uint64(n+1)), baseline(1)
			r.Variant = variant
			h.install(hs, beforeActive, r)
			if got := h.offerTo(hs); got.Reason != "offered" || got.Share != 10_000 {
				t.Errorf("is told %+v", got)
			}
		})
	}
}

// What the offline role of the model does not list is offered to nobody, and the page does not say otherwise.
func TestPrunedBuildsAreNotOffered(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	h.roll("armani", func(r *fleet.Rollout) { r.Stage = len(r.Stages) - 1 })
	hs := newHandset(1)
	h.install(hs, beforeActive, baseline(1))
	if got := h.offerTo(hs); got.Reason != "offered" {
		t.Errorf("listed: is told %+v", got)
	}
	h.list("armani", 2)
	if got := h.offerTo(hs); got.Reason != "nothing_offered" {
		t.Errorf("pruned: is told %+v", got)
	}
}

func (h *fixture) offerTo(hs handset) Offer {
	h.t.Helper()
	var v InstallationPage
	if err := json.Unmarshal(h.get("/installations/"+hs.ref.String()+".json").Body.Bytes(), &v); err != nil {
		h.t.Fatal(err)
	}
	return v.Offer
}
