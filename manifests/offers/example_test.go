// SPDX-License-Identifier: Apache-2.0

package offers_test

import (
	"fmt"

	"landed/manifests"
	"landed/manifests/offers"
)

// A rollout has reached a tenth of the fleet. Each handset decides by itself, from the document that is the same for
// all and from a secret that never leaves it.
func ExampleDecide() {
	doc := offers.Document{Schema: offers.Schema, Model: "armani", Channel: "stable", Offers: []offers.Offer{{
		Rollout: "opt-in.armani.stable", State: offers.StateRunning, Salt: "000102030405060708090a0b0c0d0e0f",
		Stage: 1, Share: 1_000,
		Package: manifests.Package{Path: "builds/armani/JHCMIBH46.0.zip", Length: 49_388},
		Custom: manifests.Custom{Schema: 2, Model: "armani", Variant: "armani_global", Channel: "stable", Release: "opt-in", Counter: 1,
			Build: manifests.Build{Fingerprint: "Xiaomi/armani/…/JHCMIBH46.0", UTC: 1_407_582_000}},
	}}}
	handset := offers.Handset{Model: "armani", Variant: "armani_global", Build: "Xiaomi/armani/…/JHCMIBF38.0",
		UTC: 1_404_817_200, Secret: []byte("0123456789abcdef")}

	d := offers.Decide(doc, handset)
	fmt.Println(d.Reason)
	fmt.Println(d.Words())

	doc.Offers[0].Share = offers.WholeFleet
	d = offers.Decide(doc, handset)
	fmt.Println(d.Reason, d.Offer.Package.Path)

	// Output:
	// not_in_stage_yet
	// Not yet: this handset drew 8358 of 10,000, and the rollout has reached 1000.
	// offered builds/armani/JHCMIBH46.0.zip
}
