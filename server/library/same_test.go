// SPDX-License-Identifier: Apache-2.0

package library_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	fixtures "landed/firmware-fixtures"
	"landed/manifests/otapkg"
	"landed/server/fleet"
	"landed/server/library"
	"landed/server/rooms"
	kit "landed/server/servertest"
)

// made is the patched package of a model, changed.
func made(t *testing.T, model string, change func(*fixtures.Build)) []byte {
	t.Helper()
	b := kit.OK(fixtures.BuildOf(model, fixtures.Patched))(t)
	change(&b)
	return kit.OK(fixtures.Bytes(b, kit.OTAKey))(t)
}

func from(builds ...string) func(*fixtures.Build) {
	return func(b *fixtures.Build) { b.From = builds }
}

const (
	fuxiOne = "Xiaomi/fuxi_global/fuxi:16/BP2A.250605.031.A3/OS3.0.1.0.WMCMIXM:user/release-keys"
	fuxiTwo = "Xiaomi/fuxi_global/fuxi:16/BP2A.250605.031.A3/OS3.0.2.0.WMCMIXM:user/release-keys"
	armani1 = "Xiaomi/armani/armani:4.3/JLS36C/JHCMIBF38.0:user/release-keys"
)

// A full package and its incrementals belong together, in whatever order they come; what leads to other bytes does not.
func TestPackagesOfOneBuild(t *testing.T) {
	other := func(b *fixtures.Build) { b.Config.Migration = "ask" }
	full, inc := made(t, "fuxi", from()), made(t, "fuxi", from(fuxiOne))
	for _, c := range []struct {
		name  string
		first []byte
		then  []byte
		want  otapkg.Level // of VER-SAME; "" for none
		words string
	}{
		{"full, then incremental", full, inc, "", ""},
		{"incremental, then full", inc, full, "", ""},
		{"two incrementals", inc, made(t, "fuxi", from(fuxiTwo)), "", ""},
		{"two incrementals from one build", inc, made(t, "fuxi", func(b *fixtures.Build) { b.From = []string{fuxiTwo, fuxiOne} }),
			otapkg.Refuse, "An incremental from " + fuxiOne},
		{"a full with other content", full, made(t, "fuxi", other), otapkg.Refuse, "leads to other partitions than a.zip, uploaded by ann"},
		{"an incremental to other content", full, made(t, "fuxi", func(b *fixtures.Build) { other(b); b.From = []string{fuxiOne} }),
			otapkg.Refuse, "leads to other partitions"},
		{"file-based, full and incremental", made(t, "armani", from()), made(t, "armani", from(armani1)), otapkg.Warn, "cannot be known"},
		{"file-based, incremental and full", made(t, "armani", from(armani1)), made(t, "armani", from()), otapkg.Warn, "cannot be known"},
		{"file-based, a full with other content", made(t, "armani", from()), made(t, "armani", other), otapkg.Refuse, "another SHA-256"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := kit.New(t)
			h.Now = h.Now.AddDate(12, 0, 0)
			kit.OK(h.Library.Upload(h.Ctx, library.Incoming{Name: "a.zip", Channel: "stable", By: "ann"}, bytes.NewReader(c.first)))(t)
			_, err := h.Library.Upload(h.Ctx, library.Incoming{Name: "b.zip", Channel: "stable", By: "bo"}, bytes.NewReader(c.then))
			if refused, is := errors.AsType[*library.Refused](err); c.want == otapkg.Refuse {
				if !is || !refused.Findings.Has(otapkg.VerSame) || !strings.Contains(refused.Error(), c.words) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if found := findingsOf(h, "b.zip"); (c.want != "") != strings.Contains(found, "VER-SAME") || !strings.Contains(found, c.words) {
				t.Errorf("findings: %s", found)
			}
		})
	}
}

// Channels carry the same bytes: a version that is other bytes on another channel is warned of.
func TestOneVersionOnTwoChannels(t *testing.T) {
	other := func(b *fixtures.Build) { b.Config.Migration = "ask" }
	for _, c := range []struct {
		name        string
		first, then []byte
		words       string // "" for no warning
	}{
		{"a full with other content", made(t, "fuxi", from()), made(t, "fuxi", other), "leads to other partitions than a.zip on lab, uploaded by ann"},
		{"an incremental to the same content", made(t, "fuxi", from()), made(t, "fuxi", from(fuxiOne)), ""},
		{"file-based, other bytes", made(t, "armani", from()), made(t, "armani", other), "has other bytes than a.zip on lab"},
		{"file-based, full and incremental", made(t, "armani", from()), made(t, "armani", from(armani1)), ""},
	} {
		h := kit.New(t)
		h.Now = h.Now.AddDate(12, 0, 0)
		first := kit.OK(h.Library.Upload(h.Ctx, library.Incoming{Name: "a.zip", Channel: "lab", By: "ann"}, bytes.NewReader(c.first)))(t)
		kit.OK(h.Library.Upload(h.Ctx, library.Incoming{Name: "b.zip", Channel: "stable", By: "bo"}, bytes.NewReader(c.then)))(t)
		found := findingsOf(h, "b.zip")
		if (c.words != "") != strings.Contains(found, "VER-SAME") || !strings.Contains(found, c.words) {
			t.Errorf("%s: %s", c.name, found)
		}
		if c.words != "" && !strings.Contains(found, "otactl package promote "+first.SHA256+" --to stable") {
			t.Errorf("%s: %s", c.name, found)
		}
	}
}

// The warning of an incremental that stands alone speaks of its own build.
func TestIncrementalAlone(t *testing.T) {
	h := kit.New(t)
	h.Now = h.Now.AddDate(12, 0, 0)
	kit.OK(h.Library.Upload(h.Ctx, library.Incoming{Name: "a.zip", Channel: "stable", By: "ann"}, bytes.NewReader(made(t, "fuxi", from(fuxiOne)))))(t)
	if found := findingsOf(h, "a.zip"); !strings.Contains(found, "INC-ALONE") || !strings.Contains(found, fuxiOne) {
		t.Errorf("findings: %s", found)
	}
	kit.OK(h.Library.Upload(h.Ctx, library.Incoming{Name: "b.zip", Channel: "stable", By: "ann"}, bytes.NewReader(made(t, "fuxi", from()))))(t)
	kit.OK(h.Library.Upload(h.Ctx, library.Incoming{Name: "c.zip", Channel: "stable", By: "ann"}, bytes.NewReader(made(t, "fuxi", from(fuxiTwo)))))(t)
	if found := findingsOf(h, "c.zip"); strings.Contains(found, "INC-ALONE") {
		t.Errorf("findings: %s", found)
	}
}

// findingsOf is what was stored of a package, as it was stored.
func findingsOf(h *kit.Rooms, name string) string {
	h.T.Helper()
	var all []fleet.Package
	h.View(func(tx fleet.Tx) (err error) {
		all, err = tx.Packages().List(h.Ctx)
		return err
	})
	for _, p := range all {
		if p.Name == name {
			return string(p.Findings)
		}
	}
	h.T.Fatalf("%s is not here", name)
	return ""
}

// Packages that other tools made, of one build, in either order.
func TestCaseFullAndIncremental(t *testing.T) {
	for _, order := range [][]string{{"full.zip", "incremental.zip"}, {"incremental.zip", "full.zip"}} {
		h := kit.New(t, func(c *rooms.Config) { c.OTAKeys = func(string) ([]otapkg.Pin, error) { return nil, nil } })
		h.Now = h.Now.AddDate(12, 0, 0)
		for _, name := range order {
			body := vector(t, "07-full-and-incremental", name)
			u, err := h.Library.Upload(h.Ctx, library.Incoming{Name: name, Channel: "lab", By: "ann"}, bytes.NewReader(body))
			if err != nil || u.Known {
				t.Errorf("%q: %s: %v", order, name, err)
			}
			if found := findingsOf(h, name); strings.Contains(found, "VER-SAME") {
				t.Errorf("%q: %s: %s", order, name, found)
			}
		}
	}
}
