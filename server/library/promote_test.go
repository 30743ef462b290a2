// SPDX-License-Identifier: Apache-2.0

package library_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"

	fixtures "landed/firmware-fixtures"
	"landed/manifests/offers"
	"landed/manifests/otapkg"
	"landed/manifests/tufrepo"
	"landed/server/blob"
	"landed/server/fleet"
	"landed/server/library"
	"landed/server/rollouts"
	"landed/server/rooms"
	kit "landed/server/servertest"
)

// upload takes a package in on a channel.
func upload(h *kit.Rooms, model, channel string) fleet.Package {
	h.T.Helper()
	name, body := kit.PackageOf(h.T, model, fixtures.Patched)
	in := library.Incoming{Name: name, Channel: channel, By: "ann", Size: int64(len(body))}
	return kit.OK(h.Library.Upload(h.Ctx, in, bytes.NewReader(body)))(h.T).Package
}

func promote(h *kit.Rooms, p fleet.Package, to string) library.Uploaded {
	h.T.Helper()
	return kit.OK(h.Library.Promote(h.Ctx, library.Promotion{Package: p.SHA256, To: to, By: "bo", Reason: "tested"}))(h.T)
}

// release has packages released and published under a name of its own.
func release(h *kit.Rooms, counter, name string, packages ...fleet.Package) {
	h.T.Helper()
	var refs []string
	for _, p := range packages {
		refs = append(refs, p.Ref().String())
	}
	kit.OK(h.Releases.Create(h.Ctx, kit.ReleaseSource(counter, name), refs, "ann"))(h.T)
	h.SignAndPublish(kit.OK(h.Releases.Stage(h.Ctx, name, "ann"))(h.T))
}

func TestFromLabToStable(t *testing.T) {
	h := kit.New(t)
	h.Begin("armani")
	lab := upload(h, "armani", "lab")
	name, body := kit.PackageOf(t, "armani", fixtures.Patched)
	_, err := h.Library.Upload(h.Ctx, library.Incoming{Name: name, Channel: "stable", By: "bo"}, bytes.NewReader(body))
	kit.CheckError(t, err, "other_channel", "otactl package promote "+lab.SHA256+" --to stable")
	release(h, "1", "in-the-lab", lab)
	begin := func(name, channel string) {
		whole := []fleet.Stage{{Share: 10_000}}
		kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: name, Channel: channel, Stages: whole, By: "ann"}))(t)
	}
	begin("in-the-lab", "lab")

	before := contents(h)
	stable := promote(h, lab, "stable")
	if again := promote(h, lab, "stable"); stable.Known || !again.Known || again.Ref() != stable.Ref() {
		t.Errorf("promoted %+v, then %+v", stable, again)
	}
	if want := strings.TrimSuffix(lab.Name, ".zip") + ".stable.zip"; stable.Name != want || stable.Channel != "stable" || stable.By != "bo" {
		t.Errorf("promoted to %+v; wanted the name %s", stable.Package, want)
	}
	if n := contents(h); n != before {
		t.Errorf("%d contents were stored, now %d", before, n)
	}
	trail := auditOf(h, lab.SHA256)
	if len(trail) != 2 || trail[0].Action != "package.promote" || trail[0].Actor != "bo" || !strings.HasSuffix(trail[0].Reason, "on stable, from lab: tested") {
		t.Errorf("the trail: %+v", trail)
	}
	release(h, "2", "for-everybody", stable.Package)
	begin("for-everybody", "stable")

	device := h.Client()
	for channel, where := range map[string]struct {
		release string
		counter int64
	}{"lab": {"in-the-lab", 1}, "stable": {"for-everybody", 2}} {
		d := kit.OK(offers.Parse(kit.OK(device.Refresh(h.Now, tufrepo.OffersPath("armani", channel)))(t)[0]))(t)
		phone := offers.Handset{Model: "armani", Variant: lab.Variant, Build: "before", Secret: bytes.Repeat([]byte{7}, 16)}
		got := offers.Decide(d, phone)
		if got.Reason != offers.ReasonOffered || got.Offer.Custom.Release != where.release || got.Offer.Package.SHA256 != lab.SHA256 {
			t.Errorf("a handset on %s: %+v", channel, got)
		}
		phone.Build, phone.UTC, phone.Counter = lab.Build.Fingerprint, lab.Build.UTC, where.counter
		if got := offers.Decide(d, phone); got.Reason != offers.ReasonRunning {
			t.Errorf("a handset on %s that runs it: %+v", channel, got)
		}
	}
	wantSound(h)
}

func contents(h *kit.Rooms) (n int) {
	h.T.Helper()
	for _, err := range h.Blobs.List(h.Ctx) {
		if err != nil {
			h.T.Fatal(err)
		}
		n++
	}
	return n
}

func auditOf(h *kit.Rooms, subject string) (trail []fleet.AuditEntry) {
	h.View(func(tx fleet.Tx) (err error) {
		trail, err = tx.Audit().OfSubject(h.Ctx, subject, 10)
		return err
	})
	return trail
}

// The keys and the packages of the other channel decide.
func TestPromotionIsJudgedAgain(t *testing.T) {
	pinned := map[string]bool{"stable": true, "lab": true}
	h := kit.New(t, func(c *rooms.Config) {
		c.OTAKeys = func(channel string) ([]otapkg.Pin, error) {
			switch {
			case channel == "beta":
				return nil, nil
			case pinned[channel]:
				return otapkg.ParsePins(kit.OTAKey.CertPEM())
			}
			return []otapkg.Pin{{Key: make(ed25519.PublicKey, ed25519.PublicKeySize), Hash: crypto.SHA256}}, nil
		}
	})
	lab := upload(h, "armani", "lab")
	try := func(to, model string) error {
		_, err := h.Library.Promote(h.Ctx, library.Promotion{Package: lab.SHA256, Model: model, To: to, By: "bo"})
		return err
	}
	before := h.Contents()
	kit.CheckError(t, try("nightly", ""), "channel", "wanted beta, lab or stable")
	kit.CheckError(t, try("beta", ""), "no_ota_key", "ota-keys/beta")
	kit.CheckError(t, try("stable", "dior"), "package_unknown", "for the model dior")
	pinned["stable"] = false
	refused, is := errors.AsType[*library.Refused](try("stable", ""))
	if !is || !refused.Findings.Has(otapkg.SigKey) {
		t.Errorf("a key that is not pinned there: %+v", refused)
	}
	pinned["stable"] = true
	if h.Contents() != before {
		t.Error("a refusal changed something")
	}
	b := kit.OK(fixtures.BuildOf("armani", fixtures.Patched))(t)
	b.Config.Migration = "ask"
	other := kit.OK(fixtures.Bytes(b, kit.OTAKey))(t)
	kit.OK(h.Library.Upload(h.Ctx, library.Incoming{Name: "other.zip", Channel: "stable", By: "ann"}, bytes.NewReader(other)))(t)
	if refused, is := errors.AsType[*library.Refused](try("stable", "")); !is || !refused.Findings.Has(otapkg.VerSame) {
		t.Errorf("the version is there with other bytes: %+v", refused)
	}
	if err := h.Blobs.Delete(h.Ctx, blob.Ref(lab.SHA256)); err != nil {
		t.Fatal(err)
	}
	kit.CheckError(t, try("stable", ""), "content_missing", "upload the same file again")
}

// The bytes go with the last package that has them; what is listed for one channel holds that one alone.
func TestRemovalOfPromoted(t *testing.T) {
	h := kit.New(t)
	h.Begin("armani")
	lab := upload(h, "armani", "lab")
	stable := promote(h, lab, "stable").Package
	release(h, "1", "for-everybody", stable)
	_, err := h.Library.Remove(h.Ctx, stable.Ref().String(), "ann", "")
	kit.CheckError(t, err, "package_in_use", "for-everybody (published)")
	kit.OK(h.Library.Remove(h.Ctx, lab.Ref().String(), "ann", "it went to stable"))(t)
	if _, err := h.Blobs.Stat(h.Ctx, blob.Ref(lab.SHA256)); err != nil {
		t.Errorf("the bytes went with the first package: %v", err)
	}
	wantSound(h)

	two := upload(h, "dior", "lab")
	beta := promote(h, two, "beta").Package
	for i, p := range []fleet.Package{two, beta} {
		kit.OK(h.Library.Remove(h.Ctx, p.Ref().String(), "ann", ""))(t)
		if _, err := h.Blobs.Stat(h.Ctx, blob.Ref(two.SHA256)); (err == nil) != (i == 0) {
			t.Errorf("after removal %d: %v", i+1, err)
		}
	}
}

// A retired model takes nothing, by no way in.
func TestRetiredModelTakesNothing(t *testing.T) {
	h := kit.New(t)
	h.Begin("armani", "dior")
	lab := upload(h, "armani", "lab")
	if err := h.Lineup.Retire(h.Ctx, "armani", "ann", "no more parts"); err != nil {
		t.Fatal(err)
	}
	_, err := h.Library.Promote(h.Ctx, library.Promotion{Package: lab.SHA256, To: "stable", By: "bo"})
	kit.CheckError(t, err, "model_retired", "armani")
	name, body := kit.PackageOf(t, "armani", fixtures.Bad)
	_, err = h.Library.Upload(h.Ctx, library.Incoming{Name: name, Channel: "stable", By: "bo"}, bytes.NewReader(body))
	kit.CheckError(t, err, "model_retired", "armani")
	_, err = h.Releases.Create(h.Ctx, kit.ReleaseSource("1", "next"), []string{lab.SHA256}, "ann")
	kit.CheckError(t, err, "release_packages", "the model armani is retired")
	upload(h, "dior", "stable")
}
