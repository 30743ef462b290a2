// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	fixtures "landed/firmware-fixtures"
	"landed/handset/handsettest"
	"landed/handset/slots"
	"landed/manifests/offers"
	"landed/manifests/otapkg"
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
				if !strings.HasSuffix(req.URL.Path, ".zip") {
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
	r.keys = []otapkg.Pin{strangerKey(t)}
	r.open()
	downloads := 0
	r.server.Bend = func(w http.ResponseWriter, req *http.Request) bool {
		if strings.Contains(req.URL.Path, ".zip") {
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

// A handset that cannot write takes the update once it can again: its own disk is not the package's fault.
func TestOwnDiskIsNotThePackagesFault(t *testing.T) {
	r := newRig(t)
	mend := r.breakFile("slots/slots.json")
	for range 2 * maxInstalls {
		if refusal := r.step(); refusal == nil || refusal.Class != ClassHandset {
			t.Fatalf("got %v", refusal)
		}
		r.pass(25 * time.Hour)
	}
	mend()
	r.step()
	if !r.patched() {
		st, _ := r.client.Status()
		t.Errorf("the patched build does not run: %s", st.Reason)
	}
}

// A system that came up while its mark could not be written is marked later, or it would be left for the old one.
func TestMarkIsMadeLater(t *testing.T) {
	r := newRig(t)
	var mend func()
	r.onBoot = func() { mend = r.breakFile("slots/slots.json") }
	if refusal := r.step(); refusal == nil || mend == nil {
		t.Fatalf("got %v", refusal)
	}
	r.onBoot = nil
	mend()
	dev, err := slots.Open(r.dir+"/slots", slots.Recovery, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.slots = dev
	r.open()
	r.pass(25 * time.Hour)
	r.step()
	if !r.patched() || r.slots.Unproven() {
		t.Errorf("the patched build runs: %v; unproven: %v", r.patched(), r.slots.Unproven())
	}
}

// So it is when something newer is offered by then: the old system never comes back over a good one.
func TestMarkIsMadeBeforeTheNextInstall(t *testing.T) {
	r := newRig(t)
	var mend func()
	r.onBoot = func() { mend = r.breakFile("slots/slots.json") }
	if refusal := r.step(); refusal == nil || mend == nil {
		t.Fatalf("got %v", refusal)
	}
	r.onBoot = nil
	mend()
	dev, err := slots.Open(r.dir+"/slots", slots.Recovery, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.slots = dev
	r.open()
	fix := build(t, fixtures.Bad) // the newest there is
	custom := customOf(fix)
	custom.Release, custom.Counter = "next", 2
	o := r.server.Add(custom, fix.Incremental, packageOf(t, fix))
	o.Rollout = "next.armani.stable"
	r.server.Offers["armani"] = []offers.Offer{o}
	r.server.Publish()
	for range 4 {
		r.pass(25 * time.Hour)
		r.step()
	}
	if img, err := r.slots.Image(); err != nil || img.Build.Fingerprint != fix.Fingerprint {
		t.Errorf("%s runs (%v): %s", img.Build.Fingerprint, err, r.client.store.mem.Reason)
	}
}

// What was kept of an interrupted download never stands in the way for ever, whatever somebody on the way answered.
func TestResumeThatIsRefusedBeginsAnew(t *testing.T) {
	partly := func(r *rig, w http.ResponseWriter, etag string) {
		w.Header().Set("Content-Length", strconv.Itoa(len(r.content)))
		w.Header().Set("ETag", etag)
		w.Write(r.content[:1000])
	}
	for name, c := range map[string]struct {
		etag   string
		refuse func(w http.ResponseWriter, req *http.Request) bool
	}{
		"a tag that is too long": {`"` + strings.Repeat("x", 100_000) + `"`, func(w http.ResponseWriter, req *http.Request) bool {
			if len(req.Header.Get("If-Range")) < 8<<10 {
				return false
			}
			w.WriteHeader(http.StatusRequestHeaderFieldsTooLarge)
			return true
		}},
		"ranges are refused": {`"x"`, func(w http.ResponseWriter, req *http.Request) bool {
			if req.Header.Get("Range") == "" {
				return false
			}
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return true
		}},
		"other ranges are sent": {`"x"`, func(w http.ResponseWriter, req *http.Request) bool {
			if req.Header.Get("Range") == "" {
				return false
			}
			w.Header().Set("Content-Range", "bytes 0-9/10")
			w.WriteHeader(http.StatusPartialContent)
			return true
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			begun := false
			r.server.Bend = func(w http.ResponseWriter, req *http.Request) bool {
				if !strings.Contains(req.URL.Path, ".zip") {
					return false
				}
				if !begun {
					begun = true
					partly(r, w, c.etag)
					return true
				}
				return c.refuse(w, req)
			}
			for range 3 {
				r.step()
				r.pass(25 * time.Hour)
			}
			if !r.patched() {
				t.Error("the download never went on")
			}
		})
	}
}

// A factory reset forgets the key, also where a write of the state was cut off by a power cut.
func TestResetLeavesNoKey(t *testing.T) {
	r := newRig(t)
	r.step()
	seed := base64.StdEncoding.EncodeToString(r.client.store.mem.Seed)
	text, err := os.ReadFile(r.dir + "/client/" + stateFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.dir+"/client/"+stateFile+".1234", text[:len(text)-10], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Reset(r.dir + "/client"); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(r.dir + "/client/*")
	for _, name := range files {
		if text, err := os.ReadFile(name); err == nil && strings.Contains(string(text), seed) {
			t.Errorf("%s holds the key still", filepath.Base(name))
		}
	}
}

// Words of a server are no commands to the terminal that shows them.
func TestAnswersCommandNoTerminal(t *testing.T) {
	r := newRig(t)
	r.rt = roundTrip(func(req *http.Request) (*http.Response, error) {
		resp, err := direct{r.server}.RoundTrip(req)
		if err == nil && (strings.Contains(req.URL.Path, ".zip") || strings.Contains(req.URL.Path, "/reports")) {
			resp.StatusCode, resp.Status = 503, "503 \x1b[2Jall is well"
		}
		return resp, err
	})
	r.open()
	if _, err := r.client.Step(t.Context()); err == nil || strings.ContainsRune(err.Error(), '\x1b') {
		t.Errorf("got %q", err)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
