// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"landed/manifests/offers"
	"landed/manifests/report"
)

func kinds(reports []report.Report) (lines []string) {
	for _, r := range reports {
		line := fmt.Sprintf("%d %s %s %dh", r.Seq, r.Kind, r.Progress, r.Answers["observed_hours"].Int())
		if r.Failure != nil {
			line += fmt.Sprintf(" %s %d", r.Failure.Phase, r.Failure.Code)
		}
		lines = append(lines, line)
	}
	return lines
}

func TestUpdateFromPollToAWeekLater(t *testing.T) {
	r := newRig(t)
	for range 9 * 24 {
		if refusal := r.step(); refusal != nil {
			t.Fatal(refusal)
		}
		r.pass(time.Hour)
	}
	if !r.patched() || r.slots.Unproven() {
		t.Error("the patched build does not run for good")
	}
	want := []string{
		"1 baseline known 0h", "2 progress downloading 0h", "3 progress installed 0h", "4 progress running 0h",
		"5 effect running 1h", "6 effect running 24h", "7 effect running 168h",
	}
	if diff := cmp.Diff(want, kinds(r.server.Reports())); diff != "" {
		t.Error(diff)
	}
	if _, err := os.Stat(r.dir + "/client/" + downloadFile); err == nil {
		t.Error("the package was left on the disk")
	}
}

func TestWaitingHandsetReportsWeekly(t *testing.T) {
	r := newRig(t)
	r.offer.Share = 0
	r.server.Offers["armani"] = []offers.Offer{r.offer}
	r.server.Publish()
	for range 22 {
		r.step()
		r.pass(24 * time.Hour)
	}
	want := []string{"1 baseline known 0h", "2 baseline known 168h", "3 baseline known 168h", "4 baseline known 168h"}
	if diff := cmp.Diff(want, kinds(r.server.Reports())); diff != "" {
		t.Error(diff)
	}
}

// TestKilledAnywhere stops the client right after its n-th write, for every n, and starts it again.
func TestKilledAnywhere(t *testing.T) {
	for n := 1; ; n++ {
		r := newRig(t)
		r.saves = n
		killed := r.stepUntilKilled()
		r.saves = 0
		r.open()
		for range 50 {
			r.step()
			r.pass(time.Hour)
		}
		if !r.patched() {
			t.Errorf("killed after write %d: the patched build does not run", n)
		}
		seqs := map[int64]string{}
		for _, got := range r.server.Reports() {
			if other, twice := seqs[got.Seq]; twice && other != got.ID {
				t.Errorf("killed after write %d: two reports carry sequence %d", n, got.Seq)
			}
			seqs[got.Seq] = got.ID
		}
		if last := r.server.Reports(); last[len(last)-1].Progress != report.ProgressRunning {
			t.Errorf("killed after write %d: the last report says %s", n, last[len(last)-1].Progress)
		}
		if !killed {
			if n < 8 {
				t.Errorf("only %d writes in a whole update", n)
			}
			return
		}
	}
}

func (r *rig) stepUntilKilled() (killed bool) {
	defer func() {
		if fault := recover(); fault != nil {
			if fault != errKilled {
				panic(fault)
			}
			killed = true
		}
	}()
	r.step()
	return false
}

func TestBadBootFallsBackAndGivesUp(t *testing.T) {
	r := newRig(t)
	r.dead = true
	failed := 0
	for range 20 {
		if refusal := r.step(); refusal != nil {
			failed++
			if refusal.Phase != report.PhaseBoot || refusal.Code != 19 {
				t.Fatalf("got %v", refusal)
			}
		}
		r.pass(25 * time.Hour)
	}
	if failed != maxInstalls || r.patched() {
		t.Errorf("failed %d times, wanted %d, and the old build to run", failed, maxInstalls)
	}
	if _, err := os.Stat(r.dir + "/client/" + downloadFile); err == nil {
		t.Error("the package was left on the disk")
	}
}

func TestInterruptedDownloadGoesOnByRange(t *testing.T) {
	r := newRig(t)
	var ranges []string
	r.server.Bend = func(w http.ResponseWriter, req *http.Request) bool {
		if !strings.Contains(req.URL.Path, ".zip") {
			return false
		}
		ranges = append(ranges, req.Header.Get("Range"))
		if len(ranges) > 1 {
			return false
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(r.content)))
		w.Header().Set("ETag", `"x"`)
		w.Write(r.content[:1000])
		return true
	}
	if refusal := r.step(); refusal == nil || refusal.Class != ClassNetwork || refusal.Phase != report.PhaseDownload {
		t.Fatalf("got %v", refusal)
	}
	r.pass(25 * time.Hour)
	if refusal := r.step(); refusal != nil || !r.patched() {
		t.Fatalf("got %v", refusal)
	}
	if diff := cmp.Diff([]string{"", "bytes=1000-"}, ranges); diff != "" {
		t.Error(diff)
	}
}

func TestClocks(t *testing.T) {
	for name, c := range map[string]struct {
		skew time.Duration
		runs bool
	}{
		"1970":             {time.Unix(0, 0).Sub(testStart), true},
		"a day behind":     {-24 * time.Hour, true},
		"ten years ahead":  {10 * 365 * 24 * time.Hour, false},
		"an hour ahead":    {time.Hour, true},
		"the year 1 or so": {time.Unix(0, 0).AddDate(-100, 0, 0).Sub(testStart), true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.skew = c.skew
			if err := Reset(r.dir + "/client"); err != nil {
				t.Fatal(err)
			}
			r.open()
			refusal := r.step()
			if r.patched() != c.runs {
				t.Fatalf("patched: %v, refusal: %v", r.patched(), refusal)
			}
			if c.runs {
				return
			}
			if refusal == nil || refusal.Class != ClassFreeze {
				t.Errorf("got %v, wanted %s", refusal, ClassFreeze)
			}
			r.skew = 0 // the network sets the clock right
			if r.step(); !r.patched() {
				t.Error("a clock that was ahead once must leave no mark")
			}
		})
	}
}

func TestPollSizes(t *testing.T) {
	r := newRig(t)
	for range 3 {
		r.step()
		r.pass(14 * time.Hour)
	}
	r.step()
	r.server.Traffic()
	r.now = r.now.Add(14 * time.Hour)
	r.step()
	if requests, bytes := r.server.Traffic(); requests != 1 || bytes != 0 {
		t.Errorf("an unchanged poll costs %d requests and %d bytes, wanted one 304", requests, bytes)
	}
	r.offer.Stage = 2
	r.server.Offers["armani"] = []offers.Offer{r.offer}
	r.server.Publish()
	r.now = r.now.Add(14 * time.Hour)
	r.step()
	if requests, bytes := r.server.Traffic(); bytes == 0 || bytes >= 10_000 {
		t.Errorf("a changed poll costs %d requests and %d bytes, wanted less than 10,000", requests, bytes)
	} else {
		t.Logf("a changed poll: %d requests, %d bytes", requests, bytes)
	}
}

// A channel that never had a rollout has no offers document. That is no fault of anybody.
func TestNothingWasEverOffered(t *testing.T) {
	r := newRig(t)
	r.channel = "beta"
	r.open()
	if refusal := r.step(); refusal != nil || r.client.State() != Idle || len(r.server.Reports()) != 0 {
		t.Fatalf("got %v in state %s, %d reports", refusal, r.client.State(), len(r.server.Reports()))
	}
	if st, err := r.client.Status(); err != nil || !strings.HasPrefix(st.Reason, "No update is offered") {
		t.Errorf("reason %q, %v", st.Reason, err)
	}
}

// A model that was given up: nothing is wrong with the feed or the handset. It says so in words, goes on
// reporting, and updates if the model comes back.
func TestRetiredModel(t *testing.T) {
	for name, begun := range map[string]bool{"it waits": false, "it has begun": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			if !begun {
				r.offer.Share = 0
			}
			r.server.Offers["armani"] = []offers.Offer{r.offer}
			r.server.Publish()
			r.server.Bend = func(w http.ResponseWriter, req *http.Request) bool { // packages are out of reach
				if strings.HasSuffix(req.URL.Path, ".zip") {
					http.Error(w, "busy", http.StatusServiceUnavailable)
				}
				return strings.HasSuffix(req.URL.Path, ".zip")
			}
			r.step()
			if begun != (r.client.store.mem.Offer != nil) {
				t.Fatalf("the handset is %s", r.client.store.mem.State)
			}
			r.server.Bend = nil
			r.client.store.mem.State = Checking // as after a restart
			r.server.Retired = map[string]bool{"armani": true}
			r.server.Publish()
			for range 15 {
				if refusal := r.step(); refusal != nil {
					t.Fatal(refusal)
				}
				r.pass(24 * time.Hour)
			}
			if words := r.client.store.mem.Reason; !strings.Contains(words, "no updates for this model") || r.client.store.mem.Offer != nil || r.patched() {
				t.Errorf("the handset is %s: %s", r.client.store.mem.State, words)
			}
			reports := r.server.Reports()
			if last := reports[len(reports)-1]; (last.Failure != nil && last.Failure.Phase == report.PhaseMetadata) || len(reports) < 3 {
				t.Errorf("it reported: %v", kinds(reports))
			}
			r.offer.Share = offers.WholeFleet
			r.server.Offers["armani"] = []offers.Offer{r.offer}
			r.server.Retired = nil
			r.server.Publish()
			for range 50 {
				r.step()
				r.pass(time.Hour)
			}
			if !r.patched() {
				t.Errorf("the model came back, and the handset is %s: %s", r.client.store.mem.State, r.client.store.mem.Reason)
			}
		})
	}
}
