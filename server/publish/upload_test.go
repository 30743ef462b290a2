// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/manifests/otapkg"
	"landed/server/fleet"
)

// nothingStored wants no package, no audit line and no content beyond what was there.
func (h *house) contents() (n int) {
	h.t.Helper()
	for _, err := range h.blobs.List(h.ctx) {
		if err != nil {
			h.t.Fatal(err)
		}
		n++
	}
	err := h.db.View(h.ctx, func(tx fleet.Tx) error {
		packages, err := tx.Packages().List(h.ctx)
		n += len(packages)
		entries, err2 := tx.Audit().List(h.ctx, 0, 500)
		n += len(entries)
		return errors.Join(err, err2)
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}

// Attacks 26 and 27: whatever is refused leaves nothing behind.
func TestHostilePackagesAreRefused(t *testing.T) {
	h := newHouse(t)
	cases := fixtures.Hostile()
	if len(cases) < 20 {
		t.Fatalf("only %d hostile packages", len(cases))
	}
	for _, c := range cases {
		var body bytes.Buffer
		if err := c.Write(&body, otaKey); err != nil {
			t.Fatal(err)
		}
		name := c.File
		if name == "" || !strings.HasSuffix(name, ".zip") {
			name = "update.zip"
		}
		before := h.contents()
		_, err := h.Upload(h.ctx, Incoming{Name: name, Channel: "stable", By: "mallory"}, &body)
		refused, isRefused := errors.AsType[*Refused](err)
		switch {
		case err == nil: // what only warns is taken
			continue
		case !isRefused:
			t.Errorf("%s: %v; wanted findings", c.Name, err)
			continue
		case h.contents() != before:
			t.Errorf("%s was refused but left something behind", c.Name)
		}
		for _, want := range c.Want {
			if !refused.Findings.Has(otapkg.Code(want)) {
				t.Errorf("%s: %s is not among %v", c.Name, want, refused.Findings.Codes())
			}
		}
	}
}

func TestUploadIsHeldAgainstWhatIsHere(t *testing.T) {
	h := newHouse(t)
	pkg := h.upload("armani", fixtures.Patched)
	if pkg.Variant != "armani_global" || pkg.Build.Incremental != "JHCMIBH46.0" {
		t.Errorf("package is %+v", pkg)
	}
	if ab := h.upload("fuxi", fixtures.Patched); ab.Variant != "fuxi_global" {
		t.Errorf("the A/B package is for %s", ab.Variant)
	}
	if again := h.upload("armani", fixtures.Patched); again.SHA256 != pkg.SHA256 {
		t.Error("the same bytes again are another package")
	}
	send := func(change func(*fixtures.Build)) error {
		b := ok(fixtures.BuildOf("armani", fixtures.Patched))(t)
		change(&b)
		body := ok(fixtures.Bytes(b, otaKey))(t)
		_, err := h.Upload(h.ctx, Incoming{Name: "other.zip", Channel: "stable", By: "ann"}, bytes.NewReader(body))
		return err
	}
	for _, tc := range []struct {
		name   string
		change func(*fixtures.Build)
		want   otapkg.Code
	}{
		{"a known version with other bytes", func(b *fixtures.Build) { b.Config.Migration = "ask" }, otapkg.VerSame},
		{"older than what is here", func(b *fixtures.Build) {
			b.UTC -= 3600
			b.Incremental = "JHCMIBH45.0"
			b.Fingerprint = strings.Replace(b.Fingerprint, "H46", "H45", 1)
		}, otapkg.VerOld},
	} {
		before := h.contents()
		refused, isRefused := errors.AsType[*Refused](send(tc.change))
		if !isRefused || !refused.Findings.Has(tc.want) {
			t.Errorf("%s: got %+v, wanted %s", tc.name, refused, tc.want)
		}
		if h.contents() != before {
			t.Errorf("%s: something was stored", tc.name)
		}
	}
}

// A build from before the patch must not be offered any more once a patched one is published.
func TestGoingBackBeforeThePatchIsRefused(t *testing.T) {
	h := newHouse(t)
	h.released("armani")
	name, body := packageOf(t, "armani", fixtures.Unpatched)
	_, err := h.Upload(h.ctx, Incoming{Name: name, Channel: "beta", By: "ann"}, bytes.NewReader(body))
	refused, isRefused := errors.AsType[*Refused](err)
	if !isRefused || !refused.Findings.Has(otapkg.DownUnpatch) {
		t.Errorf("got %v", err)
	}
}

func TestUploadsThatDoNotArriveWhole(t *testing.T) {
	h := newHouse(t)
	name, body := packageOf(t, "armani", fixtures.Patched)
	for _, tc := range []struct {
		name, code string
		in         Incoming
		r          io.Reader
	}{
		{"broken off", "truncated", Incoming{Name: name, Channel: "stable"}, io.MultiReader(bytes.NewReader(body[:1000]), iotest.ErrReader(io.ErrUnexpectedEOF))},
		{"shorter than said", "truncated", Incoming{Name: name, Channel: "stable", Size: int64(len(body)) + 1}, bytes.NewReader(body)},
		{"a path for a name", "file_name", Incoming{Name: "../x.zip", Channel: "stable"}, bytes.NewReader(body)},
		{"a NUL in the name", "file_name", Incoming{Name: "a\x00.zip", Channel: "stable"}, bytes.NewReader(body)},
		{"a name of 300", "file_name", Incoming{Name: strings.Repeat("a", 300) + ".zip", Channel: "stable"}, bytes.NewReader(body)},
		{"no such channel", "channel", Incoming{Name: name, Channel: "nightly"}, bytes.NewReader(body)},
	} {
		_, err := h.Upload(h.ctx, tc.in, tc.r)
		if e, isFleet := errors.AsType[*fleet.Error](err); !isFleet || e.Code != tc.code {
			t.Errorf("%s: got %v, wanted %s", tc.name, err, tc.code)
		}
		if n := h.contents(); n != 0 {
			t.Errorf("%s: %d things were stored", tc.name, n)
		}
	}
}

func TestReleaseFaultsComeTogether(t *testing.T) {
	h := newHouse(t)
	armani := h.upload("armani", fixtures.Patched)
	late := bytes.Replace(releaseSource("1", "late"), []byte("2014-08-01"), []byte("2014-08-15"), 1)
	_, err := h.CreateRelease(h.ctx, late, []string{armani.SHA256, armani.SHA256}, "ann")
	checkError(t, err, "release_packages", "DOWN-UNPATCH")
	checkError(t, err, "release_packages", "one package per model and variant")
	_, err = h.CreateRelease(h.ctx, releaseSource("0", "Bad Name"), nil, "ann")
	checkError(t, err, "release_source", "counter is 0")
	_, err = h.CreateRelease(h.ctx, releaseSource("1", optIn), []string{strings.Repeat("a", 64)}, "ann")
	checkError(t, err, "package_missing", "upload it first")
	ok(h.CreateRelease(h.ctx, releaseSource("7", optIn), []string{armani.SHA256}, "ann"))(t)
	_, err = h.CreateRelease(h.ctx, releaseSource("7", "again"), []string{armani.SHA256}, "ann")
	checkError(t, err, "release_packages", "a counter grows with each release")
}

func TestRenewal(t *testing.T) {
	h := newHouse(t)
	h.trust("armani")
	version := func(role string) int64 { return ok(h.load(h.ctx))(t).info[role].Version }
	type versions struct{ timestamp, snapshot, offers int64 }
	now := func() versions { return versions{version("timestamp"), version("snapshot"), version("armani-offers")} }
	for _, step := range []struct {
		after time.Duration
		want  versions
	}{
		{0, versions{1, 1, 1}},
		{3 * time.Hour, versions{1, 1, 1}},
		{time.Hour, versions{2, 1, 1}},
		{4 * time.Hour, versions{3, 1, 1}},
		{16 * time.Hour, versions{4, 2, 2}},
		{0, versions{4, 2, 2}},
	} {
		h.now = h.now.Add(step.after)
		if err := h.Renew(h.ctx); err != nil {
			t.Fatal(err)
		}
		if got := now(); got != step.want {
			t.Errorf("after %s more: %+v, wanted %+v", step.after, got, step.want)
		}
	}
}

// Asking for offers again and again must cost nothing while nothing changed.
func TestUnchangedOffersPublishNothing(t *testing.T) {
	h := newHouse(t)
	h.released("armani")
	ok(h.StartRollout(h.ctx, Start{Release: optIn, By: "ann"}))(t)
	before, contents := ok(h.load(h.ctx))(t), h.contents()
	for range 3 {
		if err := h.Offers(h.ctx); err != nil {
			t.Fatal(err)
		}
	}
	if after := ok(h.load(h.ctx))(t); after.info["timestamp"].Version != before.info["timestamp"].Version || h.contents() != contents {
		t.Error("something was published or stored")
	}
}
