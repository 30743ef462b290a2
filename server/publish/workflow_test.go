// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata/config"
	"github.com/theupdateframework/go-tuf/v2/metadata/updater"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
	"landed/manifests/offers"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// client is a TUF client of go-tuf with a cache of its own.
type client struct {
	t   testing.TB
	url string
	dir string
}

func newClient(t testing.TB, url string, root []byte) *client {
	c := &client{t: t, url: url, dir: t.TempDir()}
	if err := os.WriteFile(filepath.Join(c.dir, "root.json"), root, 0o644); err != nil {
		t.Fatal(err)
	}
	return c
}

// refresh runs the whole workflow and returns what path is, or the error.
func (c *client) refresh(now time.Time, paths ...string) ([][]byte, error) {
	root, err := os.ReadFile(filepath.Join(c.dir, "root.json"))
	if err != nil {
		return nil, err
	}
	cfg, err := config.New(c.url+"/metadata", root)
	if err != nil {
		return nil, err
	}
	cfg.LocalMetadataDir, cfg.LocalTargetsDir = c.dir, filepath.Join(c.dir, "targets")
	cfg.RemoteTargetsURL = c.url + "/targets"
	cfg.PrefixTargetsWithHash = true
	u, err := updater.New(cfg)
	if err != nil {
		return nil, err
	}
	u.UnsafeSetRefTime(now)
	if err := u.Refresh(); err != nil {
		return nil, err
	}
	var bodies [][]byte
	for _, path := range paths {
		info, err := u.GetTargetInfo(path)
		if err != nil {
			return nil, err
		}
		_, body, err := u.DownloadTarget(info, "", "")
		if err != nil {
			return nil, err
		}
		bodies = append(bodies, body)
	}
	return bodies, nil
}

// plain serves the feed folder as any file server would.
func (h *house) plain() string {
	s := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(h.dir, "feed"))))
	h.t.Cleanup(s.Close)
	return s.URL
}

func TestFromUploadToOffer(t *testing.T) {
	h := newHouse(t)
	h.trust("armani", "cancro")
	change := h.staged("armani", "cancro")
	c := newClient(t, h.plain(), h.bundle("armani", "cancro").Files["1.root.json"])

	p := ok(h.AddSignatures(h.ctx, change.ID, h.respond(change, "1"), "ann"))(t)
	if got := strings.Join(p.Words(), "\n"); !strings.Contains(got, "armani: 1 of 2 signatures; keys that have not signed: "+keyOf("armani2").public.ID()[:12]) {
		t.Errorf("progress says %q", got)
	}
	if _, err := c.refresh(h.now, tufrepo.ManifestPath("armani", optIn, "armani_global")); err == nil {
		t.Error("one of two signatures was enough")
	}
	p = ok(h.AddSignatures(h.ctx, change.ID, h.respond(change, "2"), "ben"))(t)
	if p.State != fleet.ChangePublished {
		t.Fatalf("after the threshold the change is %s", p.State)
	}
	body := ok(c.refresh(h.now, tufrepo.ManifestPath("armani", optIn, "armani_global")))(t)[0]
	m := ok(manifests.ParseManifest(body))(t)
	if _, err := c.refresh(h.now, tufrepo.OffersPath("armani", "stable")); err == nil {
		t.Error("offered before a rollout was started")
	}

	started := ok(h.StartRollout(h.ctx, Start{Release: optIn, Models: []string{"armani"}, By: "ann"}))(t)
	bodies := ok(c.refresh(h.now, tufrepo.OffersPath("armani", "stable"), m.Package.Path))(t)
	d := ok(offers.Parse(bodies[0]))(t)
	if len(d.Offers) != 1 || d.Offers[0].Share != 100 || d.Offers[0].Salt != started[0].Salt || d.Offers[0].Package != m.Package || d.Offers[0].Custom != m.Custom() {
		t.Errorf("offers are %+v", d)
	}
	if _, want := packageOf(t, "armani", fixtures.Patched); !bytes.Equal(bodies[1], want) {
		t.Error("the package that a client downloads is not the one that was uploaded")
	}
	ok(h.Halt(h.ctx, started[0].ID, "sue", "a leak was seen in Taipei"))(t)
	d = ok(offers.Parse(ok(c.refresh(h.now, tufrepo.OffersPath("armani", "stable")))(t)[0]))(t)
	if d.Offers[0].State != offers.StateHalted {
		t.Errorf("after the halt the offer is %s", d.Offers[0].State)
	}
	if faults := ok(h.Check(h.ctx, nil))(t); len(faults) > 0 {
		t.Error(faults)
	}
}

// The salt must be known before the first stage is offered, so that nobody can draw it to suit
// the stage.
func TestSaltIsPublishedBeforeTheFirstStage(t *testing.T) {
	h := newHouse(t)
	h.released("armani")
	var shares []int
	h.published = func(map[string][]byte, func(string) bool) {
		s := ok(h.load(h.ctx))(t)
		target, have := s.target("armani-offers", "offers/armani/stable.json")
		if !have {
			t.Fatal("no offers were published")
		}
		text := ok(os.ReadFile(filepath.Join(h.dir, "feed/targets", tufrepo.StoredTarget(target.Path, target.SHA256))))(t)
		shares = append(shares, ok(offers.Parse(text))(t).Offers[0].Share)
	}
	ok(h.StartRollout(h.ctx, Start{Release: optIn, By: "ann"}))(t)
	if len(shares) != 2 || shares[0] != 0 || shares[1] != 100 {
		t.Errorf("shares published one after the other: %v; wanted 0, then 100", shares)
	}
}

func TestSignaturesAreRefusedInWords(t *testing.T) {
	h := newHouse(t)
	h.trust("armani")
	c := h.staged("armani")
	good := h.respond(c, "1")
	ok(h.AddSignatures(h.ctx, c.ID, good, "ann"))(t)
	foreign := ok(tufrepo.SignDetached(c.Roles[0].Metadata, "armani", keyOf("mallory")))(t)
	wrong := h.respond(c, "2").Signatures[0]
	wrong.Sig = good.Signatures[0].Sig
	other := h.respond(c, "2").Signatures[0]
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
		{"one good and one bad", append(h.respond(c, "2").Signatures, foreign), "signatures_refused", "nothing was added"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := h.AddSignatures(h.ctx, c.ID, tufrepo.Response{Schema: 1, Request: c.ID, Signatures: tc.signatures}, "ann")
			checkError(t, err, tc.code, tc.want)
			if p := ok(h.Progress(h.ctx, c.ID))(t); p.Roles[0].Have != 1 {
				t.Errorf("%d signatures count now", p.Roles[0].Have)
			}
		})
	}
	_, err := h.AddSignatures(h.ctx, c.ID, tufrepo.Response{Schema: 1, Request: "another", Signatures: good.Signatures}, "ann")
	checkError(t, err, "other_request", "another")
}

func checkError(t *testing.T, err error, code, words string) {
	t.Helper()
	var e *fleet.Error
	if r, isRefused := err.(*Refused); isRefused {
		e = r.Unwrap().(*fleet.Error)
	} else if f, isFleet := err.(*fleet.Error); isFleet {
		e = f
	} else {
		t.Fatalf("got %v; wanted an error for people with the code %s", err, code)
	}
	if e.Code != code || !strings.Contains(e.Msg, words) {
		t.Errorf("got %s: %s; wanted %s: …%s…", e.Code, e.Msg, code, words)
	}
}

func TestRequestIsWhatTheSignersReview(t *testing.T) {
	h := newHouse(t)
	h.trust("armani")
	c := h.staged("armani")
	req := ok(tufrepo.ParseRequest(c.Request))(t)
	if req.ID != c.ID || len(req.Roles) != 1 || len(req.Packages) != 1 || len(req.Manifests) != 1 || len(req.Summary) == 0 {
		t.Errorf("request is %+v", req)
	}
	info := ok(tufrepo.Read(req.Roles[0].Metadata))(t)
	var custom manifests.Custom
	if err := json.Unmarshal(info.Targets[1].Custom, &custom); err != nil || custom.Variant != "armani_global" {
		t.Errorf("custom is %+v, %v", custom, err)
	}
	if _, err := h.Stage(h.ctx, optIn, "ann"); err == nil {
		t.Error("staged twice")
	}
	if err := h.Drop(h.ctx, c.ID, "ann", "typo in the notes"); err != nil {
		t.Fatal(err)
	}
	ok(h.Stage(h.ctx, optIn, "ann"))(t)
}

// A release that nobody signs must not keep its name and counter; one that somebody may still
// sign, or that is published, stays.
func TestDropRelease(t *testing.T) {
	h := newHouse(t)
	h.trust("armani")
	c := h.staged("armani")
	checkError(t, h.DropRelease(h.ctx, optIn, "ann", "typo"), "staged", "drop its change "+c.ID)
	if err := h.Drop(h.ctx, c.ID, "ann", "typo"); err != nil {
		t.Fatal(err)
	}
	checkError(t, h.DropRelease(h.ctx, optIn, "ann", ""), "reason_missing", "why")
	if err := h.DropRelease(h.ctx, optIn, "ann", "typo"); err != nil {
		t.Fatal(err)
	}
	_, err := h.AddSignatures(h.ctx, c.ID, h.respond(c, "1"), "ann")
	checkError(t, err, "change_closed", "dropped")
	c = h.staged("armani") // the same name, counter and bytes
	for _, n := range []string{"1", "2"} {
		ok(h.AddSignatures(h.ctx, c.ID, h.respond(c, n), "ann"))(t)
	}
	checkError(t, h.DropRelease(h.ctx, optIn, "ann", "typo"), "published", "not taken back")
}
