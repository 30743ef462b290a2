// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"landed/manifests"
	"landed/manifests/report"
	"landed/server/fleet"
)

// spoilt is a fleet with two releases; the later one, for armani and pisces, cannot be read any more. One handset reported
// about both.
func spoilt(t *testing.T) (*fixture, handset) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani", "dior")
	h.roll("armani", nil)
	h.count("armani", 30, confirmedOff, beforeActive)
	stood := *h.state("armani", confirmedOff, beforeActive, report.ProgressRunning)
	hs := newHandset(1)
	h.next("later", appListSource)
	pkg := nextPackage("armani", "JHCMIBH47.0")
	h.publishPackages(pkg, nextPackage("pisces", "JHCMIBH47.0"))
	h.roll("armani", nil)
	h.roll("pisces", nil)
	h.moveOn(10, stood, h.state("armani", "not_sent", notSeen, report.ProgressRunning))
	h.count("pisces", 7, "not_sent", notSeen)
	h.installSealed(hs, beforeActive, underTwo(t, hs, "later", pkg.Build)...)
	h.update(func(ctx context.Context, tx fleet.Tx) error {
		r, err := tx.Releases().Get(ctx, "later")
		if err != nil {
			return err
		}
		r.Source = []byte("schema: 9")
		return tx.Releases().Save(ctx, r, fleet.ReleasePublished)
	})
	return h, hs
}

// TestUnreadableRelease: a release that cannot be read is left out and told of, and no handset leaves the figures.
func TestUnreadableRelease(t *testing.T) {
	h, hs := spoilt(t)
	s := h.status()
	if len(s.Releases) != 1 || len(s.Unreadable) != 1 || s.Unreadable[0].Name != "later" || len(s.Unreadable[0].Models) != 2 {
		t.Errorf("releases %+v, unreadable %+v", s.Releases, s.Unreadable)
	}
	if s.Totals.Installations != 37 || s.Totals.Proven != 30 {
		t.Errorf("%d installations, wanted all 37; %d are proven", s.Totals.Installations, s.Totals.Proven)
	}
	if m := s.model("armani"); m.Release != releaseName || m.Installations != 30 || m.Proven != 30 || len(m.Unreadable) != 1 {
		t.Errorf("armani: %+v", m)
	}
	if m := s.model("pisces"); m.Standing != Unreadable || m.Installations != 7 || m.Running != 7 || m.Judged != 0 || len(m.Rollouts) != 1 || !strings.Contains(m.Say, "later") {
		t.Errorf("pisces: %+v", m)
	}
	if m := s.model("dior"); len(m.Unreadable) != 0 {
		t.Errorf("dior: %+v", m)
	}
	for path, want := range map[string]struct {
		status int
		says   string
	}{
		"/":                                    {200, "The release “later” is published, and this server cannot read it."},
		"/releases":                            {200, "The release “later” is published, and this server cannot read it."},
		"/releases/later":                      {404, "This release cannot be shown just now"},
		"/releases/" + releaseName:             {200, releaseName},
		"/models/armani":                       {200, "A later update for the Redmi 1S is published, too"},
		"/models/pisces":                       {200, "this server cannot read it just now (later)"},
		"/installations/" + hs.ref.String():    {200, "the server cannot read the update of this handset"},
		"/installations/" + string(hs.ref[:8]): {404, "not a support reference"},
	} {
		if w := h.get(path); w.Code != want.status || !strings.Contains(w.Body.String(), want.says) {
			t.Errorf("%s: %d, and it does not say %q:\n%s", path, w.Code, want.says, w.Body)
		}
	}
	var page InstallationPage
	if err := json.Unmarshal(h.get("/installations/"+hs.ref.String()+".json").Body.Bytes(), &page); err != nil || page.Verdict != unknown ||
		page.Shown[0].Verdict != unknown || page.Shown[1].Verdict != confirmedOff || page.Reports[1].Verdict != unknown {
		t.Errorf("the handset: %+v %v", page, err)
	}
	if w := h.get("/models/pisces"); strings.Contains(w.Body.String(), "claims no effect") || !strings.Contains(w.Body.String(), "miui_pisces") {
		t.Error("the page of pisces says that nothing is claimed, or knows no package")
	}
	var before struct{ Unreadable any }
	readable := open(t, manifests.DefaultCatalogue())
	readable.publish("armani")
	if err := json.Unmarshal(readable.get("/status.json").Body.Bytes(), &before); err != nil || before.Unreadable != nil {
		t.Errorf("where all can be read: %v %v", before.Unreadable, err)
	}
}

// TestNothingReadable: where nothing that is published can be read, the page does not say that nothing is.
func TestNothingReadable(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.update(func(ctx context.Context, tx fleet.Tx) error {
		return tx.Releases().Create(ctx, fleet.Release{Name: "broken", Counter: 1, Source: []byte("schema: ["), State: fleet.ReleasePublished, Packages: []fleet.PackageRef{}})
	})
	w := h.get("/")
	if body := w.Body.String(); w.Code != http.StatusOK || !strings.Contains(body, "The release “broken” is published") ||
		strings.Contains(body, "No update has been published") || strings.Contains(body, "nothing to tell a customer") {
		t.Errorf("%d %s", w.Code, body)
	}
}
