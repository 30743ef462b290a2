// SPDX-License-Identifier: Apache-2.0

package release_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/release"
	kit "landed/server/servertest"
)

func TestSignaturesAreRefusedInWords(t *testing.T) {
	h := kit.New(t)
	h.Begin("armani")
	c := h.Staged("armani")
	good := h.Respond(c, "1")
	kit.OK(h.Releases.AddSignatures(h.Ctx, c.ID, good, "ann"))(t)
	foreign := kit.OK(tufrepo.SignDetached(c.Roles[0].Metadata, "armani", kit.KeyOf("mallory")))(t)
	wrong := h.Respond(c, "2").Signatures[0]
	wrong.Sig = good.Signatures[0].Sig
	other := h.Respond(c, "2").Signatures[0]
	other.Role = "cancro"
	for _, tc := range []struct {
		name       string
		signatures []tufrepo.Signature
		code, want string
	}{
		{"the same again", good.Signatures, "signatures_known", "another key has to sign"},
		{"a stranger", []tufrepo.Signature{foreign}, "signatures_refused", "may not sign for armani"},
		{"a signature of something else", []tufrepo.Signature{wrong}, "signatures_refused", "does not fit version 2 of armani"},
		{"another role", []tufrepo.Signature{other}, "signatures_refused", "which this change does not touch"},
		{"one good and one bad", append(h.Respond(c, "2").Signatures, foreign), "signatures_refused", "nothing was added"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := h.Releases.AddSignatures(h.Ctx, c.ID, tufrepo.Response{Schema: 1, Request: c.ID, Signatures: tc.signatures}, "ann")
			kit.CheckError(t, err, tc.code, tc.want)
			if p := kit.OK(h.Releases.Progress(h.Ctx, c.ID))(t); p.Roles[0].Have != 1 {
				t.Errorf("%d signatures count now", p.Roles[0].Have)
			}
		})
	}
	_, err := h.Releases.AddSignatures(h.Ctx, c.ID, tufrepo.Response{Schema: 1, Request: "another", Signatures: good.Signatures}, "ann")
	kit.CheckError(t, err, "other_request", "another")
}

func TestRequestIsWhatTheSignersReview(t *testing.T) {
	h := kit.New(t)
	h.Begin("armani")
	c := h.Staged("armani")
	req := kit.OK(tufrepo.ParseRequest(c.Request))(t)
	if req.ID != c.ID || len(req.Roles) != 1 || len(req.Packages) != 1 || len(req.Manifests) != 3 || len(req.Models) != 1 ||
		len(req.Summary) == 0 {
		t.Errorf("request is %+v", req)
	}
	info := kit.OK(tufrepo.Read(req.Roles[0].Metadata))(t)
	custom, err := manifests.ParseCustom(info.Targets[len(info.Targets)-1].Custom)
	if err != nil || custom.Variant != "armani_global" {
		t.Errorf("custom is %+v, %v", custom, err)
	}
	where := tufrepo.ManifestPath("armani", kit.OptIn, "armani_global")
	if got := fmt.Sprintf("%x", sha256.Sum256(req.Manifests[where])); got != custom.Manifest {
		t.Errorf("the custom part names the manifest %s, it has %s", custom.Manifest, got)
	}
	if _, err := h.Releases.Stage(h.Ctx, kit.OptIn, "ann"); err == nil {
		t.Error("staged twice")
	}
	if err := h.Releases.DropChange(h.Ctx, c.ID, "ann", "typo in the notes"); err != nil {
		t.Fatal(err)
	}
	kit.OK(h.Releases.Stage(h.Ctx, kit.OptIn, "ann"))(t)
}

// A release that nobody signs must not keep its name and counter; one that somebody may still
// sign, or that is published, stays.
func TestDropRelease(t *testing.T) {
	h := kit.New(t)
	h.Begin("armani")
	c := h.Staged("armani")
	kit.CheckError(t, h.Releases.Drop(h.Ctx, kit.OptIn, "ann", "typo"), "staged", "drop its change "+c.ID)
	if err := h.Releases.DropChange(h.Ctx, c.ID, "ann", "typo"); err != nil {
		t.Fatal(err)
	}
	kit.CheckError(t, h.Releases.Drop(h.Ctx, kit.OptIn, "ann", ""), "reason_missing", "why")
	if err := h.Releases.Drop(h.Ctx, kit.OptIn, "ann", "typo"); err != nil {
		t.Fatal(err)
	}
	_, err := h.Releases.AddSignatures(h.Ctx, c.ID, h.Respond(c, "1"), "ann")
	kit.CheckError(t, err, "change_closed", "dropped")
	c = h.Staged("armani") // the same name, counter and bytes
	h.SignAndPublish(c)
	kit.CheckError(t, h.Releases.Drop(h.Ctx, kit.OptIn, "ann", "typo"), "published", "not taken back")
}

// A process may end after the last signature is stored and before anything is published.
func TestSignedButNotPublishedIsFinished(t *testing.T) {
	h := kit.New(t)
	h.Begin("armani")
	c := h.Staged("armani")
	s := h.State()
	for _, n := range []string{"1", "2"} {
		kit.OK(release.Attach(s, &c, h.Respond(c, n).Signatures))(t)
	}
	err := h.DB.Update(h.Ctx, func(tx fleet.Tx) error { return tx.Changes().Save(h.Ctx, c, fleet.ChangeOpen) })
	if err != nil {
		t.Fatal(err)
	}
	h.Reopen()
	if err := h.Renew(h.Ctx); err != nil {
		t.Fatal(err)
	}
	if p := kit.OK(h.Releases.Progress(h.Ctx, c.ID))(t); p.State != fleet.ChangePublished {
		t.Errorf("the change is %s", p.State)
	}
}

func TestReleaseFaultsComeTogether(t *testing.T) {
	h := kit.New(t)
	armani := h.Upload("armani", fixtures.Patched)
	late := bytes.Replace(kit.ReleaseSource("1", "late"), []byte("2014-08-01"), []byte("2014-08-15"), 1)
	_, err := h.Releases.Create(h.Ctx, late, []string{armani.SHA256, armani.SHA256}, "ann")
	kit.CheckError(t, err, "release_packages", "DOWN-UNPATCH")
	kit.CheckError(t, err, "release_packages", "one full package per model and variant")
	_, err = h.Releases.Create(h.Ctx, kit.ReleaseSource("0", "Bad Name"), nil, "ann")
	kit.CheckError(t, err, "release_source", "counter is 0")
	_, err = h.Releases.Create(h.Ctx, kit.ReleaseSource("1", kit.OptIn), []string{strings.Repeat("a", 64)}, "ann")
	kit.CheckError(t, err, "package_missing", "upload it first")
	kit.OK(h.Releases.Create(h.Ctx, kit.ReleaseSource("7", kit.OptIn), []string{armani.SHA256}, "ann"))(t)
	_, err = h.Releases.Create(h.Ctx, kit.ReleaseSource("7", "again"), []string{armani.SHA256}, "ann")
	kit.CheckError(t, err, "release_packages", "a counter grows with each release")
}
