// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
	"landed/manifests/offers"
	"landed/manifests/report"
)

// about are the reports, each with the release that it is about.
func about(reports []report.Report) (lines []string) {
	for _, r := range reports {
		lines = append(lines, fmt.Sprintf("%s %s %s", r.Release, r.Kind, r.Progress))
	}
	return lines
}

// second is the release after the one of the rig, signed and not offered.
func (r *rig) second(change ...func(*manifests.Custom)) offers.Offer {
	r.t.Helper()
	later, err := fixtures.LaterBuildOf("armani", fixtures.Patched, 1)
	if err != nil {
		r.t.Fatal(err)
	}
	custom := customOf(later)
	custom.Release, custom.Counter = "second", 2
	for _, c := range change {
		c(&custom)
	}
	return r.server.AddRelease(custom, askOf(r.t, optIn), "second", packageOf(r.t, later))
}

// TestBaselineBeforeTheRollout: a release that people have signed is reported on before anything of it is offered, with
// a commitment that the draw opens once an attempt has begun, in each report from then on, and in none before.
func TestBaselineBeforeTheRollout(t *testing.T) {
	r := newRig(t)
	r.server.Offers["armani"] = nil
	r.server.Publish()
	for range 8 {
		r.step()
		r.pass(24 * time.Hour)
	}
	r.offered()
	for range 3 {
		r.step()
		r.pass(24 * time.Hour)
	}
	got := r.server.Reports()
	want := []string{"1 baseline known 0h", "2 baseline known 168h", "3 progress downloading 168h", "4 progress installed 168h",
		"5 progress running 0h", "6 effect running 24h"}
	if diff := cmp.Diff(want, kinds(got)); diff != "" {
		t.Fatal(diff)
	}
	s := offers.DrawSecret(r.client.own.Secret, r.offer.Custom.Release)
	for _, g := range got {
		commit, opened := g.Kind == report.KindBaseline, g.Progress != report.ProgressKnown
		if (g.DrawCommit != "") != commit || commit && g.DrawCommit != offers.Commitment(s) {
			t.Errorf("%d: commitment %q", g.Seq, g.DrawCommit)
		}
		if (g.Draw != "") != opened || opened && !offers.Opens(got[0].DrawCommit, g.Draw) {
			t.Errorf("%d: draw %q", g.Seq, g.Draw)
		}
	}
}

// TestSoldWithTheBuild: whoever has the build from elsewhere has drawn nothing, and opens nothing.
func TestSoldWithTheBuild(t *testing.T) {
	r := newRigOn(t, build(t, fixtures.Patched))
	r.step()
	got := r.server.Reports()
	if len(got) != 1 || got[0].Progress != report.ProgressRunning || got[0].Draw != "" || got[0].DrawCommit == "" {
		t.Errorf("%+v", got)
	}
}

// TestObservationGoesFirst: the next release is seen while the effect of the one that runs is observed. Its baseline is
// sent once, beside; the observation goes on as ever; then it is repeated weekly, and when it is offered it comes.
func TestObservationGoesFirst(t *testing.T) {
	r := newRig(t)
	r.step() // the first one runs
	r.pass(12 * time.Hour)
	next := r.second()
	r.server.Publish()
	for range 16 {
		r.pass(24 * time.Hour)
		r.step()
		r.open() // a restart forgets nothing of it
	}
	first := r.offer.Custom.Release
	want := []string{first + " baseline known", first + " progress downloading", first + " progress installed",
		first + " progress running", first + " effect running", "second baseline known", first + " effect running",
		"second baseline known", "second baseline known"}
	if diff := cmp.Diff(want, about(r.server.Reports())); diff != "" {
		t.Fatal(diff)
	}
	if got := r.client.Release(); got != first {
		t.Errorf("reports are about %s", got)
	}
	for _, g := range r.server.Reports() {
		if s := offers.DrawSecret(r.client.own.Secret, g.Release); g.DrawCommit != "" && g.DrawCommit != offers.Commitment(s) {
			t.Errorf("%d: the commitment is not to the draw for %s", g.Seq, g.Release)
		}
		if g.Release == "second" && len(g.Answers) == 0 {
			t.Error("the questions of the next release are not answered")
		}
	}
	r.server.Offers["armani"] = []offers.Offer{next}
	r.server.Publish()
	r.client.Hurry()
	r.step()
	all := r.server.Reports()
	if last := all[len(all)-1]; last.Release != "second" || last.Progress != report.ProgressRunning || r.client.Ahead() != "" {
		t.Errorf("the last report: %+v", last)
	}
}

// TestWaitingForOneAndSeeingTheNext: the stages of the one that is offered go on; the other has one baseline a week.
func TestWaitingForOneAndSeeingTheNext(t *testing.T) {
	r := newRig(t)
	r.offer.Share = 0
	r.second()
	r.offered()
	for range 4 {
		r.step()
		r.pass(24 * time.Hour)
		r.server.Publish()
	}
	first := r.offer.Custom.Release
	if diff := cmp.Diff([]string{first + " baseline known", "second baseline known"}, about(r.server.Reports())); diff != "" {
		t.Fatal(diff)
	}
	r.pass(5 * 24 * time.Hour)
	r.step()
	if n := len(r.server.Reports()); n != 4 {
		t.Errorf("%d reports after a week: %v", n, about(r.server.Reports()))
	}
	r.server.Offers["armani"] = nil // it is given up, and the next one takes its place
	r.server.Publish()
	r.client.Hurry()
	if r.step(); r.client.Release() != "second" || r.client.Ahead() != "" {
		t.Errorf("reports are about %s, ahead is %q", r.client.Release(), r.client.Ahead())
	}
}

// TestNotAhead: what is signed for others, or would be a step back, is nothing to report on.
func TestNotAhead(t *testing.T) {
	for name, change := range map[string]func(*manifests.Custom){
		"another image":   func(c *manifests.Custom) { c.Variant = "armani" },
		"another channel": func(c *manifests.Custom) { c.Channel = "beta" },
		"a lower counter": func(c *manifests.Custom) { c.Counter = 1 },
		"an older build":  func(c *manifests.Custom) { c.Build.UTC = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.step()
			n := len(r.server.Reports())
			r.second(change)
			r.server.Publish()
			r.client.Hurry()
			if r.step(); len(r.server.Reports()) != n || r.client.Ahead() != "" {
				t.Errorf("%v", about(r.server.Reports()[n:]))
			}
		})
	}
}

// TestAheadHoldsNoUpdateBack: a release ahead whose manifest is not there is looked for again and is nobody's failure; an
// update that is offered meanwhile comes all the same.
func TestAheadHoldsNoUpdateBack(t *testing.T) {
	r := newRig(t)
	r.second()
	missing := true
	r.server.Bend = func(w http.ResponseWriter, req *http.Request) bool {
		if missing && strings.Contains(req.URL.Path, "second") {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		return false
	}
	r.offered()
	if refusal := r.step(); refusal != nil || !r.patched() {
		t.Fatalf("the update was held back: %v", refusal)
	}
	r.pass(25 * time.Hour)
	if refusal := r.step(); refusal == nil || refusal.Class != ClassNetwork {
		t.Errorf("the poll ended with %v", refusal)
	}
	missing = false
	r.pass(25 * time.Hour)
	r.step()
	for _, g := range r.server.Reports() {
		if g.Failure != nil {
			t.Errorf("%d reports a failure", g.Seq)
		}
	}
	if got := r.client.Ahead(); got != "second" {
		t.Errorf("ahead is %q", got)
	}
}

// TestOfflineRoleOutOfDate: where nothing is offered, a role that cannot be believed is as if it were empty.
func TestOfflineRoleOutOfDate(t *testing.T) {
	r := newRig(t)
	r.server.Offers["armani"] = nil
	r.server.Alter = func(role string, signed map[string]any) {
		if role == "armani" {
			signed["expires"] = "2014-08-01T00:00:00Z"
		}
	}
	r.server.Publish()
	if refusal := r.step(); refusal != nil || len(r.server.Reports()) > 0 || r.client.State() != Idle {
		t.Errorf("%v, %v, %s", refusal, about(r.server.Reports()), r.client.State())
	}
	r.server.Alter = nil
	r.server.Publish()
	r.client.Hurry()
	if r.step(); len(r.server.Reports()) != 1 {
		t.Error("it does not look again")
	}
}

// TestAheadNeedsANewerProgram: the signers of a manifest that wants another program get no baseline from this one.
func TestAheadNeedsANewerProgram(t *testing.T) {
	r := newRig(t)
	r.withManifest(func(m *manifests.Manifest) []byte {
		return []byte(put(`"release"`, `"must_understand":["x"]`)(string(m.Bytes())))
	})
	r.server.Offers["armani"] = nil
	r.server.Publish()
	if _, err := r.client.Step(t.Context()); err != nil || len(r.server.Reports()) > 0 {
		t.Errorf("%v, %v", about(r.server.Reports()), errors.Unwrap(err))
	}
}
