// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"landed/manifests"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// delegate publishes a targets for these roles, and a file of each that had none.
func (h *fixture) delegate(version int64, roles ...string) {
	h.t.Helper()
	key := func(n uint64) tufrepo.RoleKeys {
		k, err := tufrepo.NewKey(newHandset(n).key.Public())
		if err != nil {
			h.t.Fatal(err)
		}
		return tufrepo.RoleKeys{Keys: []tufrepo.Key{k}, Threshold: 1}
	}
	var models []tufrepo.ModelKeys
	for _, role := range roles {
		models = append(models, tufrepo.ModelKeys{Role: role, Builds: key(101), Offers: key(102)})
	}
	put := func(ctx context.Context, tx fleet.Tx, role string, doc []byte, err error) error {
		if err != nil {
			return err
		}
		return tx.Metadata().Put(ctx, fleet.Metadata{Role: role, Version: version, Bytes: doc, Expires: now.Add(time.Hour), At: now})
	}
	h.update(func(ctx context.Context, tx fleet.Tx) error {
		doc, err := tufrepo.NewTargets(version, now.Add(time.Hour), models)
		if err := put(ctx, tx, tufrepo.Targets, doc, err); err != nil {
			return err
		}
		for _, role := range roles {
			if _, err := tx.Metadata().Latest(ctx, role); !fleet.Is(err, fleet.NotFound) {
				continue
			}
			doc, err := tufrepo.NewRole(version, now.Add(time.Hour), nil)
			if err := put(ctx, tx, role, doc, err); err != nil {
				return err
			}
		}
		return nil
	})
}

// A model that was given up is shown as that, with what is known of its handsets, until it comes back.
func TestRetiredModel(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani", "dior")
	h.roll("armani", nil)
	h.roll("dior", func(r *fleet.Rollout) {
		r.State, r.By, r.Reason = fleet.RolloutHalted, "mei", fleet.Said("the maker ended its support")
	})
	hs := newHandset(1)
	h.install(hs, beforeActive, baseline(1))
	h.count("dior", 3, leak, beforeActive)
	h.delegate(1, "armani", "dior")

	models := func() map[string]Model {
		var v Status
		if err := json.Unmarshal(h.get("/status.json").Body.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		found := map[string]Model{}
		for _, m := range v.Models {
			found[m.Model] = m
		}
		return found
	}
	if m := models(); m["dior"].Standing != Halted || m["cancro"].Standing != "" {
		t.Errorf("before: %v", m)
	}
	h.delegate(2, "armani")
	m := models()
	if m["dior"].Standing != Retired || m["dior"].Installations != 3 || m["armani"].Standing == Retired {
		t.Errorf("after: dior %s with %d installations, armani %s", m["dior"].Standing, m["dior"].Installations, m["armani"].Standing)
	}
	for _, want := range []string{"gets no more updates from here", "the maker ended its support", "3 handsets of this model still show the opposite"} {
		if !strings.Contains(m["dior"].Say, want) {
			t.Errorf("%q is not said: %s", want, m["dior"].Say)
		}
	}
	for _, page := range []string{"/", "/models/dior"} {
		body := h.get(page).Body.String()
		if !strings.Contains(body, "No more updates") || len(missing(body)) > 0 {
			t.Errorf("%s does not say that the model is retired, or lacks words %v", page, missing(body))
		}
	}
	h.delegate(3, "dior")
	var v InstallationPage
	if err := json.Unmarshal(h.get("/installations/"+hs.ref.String()+".json").Body.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	if v.Offer.Reason != "model_retired" || !strings.Contains(v.Offer.Words, "no more updates") {
		t.Errorf("%s is told %+v", v.Model, v.Offer)
	}
	if got := models()["dior"].Standing; got != Halted {
		t.Errorf("a model that came back is %s", got)
	}
	if got := models()["pisces"].Standing; got != "" {
		t.Errorf("pisces, which was never brought in, is %s", got)
	}
}
