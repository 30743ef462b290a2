// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"landed/server"
	"landed/server/datadir"
	"landed/server/fleet"
)

// keep gives what puts the files of a folder back as they are now.
func (c *chained) keep(names ...string) (put func()) {
	c.t.Helper()
	kept := c.t.TempDir()
	for _, name := range names {
		if err := copyAll(filepath.Join(kept, name), filepath.Join(c.dir, name)); err != nil {
			c.t.Fatal(err)
		}
	}
	return func() {
		c.t.Helper()
		for _, name := range names {
			for _, suffix := range []string{"", "-wal", "-shm"} {
				if err := os.RemoveAll(filepath.Join(c.dir, name+suffix)); err != nil {
					c.t.Fatal(err)
				}
			}
			if err := copyAll(filepath.Join(c.dir, name), filepath.Join(kept, name)); err != nil {
				c.t.Fatal(err)
			}
		}
	}
}

// copyAll copies a file or a folder.
func copyAll(to, from string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return os.CopyFS(to, os.DirFS(from))
	}
	return os.WriteFile(to, text, 0o600)
}

// TestNoFeedOfABackupNamesTheLoss: where a backup was restored, a feed that is newer than its database says only a part of what
// was lost. A person names the whole, and nothing but halts is published until then. Without a restore that was told, the feed
// is all there is, and names it.
func TestNoFeedOfABackupNamesTheLoss(t *testing.T) {
	for name, told := range map[string]bool{"told": true, "not told": false} {
		t.Run(name, func(t *testing.T) {
			c := newChained(t)
			database := c.keep(databaseFiles[:]...)
			c.run(1) // published while the reports were copied, say
			feed := c.keep("feed")
			c.run(10)
			seen := c.newest()
			database()
			feed()
			if told {
				if err := os.WriteFile(filepath.Join(c.dir, ".restored"), []byte(`{"file":"b.tar","at":"2026-11-01T03:00:00Z"}`), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			s, err := server.New(server.Config{DataDir: c.dir, Now: func() time.Time { return c.at }})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if err := s.Tick(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := s.Database().View(t.Context(), func(tx fleet.Tx) error {
				_, is, err := fleet.Unnamed(t.Context(), tx)
				lines, _ := tx.Audit().OfSubject(t.Context(), fleet.RestoreSubject, 5)
				if is != told || len(lines) == 0 || !strings.Contains(lines[0].Reason, "lost: timestamps") {
					t.Errorf("unnamed %t, wanted %t; the trail says %+v", is, told, lines)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if told && c.newest() <= seen {
				t.Errorf("snapshot %d is published; handsets saw %d", c.newest(), seen)
			}
		})
	}
}

// TestPutBackByOtherMeans: what otad restored says is obeyed by a server on the database that has no word of it in its folder.
func TestPutBackByOtherMeans(t *testing.T) {
	c := newChained(t)
	before := c.newest()
	dir, of := datadir.Dir(c.dir), c.at.Add(-time.Hour)
	for name, err := range map[string]error{
		"no reason": datadir.SayRestored(dir, of, " ", c.at), "two lines": datadir.SayRestored(dir, of, "a\nb", c.at), "no time": datadir.SayRestored(dir, time.Time{}, "a dump", c.at),
		"a time to come": datadir.SayRestored(dir, c.at.Add(time.Hour), "a dump", c.at),
	} {
		if err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if err := datadir.SayRestored(dir, of, "a dump", c.at); err != nil {
		t.Fatal(err)
	}
	c.at = c.at.Add(time.Second)
	c.run(0)
	if _, err := os.Stat(filepath.Join(c.dir, ".restored")); !os.IsNotExist(err) {
		t.Errorf(".restored after a start: %v", err)
	}
	s, err := server.New(server.Config{DataDir: c.dir, Now: func() time.Time { return c.at }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Database().View(t.Context(), func(tx fleet.Tx) error {
		line, is, err := fleet.Unnamed(t.Context(), tx)
		if at, told := fleet.BackupTime(line.Reason); !is || !told || !at.Equal(of.Truncate(time.Second)) || !strings.Contains(line.Reason, "a dump") {
			t.Errorf("unnamed %t: %+v", is, line)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if got := c.newest(); got < before+1000 {
		t.Errorf("snapshot %d is published after %d", got, before)
	}
}
