// SPDX-License-Identifier: Apache-2.0

package release_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"landed/manifests"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/rooms"
	kit "landed/server/servertest"
)

// BenchmarkPublish is the last signature on a change of one model, in a feed of 200 models
// with 20 builds each: count, check the whole client workflow, store, write. The bar is 1 s.
func BenchmarkPublish(b *testing.B) {
	var models []manifests.Model
	bundle := tufrepo.Bundle{Schema: 1, Files: map[string][]byte{}}
	var roles []string
	var yaml strings.Builder
	yaml.WriteString("schema: 1\nmodels:\n")
	large := 200
	if testing.Short() { // to see that it works
		large = 5
	}
	for i := range large {
		role := fmt.Sprintf("model%03d", i)
		roles = append(roles, role)
		fmt.Fprintf(&yaml, "  - {device: %s, variants: [%s], profile: {family: file}}\n", role, role)
	}
	catalogue := kit.OK(manifests.ParseCatalogue([]byte(yaml.String())))(b)
	models = catalogue.Models()
	h := kit.New(b, func(c *rooms.Config) { c.Catalogue = catalogue })
	bundle = h.Bundle(roles...)
	for _, m := range models {
		doc := kit.OK(tufrepo.NewRole(1, h.Now.Add(180*kit.Day), builds(h, m, 20)))(b)
		bundle.Files["1."+m.Role()+".json"] = kit.OK(tufrepo.Sign(doc, kit.KeyOf(m.Role()+"1"), kit.KeyOf(m.Role()+"2")))(b)
	}
	start := time.Now()
	kit.OK(h.Trust.Import(h.Ctx, bundle, "admin"))(b)
	b.Logf("importing %d models with 20 builds each took %s", large, time.Since(start))
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		s := h.State()
		model := models[i%len(models)]
		role := model.Role()
		doc := kit.OK(tufrepo.NewRole(s.Version(role)+1, h.Now.Add(180*kit.Day), builds(h, model, 20)))(b)
		doc = kit.OK(tufrepo.Sign(doc, kit.KeyOf(role+"1")))(b)
		c := kit.OK(h.Releases.RequestOf(s, role, doc))(b)
		if err := h.DB.Update(h.Ctx, func(tx fleet.Tx) error { return tx.Changes().Create(h.Ctx, c) }); err != nil {
			b.Fatal(err)
		}
		last := kit.OK(tufrepo.SignDetached(doc, role, kit.KeyOf(role+"2")))(b)
		b.StartTimer()
		p := kit.OK(h.Releases.AddSignatures(h.Ctx, c.ID, tufrepo.Response{Schema: 1, Request: c.ID, Signatures: []tufrepo.Signature{last}},
			"ann"))(b)
		if p.State != fleet.ChangePublished {
			b.Fatal(p)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/publish")
}

// builds are n small packages of a model with their manifests, stored.
func builds(h *kit.Rooms, m manifests.Model, n int) []tufrepo.Target {
	var targets []tufrepo.Target
	for i := range n {
		custom := manifests.Custom{Model: m.Device, Variant: m.Device, Channel: "stable", Release: fmt.Sprintf("release-%d", i),
			Counter: int64(i + 1),
			Build: manifests.Build{Fingerprint: fmt.Sprintf("a/%s/%s:4.3/x/%d:user/release-keys", m.Device, m.Device, i),
				Incremental: fmt.Sprint(i), UTC: 1408000000 + int64(i)},
			Schema: manifests.CustomSchema, Effect: "cloud-messaging-opt-in", Manifest: strings.Repeat("ab", 32)}
		for _, path := range []string{tufrepo.PackagePath(m.Role(), fmt.Sprintf("b%d", i)), tufrepo.ManifestPath(m.Role(),
			custom.Release, m.Device)} {
			body := []byte("the same few bytes") // one content for all: its links are what counts
			t := kit.OK(h.Repo.Keep(h.Ctx, path, body))(h.T)
			if strings.HasSuffix(path, ".zip") {
				t.Custom = kit.OK(json.Marshal(custom))(h.T)
			}
			targets = append(targets, t)
		}
	}
	return targets
}
