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

// TestEverybodyIsWhatTheLastTakes: there is something for everybody if and only if no handset is left with nothing, whatever it
// draws; and it is what the one takes that is let in last. The others take it too, or what is newer. Documents are made at
// random, by a seed.
func TestEverybodyIsWhatTheLastTakes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	states := []State{StateRunning, StateHeld, StateHalted, StateFinished}
	shares := []int{0, 100, 2_500, 5_000, 10_000}
	given := 0
	for range 120 {
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
			last, without := -1, 0 // the last offer in the list that one of them takes; how many take none
			for i := range 200 {
				secret := sha256.Sum256(fmt.Append(nil, i))
				got := Decide(d, Handset{Model: "nuwa", Variant: "nuwa", Build: build, Secret: secret[:]}).Offer
				if got == nil {
					without++
					continue
				}
				last = max(last, slices.IndexFunc(d.Offers, func(o Offer) bool { return o.Package == got.Package }))
			}
			switch {
			case build == "older" && (full != nil) != (without == 0):
				t.Fatalf("%d of 200 are offered nothing, and %v is for everybody\n%+v", without, full, d.Offers)
			case build == "older" && full != nil && d.Offers[last].Package != full.Package:
				t.Fatalf("who is let in last takes %s, and %s is for everybody\n%+v", d.Offers[last].Package.Path, full.Package.Path, d.Offers)
			}
			for _, o := range incrementals {
				if o.PreBuilds[0] == build && (without > 0 || d.Offers[last].Package != o.Package) {
					t.Fatalf("%s is for all that run %s, and who is let in last takes another\n%+v", o.Package.Path, build, d.Offers)
				}
			}
		}
	}
	if given < 30 {
		t.Errorf("only %d documents offered anything to everybody", given)
	}
	nearly := Document{Model: "nuwa", Offers: []Offer{{Rollout: "r", State: StateRunning, Share: WholeFleet - 1, Custom: manifests.Custom{Variant: "nuwa",
		Build: manifests.Build{Fingerprint: "b", UTC: 1}}}}}
	if full, _ := Everybody(nearly, "nuwa"); full != nil {
		t.Error("one handset in ten thousand is left out, and everybody is told")
	}
	if full, all := Everybody(Document{Model: "nuwa", Needs: "more"}, "nuwa"); full != nil || all != nil {
		t.Error("a document that cannot be read offers something")
	}
}
