// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"crypto"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"landed/handset/handsettest"
	"landed/manifests/report"
)

// A handset that only waits has not failed at anything, whatever it meets at the feed. One that has begun has, if
// the feed is forged; and a quarrel about what it is offered is told in any case.
func TestWhatCountsAsFailed(t *testing.T) {
	forge := func(r *rig) { r.server.TimestampKey = handsettest.KeyOf("stranger"); r.server.Publish() }
	for name, c := range map[string]struct {
		begun bool
		do    func(r *rig)
		fails bool
	}{
		"waiting, feed stale":       {false, func(r *rig) { r.now = r.now.Add(48 * time.Hour) }, false},
		"begun, feed stale":         {true, func(r *rig) { r.now = r.now.Add(48 * time.Hour) }, false},
		"waiting, a year ahead":     {false, func(r *rig) { r.skew = year; r.pass(14 * time.Hour) }, false},
		"begun, a year ahead":       {true, func(r *rig) { r.skew = year; r.pass(14 * time.Hour) }, false},
		"waiting, feed forged":      {false, forge, false},
		"begun, feed forged":        {true, forge, true},
		"waiting, server down":      {false, func(r *rig) { r.bend("/tuf/", func(w http.ResponseWriter) { w.WriteHeader(503) }) }, false},
		"waiting, the roles differ": {false, func(r *rig) { r.offer.Share, r.offer.Custom.Counter = 10_000, 2; r.offered() }, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			if !c.begun {
				r.offer.Share = 0
				r.offered()
			}
			r.server.Bend = func(w http.ResponseWriter, req *http.Request) bool {
				if !strings.HasPrefix(req.URL.Path, "/tuf/targets/builds/") {
					return false
				}
				w.WriteHeader(503)
				return true
			}
			r.step()
			before := len(r.server.Reports())
			c.do(r)
			r.client.Hurry()
			r.step()
			failed := false
			for _, got := range r.server.Reports()[before:] {
				failed = failed || got.Progress == report.ProgressFailed && got.Failure.Phase == report.PhaseMetadata
			}
			if failed != c.fails {
				t.Errorf("told of failing: %v, wanted %v; reports %v", failed, c.fails, kinds(r.server.Reports()))
			}
			if st, err := r.client.Status(); err != nil || !c.begun && (st.Progress == report.ProgressFailed) != c.fails {
				t.Errorf("progress %s, %v", st.Progress, err)
			}
		})
	}
}

// A waiting handset says weekly that it waits, through an outage of the feed too.
func TestOutageOfTheFeedIsNoFailure(t *testing.T) {
	r := newRig(t)
	r.offer.Share = 0
	r.offered()
	for range 15 {
		r.step()
		r.now = r.now.Add(24 * time.Hour) // nobody renews
	}
	want := []string{"1 baseline known 0h", "2 baseline known 168h", "3 baseline known 168h"}
	if diff := cmp.Diff(want, kinds(r.server.Reports())); diff != "" {
		t.Error(diff)
	}
}

// A package that otapkg refuses is downloaded as often as one may fail, and no more.
func TestRefusedPackageIsGivenUp(t *testing.T) {
	r := newRig(t)
	r.client.cfg.Keys = []crypto.PublicKey{strangerKey(t)}
	downloads := 0
	r.server.Bend = func(w http.ResponseWriter, req *http.Request) bool {
		if strings.Contains(req.URL.Path, "/builds/") {
			downloads++
		}
		return false
	}
	for range 30 {
		r.step()
		r.pass(25 * time.Hour)
	}
	if downloads != maxInstalls {
		t.Errorf("downloaded %d times, wanted %d", downloads, maxInstalls)
	}
	st, err := r.client.Status()
	if err != nil || st.Progress != report.ProgressFailed || st.Failure.Phase != report.PhaseVerify {
		t.Errorf("progress %s, failure %+v, %v", st.Progress, st.Failure, err)
	}
}
