// SPDX-License-Identifier: Apache-2.0

package rooms_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
	"landed/manifests/offers"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/rollouts"
	kit "landed/server/servertest"
)

func TestFromUploadToOffer(t *testing.T) {
	h := kit.New(t)
	h.Begin("armani", "cancro")
	change := h.Staged("armani", "cancro")
	c := h.Client()

	p := kit.OK(h.Releases.AddSignatures(h.Ctx, change.ID, h.Respond(change, "1"), "ann"))(t)
	if got := strings.Join(p.Words(), "\n"); !strings.Contains(got, "armani: 1 of 2 signatures; keys that have not signed: "+kit.KeyOf("armani2").Key().ID()[:12]) {
		t.Errorf("progress says %q", got)
	}
	if _, err := c.Refresh(h.Now, tufrepo.ManifestPath("armani", kit.OptIn, "armani_global")); err == nil {
		t.Error("one of two signatures was enough")
	}
	p = kit.OK(h.Releases.AddSignatures(h.Ctx, change.ID, h.Respond(change, "2"), "ben"))(t)
	if p.State != fleet.ChangePublished {
		t.Fatalf("after the threshold the change is %s", p.State)
	}
	body := kit.OK(c.Refresh(h.Now, tufrepo.ManifestPath("armani", kit.OptIn, "armani_global")))(t)[0]
	m := kit.OK(manifests.ParseManifest(body))(t)
	if _, err := c.Refresh(h.Now, tufrepo.OffersPath("armani", "stable")); err == nil {
		t.Error("offered before a rollout was started")
	}

	started := kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, Models: []string{"armani"}, By: "ann"}))(t)
	bodies := kit.OK(c.Refresh(h.Now, tufrepo.OffersPath("armani", "stable"), m.Package.Path))(t)
	d := kit.OK(offers.Parse(bodies[0]))(t)
	if len(d.Offers) != 1 || d.Offers[0].Share != 100 || d.Offers[0].Salt != started[0].Salt || d.Offers[0].Package != m.Package || d.Offers[0].Custom != m.Custom(fmt.Sprintf("%x", sha256.Sum256(body))) {
		t.Errorf("offers are %+v", d)
	}
	if _, want := kit.PackageOf(t, "armani", fixtures.Patched); !bytes.Equal(bodies[1], want) {
		t.Error("the package that a client downloads is not the one that was uploaded")
	}
	kit.OK(h.Rollouts.Halt(h.Ctx, started[0].ID, "sue", "a leak was seen in Taipei"))(t)
	d = kit.OK(offers.Parse(kit.OK(c.Refresh(h.Now, tufrepo.OffersPath("armani", "stable")))(t)[0]))(t)
	if d.Offers[0].State != offers.StateHalted {
		t.Errorf("after the halt the offer is %s", d.Offers[0].State)
	}
	if faults := kit.OK(h.Repo.Check(h.Ctx, nil))(t); len(faults) > 0 {
		t.Error(faults)
	}
}
