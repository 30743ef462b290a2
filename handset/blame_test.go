// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"landed/manifests/report"
)

// passing are faults of the way, the server and the own disk that stop a download.
var passing = map[string]struct {
	do    func(r *rig, w http.ResponseWriter)
	cause report.Cause
}{
	"busy": {func(_ *rig, w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) }, report.CauseServer},
	"cut": {func(r *rig, w http.ResponseWriter) {
		w.Header().Set("Content-Length", strconv.Itoa(len(r.content)))
		w.Write(r.content[:1000])
	}, report.CauseNetwork},
	"other bytes": {func(r *rig, w http.ResponseWriter) {
		w.Header().Set("Content-Length", strconv.Itoa(len(r.content)))
		w.Write(slices.Repeat([]byte{1}, len(r.content)))
	}, report.CauseServer},
}

func (r *rig) disturb(do func(*rig, http.ResponseWriter), stop *bool) {
	r.server.Bend = func(w http.ResponseWriter, req *http.Request) bool {
		if *stop || !strings.HasSuffix(req.URL.Path, ".zip") || req.Header.Get("Range") != "" {
			return false
		}
		do(r, w)
		return true
	}
}

// TestPassingFaultIsNoFailure: what stops a download and passes leaves no trace in the reports.
func TestPassingFaultIsNoFailure(t *testing.T) {
	for name, fault := range passing {
		t.Run(name, func(t *testing.T) {
			r, stop := newRig(t), false
			r.disturb(fault.do, &stop)
			for range 3 {
				if r.step(); r.patched() {
					t.Fatal("nothing was disturbed")
				}
				stop = name == "cut" // the rest comes when it is asked for
				r.pass(25 * time.Hour)
				if stop {
					break
				}
			}
			stop = true
			r.step()
			want := []string{"1 baseline known 0h", "2 progress downloading 0h", "3 progress installed 24h", "4 progress running 0h"}
			if diff := cmp.Diff(want, kinds(r.server.Reports())); diff != "" || !r.patched() {
				t.Error(diff)
			}
		})
	}
}

// TestLastingFaultIsToldOnce: what stops every download for the better part of a day is said once, with its cause; the
// handset goes on trying, and says so when it gets through.
func TestLastingFaultIsToldOnce(t *testing.T) {
	r, stop := newRig(t), false
	r.disturb(passing["busy"].do, &stop)
	for range lastingTries + 4 {
		r.step()
		r.pass(25 * time.Hour)
	}
	var failed []report.Report
	for _, sent := range r.server.Reports() {
		if sent.Progress == report.ProgressFailed && sent.Kind == report.KindProgress {
			failed = append(failed, sent)
		}
	}
	if len(failed) != 1 || report.CauseOf(*failed[0].Failure) != report.CauseServer {
		t.Errorf("it told of %+v; reports %v", failed, kinds(r.server.Reports()))
	}
	stop = true
	r.step()
	all := kinds(r.server.Reports())
	if !r.patched() || !strings.Contains(all[len(all)-2], "progress installed ") {
		t.Errorf("in the end: %v", all)
	}
}

// TestRetryThatPeopleAskFor: a handset that gave up a package tries it again when a larger number is offered.
func TestRetryThatPeopleAskFor(t *testing.T) {
	r := newRig(t)
	r.dead = true
	for range maxInstalls + 2 {
		r.step()
		r.pass(25 * time.Hour)
	}
	if r.client.store.mem.GaveUp == "" {
		t.Fatal("it was not given up")
	}
	r.dead = false
	r.step()
	if r.pass(25 * time.Hour); r.patched() {
		t.Fatal("it was tried without being asked")
	}
	r.offer.Retry = 1
	r.offered()
	if refusal := r.step(); refusal != nil || !r.patched() {
		t.Errorf("asked to try again: %v", refusal)
	}
}
