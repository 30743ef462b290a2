// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"landed/server"
)

// What handsets poll is looked at: when it expires, and if the clock is behind it.
func TestReadyLooksAtWhatIsPublished(t *testing.T) {
	now, dir := leftAt, unpack(t, filepath.Join(oldFolder, "folder.tar.gz"))
	log := &strings.Builder{}
	s, err := server.New(server.Config{DataDir: dir, Now: func() time.Time { return now }, Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		after time.Duration
		want  string
	}{
		{0, ""}, {17 * time.Hour, ""}, {19 * time.Hour, "expiry"}, {25 * time.Hour, "expiry"}, {-2 * time.Hour, "clock"},
	} {
		was := now
		now = now.Add(tt.after)
		if got := strings.Join(s.LookAgain(t.Context()), " "); got != tt.want {
			t.Errorf("%s later: %q, wanted %q", tt.after, got, tt.want)
		}
		now = was
	}
	for _, away := range []string{"feed/metadata/timestamp.json", "feed"} {
		if err := os.RemoveAll(filepath.Join(dir, away)); err != nil {
			t.Fatal(err)
		}
		if found := s.LookAgain(t.Context()); len(found) != 1 || found[0] != "feed" {
			t.Errorf("without %s: %v", away, found)
		}
		if err := s.Tick(t.Context()); err != nil {
			t.Error(err)
		}
		if found := s.LookAgain(t.Context()); len(found) > 0 {
			t.Errorf("%s did not come back: %v", away, found)
		}
	}
	// What people sign is told by the loop, once, whoever watches.
	now = now.AddDate(0, 0, 200)
	for range 2 {
		_ = s.Tick(t.Context()) // it cannot publish any more
	}
	if found := s.LookAgain(t.Context()); !slices.Contains(found, "expiry") {
		t.Errorf("after the roles of people expired: %v", found)
	}
	if got := log.String(); strings.Count(got, "msg=\"signatures expire\"") != 1 || !strings.Contains(got, "the armani of the feed expired") {
		t.Errorf("the log:\n%s", got)
	}
}
