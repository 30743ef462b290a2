// SPDX-License-Identifier: Apache-2.0

package ceremony

import (
	"testing"
	"time"

	"landed/manifests/tufrepo"
	"landed/signer/keys"
)

var testNow = time.Date(2014, 8, 12, 8, 0, 0, 0, time.UTC)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// org is a ceremony in memory.
type org struct {
	online []*keys.Key // snapshot, timestamp, offers
	root   []*keys.Key
	tops   []*keys.Key // of targets
	builds []*keys.Key
	set    tufrepo.Set
	now    time.Time
}

func newOrg(t *testing.T, models ...string) *org {
	t.Helper()
	h := &org{now: testNow}
	for _, use := range []string{tufrepo.Snapshot, tufrepo.Timestamp, Offers} {
		h.online = append(h.online, must(keys.New(keys.Ed25519, "server", use)))
	}
	bundle, made, err := Init(InitParams{
		Now: h.now, Online: tufrepo.OnlineKeys{Schema: 1, Snapshot: h.online[0].Key(), Timestamp: h.online[1].Key(), Offers: h.online[2].Key()},
		Names: []string{"ann", "bo", "cy", "di", "ed"}, Root: Quorum{3, 5}, Targets: Quorum{2, 3}, Algorithm: keys.Ed25519, Life: DefaultLife(),
	})
	if err != nil {
		t.Fatal(err)
	}
	h.set, h.root, h.tops = must(bundle.Set()), made[:5], made[5:]
	if len(models) > 0 {
		r, made, err := AddModels(AddModelsParams{Now: h.now, Trusted: h.set, Models: models, Offers: h.online[2].Key(),
			Names: []string{"ann", "bo", "cy"}, Quorum: Quorum{2, 3}, Algorithm: keys.P256, Life: DefaultLife()})
		if err != nil {
			t.Fatal(err)
		}
		h.builds = made
		h.apply(t, r, h.tops[0], h.tops[2], made[0], made[1])
	}
	return h
}

// apply signs a change with the keys and takes it over, as the server would.
func (h *org) apply(t *testing.T, r tufrepo.Request, by ...*keys.Key) {
	t.Helper()
	var answers []tufrepo.Response
	for _, k := range by {
		answers = append(answers, must(Sign(r, h.now, SigningKey{Signer: k, Ledger: NewLedger()})))
	}
	bundle, progress, err := Assemble(r, h.now, answers...)
	if err != nil || len(bundle.Files) == 0 {
		t.Fatalf("change %q is not complete: %v, error %v", r.Title, progress, err)
	}
	h.set = must(bundle.Set())
}

func TestInitAndAddModels(t *testing.T) {
	h := newOrg(t, "armani", "dior")
	if err := h.set.CheckOffline(h.now); err != nil {
		t.Fatal(err)
	}
	info := must(tufrepo.Read(h.set.Files[tufrepo.Targets]))
	if len(info.Models) != 2 || info.Models[1].Role != "dior" || info.Models[1].Builds.Threshold != 2 {
		t.Errorf("targets delegates to %+v", info.Models)
	}
}
