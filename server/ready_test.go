// SPDX-License-Identifier: Apache-2.0

package server

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"landed/server/fleet"
	"landed/server/headroom"
)

// readyz are the causes that /readyz names, joined; "" if it is ready.
func (h *house) readyz() string {
	h.t.Helper()
	h.readiness.mu.Lock()
	h.readiness.at = time.Time{} // look again
	h.readiness.mu.Unlock()
	resp, answer := h.do("", "GET", "/readyz", "")
	var names []string
	all, _ := answer["causes"].([]any)
	for _, c := range all {
		one := c.(map[string]any)
		names = append(names, one["name"].(string))
		if detail, _ := answer["detail"].(string); !strings.Contains(detail, one["detail"].(string)) {
			h.t.Errorf("the words leave out %q: %q", one["detail"], detail)
		}
	}
	if (resp.StatusCode == http.StatusOK) != (len(names) == 0) || resp.StatusCode != http.StatusOK && answer["code"] != "not_ready" {
		h.t.Errorf("/readyz: %s, %v", resp.Status, answer)
	}
	return strings.Join(names, " ")
}

func (h *house) wantReadyz(want string) {
	h.t.Helper()
	if got := h.readyz(); got != want {
		h.t.Errorf("not ready because of %q; wanted %q", got, want)
	}
}

// Each cause is named, while it lasts.
func TestReadyNamesEachCause(t *testing.T) {
	now, disk := testNow, headroom.Space{Free: 90 << 20, Total: 100 << 20}
	h := newHouse(t, func(c *Config) {
		c.Now = func() time.Time { return now }
		c.Headroom = headroom.Config{Reserve: 1 << 20, Mark: headroom.DefaultMark,
			Space: func(string) (headroom.Space, error) { return disk, nil },
			Now:   func() time.Time { now = now.Add(time.Second); return now }} // no answer is kept
	})
	h.wantReadyz("")
	disk.Free = 50<<20 - 1
	h.wantReadyz("disk")
	disk.Free = 90 << 20
	if err := os.Remove(filepath.Join(h.dir, headroom.FileName)); err != nil {
		t.Fatal(err)
	}
	h.wantReadyz("disk")
	h.tick()
	h.wantReadyz("")

	if err := os.RemoveAll(filepath.Join(h.dir, "feed")); err != nil {
		t.Fatal(err)
	}
	h.wantReadyz("feed")
	h.tick()
	h.wantReadyz("")

	if log := h.log.String(); strings.Count(log, "msg=\"not ready\"") != 2 || strings.Count(log, "msg=\"ready again\"") != 2 {
		t.Errorf("the log:\n%s", log)
	}
	if err := h.db.Close(); err != nil {
		t.Fatal(err)
	}
	h.wantReadyz("database")
}

func (h *house) tick() {
	h.t.Helper()
	if err := h.Tick(h.t.Context()); err != nil {
		h.t.Error(err)
	}
}

// Damage is told once a minute, of each kind: with a damaged file of reports, strangers meet it as often as they like.
func TestDamageIsToldOnceAMinute(t *testing.T) {
	var d damageWatch
	reports, disk := fleet.Errorf(fleet.Damaged, "reports_unavailable", "x"), fleet.Errorf(fleet.Damaged, "database_disk", "x")
	for _, tt := range []struct {
		after time.Duration
		err   error
		want  bool
	}{{0, reports, true}, {0, disk, true}, {59 * time.Second, reports, false}, {time.Minute, reports, true},
		{90 * time.Second, reports, false}, {90 * time.Second, disk, true}} {
		if got := d.due(testNow.Add(tt.after), tt.err); got != tt.want {
			t.Errorf("%v after %s: told %t", tt.err, tt.after, got)
		}
	}
}

// On a disk that is nearly full reports wait on their handsets, and packages are refused before they are sent.
func TestNothingComesInOnAFullDisk(t *testing.T) {
	h := newHouse(t, func(c *Config) {
		c.Headroom = headroom.Config{Mark: 10 << 20, Space: func(string) (headroom.Space, error) { return headroom.Space{Free: 11 << 20, Total: 1 << 30}, nil }}
	})
	upload := func(size int64) int {
		sent, more := io.Pipe()
		defer more.Close() // nothing is ever sent
		r, err := http.NewRequest("POST", h.url+"/v1/packages?name=x.zip&channel=lab", sent)
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = size
		r.Header.Set("Authorization", "Bearer "+h.tokens[fleet.RoleEngineer])
		r.Header.Set("Expect", "100-continue")
		client := http.Client{Transport: &http.Transport{ExpectContinueTimeout: time.Minute}}
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	if got := upload(1<<20 + 1); got != http.StatusInsufficientStorage {
		t.Errorf("a package that does not fit: %d", got)
	}
	resp, answer := h.do("", "POST", "/v1/reports", "{}", "Content-Type", "application/json")
	if resp.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("above the mark: %s %v", resp.Status, answer)
	}
	low := newHouse(t, func(c *Config) {
		c.Headroom = headroom.Config{Mark: 10 << 20, Space: func(string) (headroom.Space, error) { return headroom.Space{Free: 9 << 20, Total: 1 << 30}, nil }}
	})
	resp, answer = low.do("", "POST", "/v1/reports", "{}", "Content-Type", "application/json")
	if resp.StatusCode != http.StatusServiceUnavailable || answer["code"] != "disk_low" || resp.Header.Get("Retry-After") != "300" {
		t.Errorf("below the mark: %s, Retry-After %q, %v", resp.Status, resp.Header.Get("Retry-After"), answer)
	}
}

// The figures are for whoever has a token.
func TestMetrics(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.Headroom.Reserve = 1 << 20 })
	if resp, _ := h.do("", "GET", "/metrics", ""); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("anybody gets %s", resp.Status)
	}
	h.damaged(fleet.Errorf(fleet.Damaged, "x", "x"))
	if err := os.Remove(filepath.Join(h.dir, headroom.FileName)); err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest("GET", h.url+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+h.tokens[fleet.RoleSupport])
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	for _, line := range []string{
		"landed_database_damaged_total 1", "landed_reserve_missing 1", "landed_reserve_bytes 1.048576e+06", "landed_rollouts_halting 0",
		`landed_not_ready{cause="disk"} 1`, `landed_not_ready{cause="feed"} 0`, "landed_publication_failing 0", "landed_unpublished_seconds 0",
	} {
		if err != nil || !strings.Contains(string(text), "\n"+line+"\n") {
			t.Errorf("no line %q (%v) in\n%s", line, err, text)
		}
	}
	if !strings.Contains(h.log.String(), "level=ERROR msg=\"the database is damaged") {
		t.Error("the log does not say that the database is damaged")
	}
}
