// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestRetryAfter: a server that is busy is left alone for about as long as it asks, whatever it was asked for, in one of
// three steps.
func TestRetryAfter(t *testing.T) {
	const minute, hour = time.Minute, time.Hour
	for i, path := range []string{".zip", ".root.json", "/timestamp.json", ".snapshot.json", "armani.json", ".stable.json",
		"armani_global.json", "/v1/reports"} {
		for n, tt := range []struct {
			status   int
			after    string
			min, max time.Duration // from now on
		}{
			{503, "7200", 30 * minute, 90 * minute},
			{429, "7200", 30 * minute, 90 * minute},
			{503, "600", 5 * minute, 15 * minute},
			{503, "601", 30 * minute, 90 * minute},
			{503, "60", minute / 2, minute * 3 / 2},
			{503, "61", 5 * minute, 15 * minute},
			{503, "1", minute / 2, minute * 3 / 2},
			{503, "Tue, 12 Aug 2014 09:00:00 GMT", 30 * minute, 90 * minute}, // in three hours
			{503, "99999999999999999999999999", 30 * minute, 90 * minute},
			{503, "0", 0, 5 * time.Minute},
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
	if wait := r.client.store.mem.Wake.Sub(r.now); asked != 1 || wait < 30*time.Minute {
		t.Errorf("after %d requests it waits for %s", asked, wait)
	}
	r.now = r.now.Add(29 * time.Minute)
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
		if got := asksFor(h, now); got != 30*time.Minute || retryAfter(h, now) != time.Hour {
			t.Errorf("%s: %s", name, got)
		}
	}
	h.Set("Date", "Tue, 12 Aug 2014 10:00:00 GMT")
	if got := retryAfter(h, testStart); got != 0 {
		t.Errorf("a date that has passed: %s", got)
	}
}

// TestBusyForLong: who is asked to come back each minute does so three times, and then no sooner than by itself: no server
// has a handset try all day.
func TestBusyForLong(t *testing.T) {
	c := chance{rand.NewChaCha8([32]byte{7})}
	for tries := 1; tries <= 12; tries++ {
		for range 100 {
			own, asked := firstWait<<(tries-1)/2, c.backOff(tries, time.Minute)
			own = min(own, longWait/2)
			if tries <= promptTries && (asked < time.Minute/2 || asked > 90*time.Second) {
				t.Fatalf("try %d: %s, wanted about a minute", tries, asked)
			}
			if tries > promptTries && asked < own {
				t.Fatalf("try %d: %s, wanted at least %s", tries, asked, own)
			}
		}
	}
}
