// SPDX-License-Identifier: Apache-2.0

package release_test

import (
	"bytes"
	"strings"
	"testing"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/library"
	"landed/server/release"
	"landed/server/rollouts"
	kit "landed/server/servertest"
)

// incremental uploads an incremental to the patched build of armani.
func incremental(h *kit.Rooms, name string, from ...string) fleet.Package {
	h.T.Helper()
	b := kit.OK(fixtures.BuildOf("armani", fixtures.Patched))(h.T)
	b.From = from
	body := kit.OK(fixtures.Bytes(b, kit.OTAKey))(h.T)
	return kit.OK(h.Library.Upload(h.Ctx, library.Incoming{Name: name, Channel: "stable", By: "ann"}, bytes.NewReader(body)))(h.T).Package
}

const sources = "Xiaomi/armani/armani:4.3/JLS36C/JHCMIBF3N.0:user/release-keys"

func source(n string) string { return strings.Replace(sources, "N", n, 1) }

// A release binds a full package and its incrementals: they are signed under one manifest, and offered in an order in
// which a handset on a source build comes upon its incremental first.
func TestReleaseOfFullAndIncrementals(t *testing.T) {
	h := kit.New(t)
	h.Begin("armani")
	one := incremental(h, "one.zip", source("1"))
	full := h.Upload("armani", fixtures.Patched)
	two := incremental(h, "two.zip", source("2"), source("3"))
	kit.OK(h.Releases.Create(h.Ctx, kit.ReleaseSource("1", kit.OptIn), []string{one.SHA256, full.SHA256, two.SHA256}, "ann"))(t)
	c := kit.OK(h.Releases.Stage(h.Ctx, kit.OptIn, "ann"))(t)
	req := kit.OK(tufrepo.ParseRequest(c.Request))(t)
	if len(req.Packages) != 3 || len(req.Manifests) != 3 {
		t.Errorf("%d packages and %d documents", len(req.Packages), len(req.Manifests))
	}
	h.SignAndPublish(c)
	kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)
	d := h.Offers(h.Client(), "armani")
	if len(d.Offers) != 3 || len(d.Offers[2].PreBuilds) != 0 || d.Offers[2].Package.SHA256 != full.SHA256 {
		t.Fatalf("offers: %+v", d.Offers)
	}
	for _, o := range d.Offers {
		text := req.Manifests[o.Manifest.Path]
		if m, err := manifests.ParseManifest(text); err != nil || m.Package.SHA256 != full.SHA256 || o.Custom != d.Offers[2].Custom {
			t.Errorf("%s stands under %+v, %v", o.Package.Path, m.Package, err)
		}
	}
}

func TestPackagesThatDoNotGoTogether(t *testing.T) {
	h := kit.New(t)
	one := incremental(h, "one.zip", source("1"))
	_, err := h.Releases.Create(h.Ctx, kit.ReleaseSource("1", "alone"), []string{one.SHA256}, "ann")
	kit.CheckError(t, err, "release_packages", "INC-ALONE")
	full := h.Upload("armani", fixtures.Patched)
	_, err = h.Releases.Create(h.Ctx, kit.ReleaseSource("1", "twice"), []string{one.SHA256, one.SHA256, full.SHA256}, "ann")
	kit.CheckError(t, err, "release_packages", "both start from one build")
}

// What phones cannot be told of at once is not released, for it would be offered to nobody.
func TestMorePackagesThanOffers(t *testing.T) {
	for _, tt := range []struct {
		fulls, incrementals int
		want                string
	}{
		{1, 7, ""},
		{8, 0, ""},
		{1, 8, "armani on stable: the release has 9 packages (1 full, 8 incremental), and phones can be told of 8 at once; leave out 1 of the incrementals"},
		{1, 12, "leave out 5 of the incrementals"},
		{9, 2, "leave out every incremental and 1 of the full packages"},
	} {
		var bound []fleet.Package
		for i := range tt.fulls + tt.incrementals {
			p := fleet.Package{Model: "armani", Channel: "stable"}
			if i >= tt.fulls {
				p.PreBuilds = []string{"x"}
			}
			other := p
			other.Model = "dior"
			bound = append(bound, p)
			if i < 4 {
				bound = append(bound, other)
			}
		}
		faults := release.RoomFaults(bound)
		if len(faults) != min(len(tt.want), 1) || len(faults) == 1 && !strings.Contains(faults[0].Error(), tt.want) {
			t.Errorf("%d full, %d incremental: %v", tt.fulls, tt.incrementals, faults)
		}
	}

	h := kit.New(t)
	refs := []string{h.Upload("armani", fixtures.Patched).SHA256}
	for _, n := range strings.Split("12345678", "") {
		refs = append(refs, incremental(h, n+".zip", source(n)).SHA256)
	}
	_, err := h.Releases.Create(h.Ctx, kit.ReleaseSource("1", kit.OptIn), refs, "ann")
	kit.CheckError(t, err, "release_packages", "phones can be told of 8 at once")
	kit.OK(h.Releases.Create(h.Ctx, kit.ReleaseSource("1", kit.OptIn), refs[:8], "ann"))(t)
}
