// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestRetryAfter: a server that is busy is left alone for as long as it asks, whatever it was asked for, and for a day
// at most.
func TestRetryAfter(t *testing.T) {
	const hour = time.Hour
	for i, path := range []string{".zip", ".root.json", "/timestamp.json", ".snapshot.json", "armani.json", ".stable.json",
		"armani_global.json", "/v1/reports"} {
		for n, tt := range []struct {
			status   int
			after    string
			min, max time.Duration // from now on
		}{
			{503, "7200", 2 * hour, 2*hour + 12*time.Minute},
			{429, "7200", 2 * hour, 2*hour + 12*time.Minute},
			{503, "Tue, 12 Aug 2014 09:00:00 GMT", 3 * hour, 3*hour + 18*time.Minute},
			{503, "99999999999999999999999999", 24 * hour, 24*hour + 144*time.Minute},
			{503, "1", 0, 5 * time.Minute},
			{503, "", 0, 5 * time.Minute},
			{503, "-7200", 0, 5 * time.Minute},
			{503, "soon", 0, 5 * time.Minute},
			{500, "7200", 0, 5 * time.Minute}, // RFC 9110 gives it no meaning there
		} {
			if i > 0 && n > 1 {
				continue // whoever it is that asked, the header is read by one
			}
			t.Run(fmt.Sprintf("%s %d %s", path, tt.status, tt.after), func(t *testing.T) {
				r := newRig(t)
				r.busy(path, tt.status, tt.after)
				r.step()
				at := r.client.store.mem.Wake
				if path == "/v1/reports" {
					at = r.client.store.mem.OutboxWake
				}
				if wait := at.Sub(r.now); wait < tt.min || wait > tt.max {
					t.Errorf("it waits for %s, wanted %s to %s", wait, tt.min, tt.max)
				}
			})
		}
	}
}

func (r *rig) busy(path string, status int, after string) {
	r.server.Bend = func(w http.ResponseWriter, req *http.Request) bool {
		if !strings.HasSuffix(req.URL.Path, path) {
			return false
		}
		w.Header().Set("Retry-After", after)
		w.WriteHeader(status)
		return true
	}
}

// A poll that would have been a single conditional request is no exception, and Hurry asks all the same.
func TestRetryAfterOfAConditionalPoll(t *testing.T) {
	r := waiting(t)
	asked := 0
	r.server.Bend = func(w http.ResponseWriter, req *http.Request) bool {
		asked++
		w.Header().Set("Retry-After", "7200")
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
	r.step()
	if wait := r.client.store.mem.Wake.Sub(r.now); asked != 1 || wait < 2*time.Hour {
		t.Errorf("after %d requests it waits for %s", asked, wait)
	}
	r.now = r.now.Add(time.Hour)
	if r.step(); asked != 1 {
		t.Error("it asked before the time")
	}
	r.client.Hurry()
	if r.step(); asked != 2 {
		t.Error("the user asked for updates, and it did not ask")
	}
}

// A date is held against the server's own: a handset's clock may be anything.
func TestRetryAfterDate(t *testing.T) {
	h := http.Header{"Retry-After": {"Tue, 12 Aug 2014 09:00:00 GMT"}, "Date": {"Tue, 12 Aug 2014 08:30:00 GMT"}}
	for name, now := range map[string]time.Time{"1970": time.Unix(0, 0), "right": testStart, "ahead": testStart.Add(year)} {
		if got := retryAfter(h, now); got != 30*time.Minute {
			t.Errorf("%s: %s", name, got)
		}
	}
	h.Set("Date", "Tue, 12 Aug 2014 10:00:00 GMT")
	if got := retryAfter(h, testStart); got != 0 {
		t.Errorf("a date that has passed: %s", got)
	}
}
