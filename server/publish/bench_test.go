// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"landed/manifests"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// BenchmarkPublish is the last signature on a change of one model, in a feed of 200 models
// with 20 builds each: count, check the whole client workflow, store, write. The bar is 1 s.
func BenchmarkPublish(b *testing.B) {
	h := newHouse(b)
	var models []manifests.Model
	bundle := tufrepo.Bundle{Schema: 1, Files: map[string][]byte{}}
	var roles []string
	var yaml strings.Builder
	yaml.WriteString("schema: 1\nmodels:\n")
	for i := range 200 {
		role := fmt.Sprintf("model%03d", i)
		roles = append(roles, role)
		fmt.Fprintf(&yaml, "  - {device: %s, variants: [%s], profile: {family: file}}\n", role, role)
	}
	h.Publisher.cfg.Catalogue = ok(manifests.ParseCatalogue([]byte(yaml.String())))(b)
	models = h.Publisher.cfg.Catalogue.Models()
	bundle = h.bundle(roles...)
	for _, m := range models {
		doc := ok(tufrepo.NewRole(1, h.now.Add(180*day), h.builds(m, 20)))(b)
		bundle.Files["1."+m.Role()+".json"] = ok(tufrepo.Sign(doc, keyOf(m.Role()+"1"), keyOf(m.Role()+"2")))(b)
	}
	start := time.Now()
	ok(h.ImportTrust(h.ctx, bundle, "admin"))(b)
	b.Logf("importing 200 models with 20 builds each took %s", time.Since(start))
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		s := ok(h.load(h.ctx))(b)
		model := models[i%len(models)]
		role := model.Role()
		doc := ok(tufrepo.NewRole(s.info[role].Version+1, h.now.Add(180*day), h.builds(model, 20)))(b)
		doc = ok(tufrepo.Sign(doc, keyOf(role+"1")))(b)
		c := ok(h.request(s, fleet.Release{}, staged{roles: map[string][]byte{role: doc}}))(b)
		if err := h.db.Update(h.ctx, func(tx fleet.Tx) error { return tx.Changes().Create(h.ctx, c) }); err != nil {
			b.Fatal(err)
		}
		last := ok(tufrepo.SignDetached(doc, role, keyOf(role+"2")))(b)
		b.StartTimer()
		p := ok(h.AddSignatures(h.ctx, c.ID, tufrepo.Response{Schema: 1, Request: c.ID, Signatures: []tufrepo.Signature{last}}, "ann"))(b)
		if p.State != fleet.ChangePublished {
			b.Fatal(p)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/publish")
}

// builds are n small packages of a model with their manifests, stored.
func (h *house) builds(m manifests.Model, n int) []tufrepo.Target {
	var targets []tufrepo.Target
	for i := range n {
		custom := manifests.Custom{Model: m.Device, Variant: m.Device, Channel: "stable", Release: fmt.Sprintf("release-%d", i), Counter: int64(i + 1),
			Build:  manifests.Build{Fingerprint: fmt.Sprintf("a/%s/%s:4.3/x/%d:user/release-keys", m.Device, m.Device, i), Incremental: fmt.Sprint(i), UTC: 1408000000 + int64(i)},
			Effect: manifests.Effect{Name: manifests.EffectCloudMessagingOptIn, Feature: 1, Migration: manifests.MigrationLeave, PromptDay: "2014-08-01"}}
		for _, path := range []string{tufrepo.PackagePath(m.Role(), fmt.Sprintf("b%d", i)), tufrepo.ManifestPath(m.Role(), custom.Release, m.Device)} {
			body := []byte("the same few bytes") // one content for all: its links are what counts
			t := ok(h.keep(h.ctx, path, body))(h.t)
			if strings.HasSuffix(path, ".zip") {
				t.Custom = ok(json.Marshal(custom))(h.t)
			}
			targets = append(targets, t)
		}
	}
	return targets
}
