// SPDX-License-Identifier: Apache-2.0

package offers

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"landed/manifests"
)

// TestEverybodyIsWhatEachDraws: what is offered to everybody is what handsets are offered that draw anything, and nothing is
// that one of them is not offered. Documents are made at random, by a seed.
func TestEverybodyIsWhatEachDraws(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	states := []State{StateRunning, StateHeld, StateHalted, StateFinished}
	shares := []int{0, 100, 2_500, 5_000, 10_000}
	given := 0
	for range 300 {
		d := Document{Schema: Schema, Model: "nuwa", Channel: "stable"}
		for n := random.IntN(4) + 1; n > 0; n-- {
			state, share := states[random.IntN(4)], shares[random.IntN(5)]
			if state == StateFinished {
				share = WholeFleet
			}
			for k := range random.IntN(2) + 1 {
				o := Offer{Rollout: fmt.Sprintf("r%d", n), State: state, Salt: fmt.Sprintf("%032x", n), Share: share,
					Custom: manifests.Custom{Model: "nuwa", Variant: "nuwa", Release: fmt.Sprintf("r%d", n), Counter: int64(n),
						Build: manifests.Build{Fingerprint: fmt.Sprintf("b%d", n), UTC: int64(n)}}}
				o.Package.Path = fmt.Sprintf("r%d.%d", n, k)
				if k == 0 && n > 1 {
					o.PreBuilds = []string{fmt.Sprintf("b%d", n-1)}
				}
				d.Offers = append(d.Offers, o)
			}
		}
		full, incrementals := Everybody(d, "nuwa")
		if full != nil {
			given++
		}
		for _, build := range []string{"older", "b1", "b2", "b3"} {
			offered := map[string]int{}
			const handsets = 400
			for i := range handsets {
				secret := sha256.Sum256(fmt.Append(nil, i))
				if got := Decide(d, Handset{Model: "nuwa", Variant: "nuwa", Build: build, Secret: secret[:]}); got.Offer != nil {
					offered[got.Offer.Package.Path]++
				}
			}
			for path, n := range offered {
				told := full != nil && full.Package.Path == path ||
					slices.ContainsFunc(incrementals, func(o Offer) bool { return o.Package.Path == path })
				if build == "older" && told != (n == handsets) {
					t.Fatalf("%s is offered to %d of %d that run %s, and everybody is told of it: %v\n%+v", path, n, handsets, build, told, d.Offers)
				}
			}
			if build == "older" && full != nil && offered[full.Package.Path] != handsets {
				t.Fatalf("%s is for everybody, and %d of %d are offered it", full.Package.Path, offered[full.Package.Path], handsets)
			}
			for _, o := range incrementals {
				if o.PreBuilds[0] == build && offered[o.Package.Path] != handsets {
					t.Fatalf("%s is for all that run %s, and %d of %d are offered it", o.Package.Path, build, offered[o.Package.Path], handsets)
				}
			}
		}
	}
	if given < 50 {
		t.Errorf("only %d documents offered anything to everybody", given)
	}
	nearly := Document{Model: "nuwa", Offers: []Offer{{State: StateRunning, Share: WholeFleet - 1, Custom: manifests.Custom{Variant: "nuwa",
		Build: manifests.Build{Fingerprint: "b", UTC: 1}}}}}
	if full, _ := Everybody(nearly, "nuwa"); full != nil {
		t.Error("one handset in ten thousand is left out, and everybody is told")
	}
	if full, all := Everybody(Document{Model: "nuwa", Needs: "more"}, "nuwa"); full != nil || all != nil {
		t.Error("a document that cannot be read offers something")
	}
}
