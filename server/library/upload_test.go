// SPDX-License-Identifier: Apache-2.0

package library_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	fixtures "landed/firmware-fixtures"
	"landed/manifests/otapkg"
	"landed/server/fleet"
	"landed/server/library"
	"landed/server/rooms"
	kit "landed/server/servertest"
)

// Attacks 26 and 27: whatever is refused leaves nothing behind.
func TestHostilePackagesAreRefused(t *testing.T) {
	h := kit.New(t)
	cases := fixtures.Hostile()
	if len(cases) < 20 {
		t.Fatalf("only %d hostile packages", len(cases))
	}
	for _, c := range cases {
		var body bytes.Buffer
		if err := c.Write(&body, kit.OTAKey); err != nil {
			t.Fatal(err)
		}
		name := c.File
		if name == "" || !strings.HasSuffix(name, ".zip") {
			name = "update.zip"
		}
		before := h.Contents()
		_, err := h.Library.Upload(h.Ctx, library.Incoming{Name: name, Channel: "stable", By: "mallory"}, &body)
		refused, isRefused := errors.AsType[*library.Refused](err)
		switch {
		case err == nil: // what only warns is taken
			continue
		case !isRefused:
			t.Errorf("%s: %v; wanted findings", c.Name, err)
			continue
		case h.Contents() != before:
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
	h := kit.New(t)
	pkg := h.Upload("armani", fixtures.Patched)
	if pkg.Variant != "armani_global" || pkg.Build.Incremental != "JHCMIBH46.0" {
		t.Errorf("package is %+v", pkg)
	}
	h.Now = h.Now.AddDate(12, 0, 0)
	if ab := h.Upload("fuxi", fixtures.Patched); ab.Variant != "fuxi_global" {
		t.Errorf("the A/B package is for %s", ab.Variant)
	}
	if again := h.Upload("armani", fixtures.Patched); again.SHA256 != pkg.SHA256 {
		t.Error("the same bytes again are another package")
	}
	send := func(change func(*fixtures.Build)) error {
		b := kit.OK(fixtures.BuildOf("armani", fixtures.Patched))(t)
		change(&b)
		body := kit.OK(fixtures.Bytes(b, kit.OTAKey))(t)
		_, err := h.Library.Upload(h.Ctx, library.Incoming{Name: "other.zip", Channel: "stable", By: "ann"}, bytes.NewReader(body))
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
		{"another build of the same second", func(b *fixtures.Build) {
			b.Incremental = "JHCMIBH47.0"
			b.Fingerprint = strings.Replace(b.Fingerprint, "H46", "H47", 1)
		}, otapkg.VerOld},
	} {
		before := h.Contents()
		refused, isRefused := errors.AsType[*library.Refused](send(tc.change))
		if !isRefused || !refused.Findings.Has(tc.want) {
			t.Errorf("%s: got %+v, wanted %s", tc.name, refused, tc.want)
		}
		if h.Contents() != before {
			t.Errorf("%s: something was stored", tc.name)
		}
	}
}

// A build from before the patch must not be offered any more once a patched one is published.
func TestGoingBackBeforeThePatchIsRefused(t *testing.T) {
	h := kit.New(t)
	h.Released("armani")
	name, body := kit.PackageOf(t, "armani", fixtures.Unpatched)
	_, err := h.Library.Upload(h.Ctx, library.Incoming{Name: name, Channel: "beta", By: "ann"}, bytes.NewReader(body))
	refused, isRefused := errors.AsType[*library.Refused](err)
	if !isRefused || !refused.Findings.Has(otapkg.DownUnpatch) {
		t.Errorf("got %v", err)
	}
}

func TestUploadsThatDoNotArriveWhole(t *testing.T) {
	h := kit.New(t, func(c *rooms.Config) {
		c.RoomFor = func(size int64) error {
			if size > 1<<40 {
				return fleet.Errorf(fleet.NoSpace, "no_space", "there is no room for %d bytes", size)
			}
			return nil
		}
	})
	name, body := kit.PackageOf(t, "armani", fixtures.Patched)
	for _, tc := range []struct {
		name, code string
		in         library.Incoming
		r          io.Reader
	}{
		{"broken off", "truncated", library.Incoming{Name: name, Channel: "stable"}, io.MultiReader(bytes.NewReader(body[:1000]), iotest.ErrReader(io.ErrUnexpectedEOF))},
		{"stood still", "truncated", library.Incoming{Name: name, Channel: "stable"}, io.MultiReader(bytes.NewReader(body[:1000]), iotest.ErrReader(os.ErrDeadlineExceeded))},
		{"other bytes than said", "other_digest", library.Incoming{Name: name, Channel: "stable", SHA256: strings.Repeat("a", 64)}, bytes.NewReader(body)},
		{"more than there is room for", "no_space", library.Incoming{Name: name, Channel: "stable", Size: 1 << 62}, iotest.ErrReader(errors.New("it was read"))},
		{"shorter than said", "truncated", library.Incoming{Name: name, Channel: "stable", Size: int64(len(body)) + 1}, bytes.NewReader(body)},
		{"a path for a name", "file_name", library.Incoming{Name: "../x.zip", Channel: "stable"}, bytes.NewReader(body)},
		{"a NUL in the name", "file_name", library.Incoming{Name: "a\x00.zip", Channel: "stable"}, bytes.NewReader(body)},
		{"a name of 300", "file_name", library.Incoming{Name: strings.Repeat("a", 300) + ".zip", Channel: "stable"}, bytes.NewReader(body)},
		{"no such channel", "channel", library.Incoming{Name: name, Channel: "Nightly!"}, bytes.NewReader(body)},
	} {
		_, err := h.Library.Upload(h.Ctx, tc.in, tc.r)
		if e, isFleet := errors.AsType[*fleet.Error](err); !isFleet || e.Code != tc.code {
			t.Errorf("%s: got %v, wanted %s", tc.name, err, tc.code)
		}
		if n := h.Contents(); n != 0 {
			t.Errorf("%s: %d things were stored", tc.name, n)
		}
	}
}

// Nothing that is built earlier can follow a build of the future, so it is not let in where phones are.
func TestBuildsOfTheFuture(t *testing.T) {
	h := kit.New(t)
	h.Released("armani")
	for _, tt := range []struct {
		name, channel string
		utc           int64
		words         string // "" if it is taken
	}{
		{"stable", "stable", h.Now.AddDate(22, 0, 0).Unix(), "no build from before then can follow it"},
		{"beta", "beta", h.Now.AddDate(22, 0, 0).Unix(), "no build from before then can follow it"},
		{"after the year 9999", "lab", 253402300800, "post-timestamp=253402300800, which is after the year 9999"},
		{"after all time", "stable", math.MaxInt64, "post-timestamp=9223372036854775807, which is after the year 9999"},
		{"lab", "lab", h.Now.AddDate(22, 0, 0).Unix(), ""},
	} {
		b := kit.OK(fixtures.BuildOf("armani", fixtures.Patched))(t)
		b.UTC, b.Incremental = tt.utc, "JHCMIBH99.0"
		b.Fingerprint = strings.Replace(b.Fingerprint, "H46", "H99", 1)
		body := kit.OK(fixtures.Bytes(b, kit.OTAKey))(t)
		_, err := h.Library.Upload(h.Ctx, library.Incoming{Name: "late.zip", Channel: tt.channel, By: "ann"}, bytes.NewReader(body))
		if tt.words == "" {
			if err != nil || !strings.Contains(findingsOf(h, "late.zip"), "VER-FUTURE") {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		refused, is := errors.AsType[*library.Refused](err)
		if !is || !strings.Contains(refused.Error(), tt.words) || refused.Findings.Has(otapkg.DownUnpatch) {
			t.Errorf("%s: %v, %+v", tt.name, err, refused)
		}
	}
}

// TestStatedBytesNeedNotCome: what is here already is known by its digest, before a byte is read.
func TestStatedBytesNeedNotCome(t *testing.T) {
	h := kit.New(t)
	name, body := kit.PackageOf(t, "armani", fixtures.Patched)
	in := library.Incoming{Name: name, Channel: "stable", By: "ann", Size: int64(len(body))}
	pkg := kit.OK(h.Library.Upload(h.Ctx, in, bytes.NewReader(body)))(t).Package
	unread := iotest.ErrReader(errors.New("it was read"))
	in.SHA256 = pkg.SHA256
	again, err := h.Library.Upload(h.Ctx, in, unread)
	if err != nil || !again.Known || again.Ref() != pkg.Ref() {
		t.Errorf("the same channel: %+v, %v", again, err)
	}
	in.Channel = "lab"
	if _, err := h.Library.Upload(h.Ctx, in, unread); err == nil || !strings.Contains(err.Error(), "promote") {
		t.Errorf("another channel: %v", err)
	}
	in.Channel, in.SHA256 = "stable", strings.Repeat("a", 64)
	if _, err := h.Library.Upload(h.Ctx, in, unread); err == nil || !strings.Contains(err.Error(), "was read") && !strings.Contains(err.Error(), "stood still") {
		t.Errorf("bytes that are not here were not asked for: %v", err)
	}
}
