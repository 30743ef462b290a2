// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"landed/manifests/heads"
	"landed/manifests/tufrepo"
	"landed/server"
	"landed/server/fleet"
	"landed/server/seal"
)

// chained is a folder whose trees were published, with days between.
type chained struct {
	t   *testing.T
	dir string
	at  time.Time
}

// run has a server on the folder tick on each of some days.
func (c *chained) run(days int) {
	c.t.Helper()
	s, err := server.New(server.Config{DataDir: c.dir, Now: func() time.Time { return c.at }})
	if err != nil {
		c.t.Fatal(err)
	}
	for range days {
		c.at = c.at.Add(48 * time.Hour)
		if err := s.Tick(c.t.Context()); err != nil {
			c.t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		c.t.Fatal(err)
	}
}

func (c *chained) file(name string) string {
	return filepath.Join(c.dir, "feed", "metadata", filepath.FromSlash(name))
}

func (c *chained) check(root []byte) heads.Result {
	c.t.Helper()
	found, err := heads.Check(func(name string) ([]byte, error) { return os.ReadFile(c.file(name)) }, root)
	if err != nil {
		c.t.Fatal(err)
	}
	return found
}

// newest is the version of the newest snapshot.
func (c *chained) newest() int64 {
	c.t.Helper()
	doc, err := os.ReadFile(c.file("timestamp.json"))
	if err != nil {
		c.t.Fatal(err)
	}
	info, err := tufrepo.Read(doc)
	if err != nil {
		c.t.Fatal(err)
	}
	return info.Files[tufrepo.Snapshot].Version
}

// edit changes a file until the test has looked at what that does.
func (c *chained) edit(name string, change func([]byte) []byte, look func()) {
	c.t.Helper()
	was, err := os.ReadFile(c.file(name))
	if err != nil {
		c.t.Fatal(err)
	}
	put := func(text []byte) {
		if err := os.Remove(c.file(name)); err != nil && !os.IsNotExist(err) {
			c.t.Fatal(err)
		}
		if text == nil {
			return
		}
		if err := os.WriteFile(c.file(name), text, 0o644); err != nil {
			c.t.Fatal(err)
		}
	}
	put(change(bytes.Clone(was)))
	look()
	put(was)
}

// newChained is a folder with five days behind it.
func newChained(t *testing.T) *chained {
	t.Helper()
	dir, at := chainedFolder.copied(t)
	return &chained{t, dir, at}
}

var chainedFolder = made{by: func(t *testing.T) (string, time.Time) {
	c := &chained{t, unpack(t, filepath.Join(oldFolder, "folder.tar.gz")), leftAt.AddDate(0, 0, 2)}
	s, err := server.New(server.Config{DataDir: c.dir, Now: func() time.Time { return c.at }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Rejudge(t.Context(), "", "test", nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	c.run(5)
	return c.dir, c.at
}}

// TestHeadsAreProven: each published head comes with a proof that it goes on from the one before, from what is published alone,
// and whatever is changed in between is found.
func TestHeadsAreProven(t *testing.T) {
	c := newChained(t)
	found, newest := c.check(nil), c.newest()
	if len(found.Breaks) > 0 || found.Steps < 6 || len(found.Newest) != len(fleet.Trees()) {
		t.Fatalf("%d steps are proven, newest %v, breaks %v", found.Steps, found.Newest, found.Breaks)
	}
	root, err := os.ReadFile(c.file("1.root.json"))
	if err != nil {
		t.Fatal(err)
	}
	if trusted := c.check(root); len(trusted.Breaks) > 0 || trusted.Steps != found.Steps {
		t.Errorf("with the root of before: %+v", trusted)
	}

	last := heads.Name(newest)
	before, err := os.ReadFile(c.file(last))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := heads.Parse(before)
	if err != nil {
		t.Fatal(err)
	}
	audit, _ := parsed.Of("audit")
	if audit.From == 0 || audit.From == audit.Size || len(audit.Proof) == 0 {
		t.Fatalf("the last proof is of no step: %+v", audit)
	}
	turned := func(text []byte) []byte { // one digit of the first hash of a proof
		one := "0"
		if audit.Proof[0][:1] == one {
			one = "1"
		}
		return bytes.ReplaceAll(text, []byte(audit.Proof[0]), []byte(one+audit.Proof[0][1:]))
	}
	for name, tt := range map[string]struct {
		file   string
		change func([]byte) []byte
		words  string
	}{
		"a hash of a proof":      {last, turned, "do not go on from"},
		"no proof":               {heads.Name(newest - 1), func([]byte) []byte { return nil }, "there is no proof"},
		"what is none":           {last, func([]byte) []byte { return []byte("{}") }, "cannot be read"},
		"the proof of another":   {last, func([]byte) []byte { text, _ := os.ReadFile(c.file(heads.Name(newest - 1))); return text }, "is that of snapshot"},
		"a snapshot":             {tufrepo.MetadataFile(tufrepo.Snapshot, newest-1), func(text []byte) []byte { return bytes.Replace(text, []byte(`"size":`), []byte(`"size":1`), 1) }, "vouches"},
		"a snapshot taken out":   {tufrepo.MetadataFile(tufrepo.Snapshot, newest-1), func([]byte) []byte { return nil }, "do not go on from"},
		"a gap, by its own word": {last, func([]byte) []byte { parsed.Trees[0].Gap = heads.GapLost; return parsed.Bytes() }, "the server says \"lost\""},
	} {
		c.edit(tt.file, tt.change, func() {
			found := c.check(nil)
			if len(found.Breaks) == 0 || !strings.Contains(found.Breaks[0].Words, tt.words) {
				t.Errorf("%s: breaks %v; wanted %q", name, found.Breaks, tt.words)
			}
		})
	}

	c.edit(last, func([]byte) []byte { return nil }, func() {
		if found := c.check(nil); len(found.Breaks) > 0 || len(found.Waiting) < 2 {
			t.Errorf("the newest proof is not there yet: breaks %v, waiting %v", found.Breaks, found.Waiting)
		}
	})

	// A proof that is lost or wrong is made again, the same, and a later one goes on from its range.
	c.edit(last, turned, func() {
		c.run(0)
		c.run(1)
		if again, err := os.ReadFile(c.file(last)); err != nil || !bytes.Equal(again, before) {
			t.Errorf("made again it is %s, %v; wanted %s", again, err, before)
		}
	})
	if found := c.check(nil); len(found.Breaks) > 0 {
		t.Errorf("breaks %v", found.Breaks)
	}
	if all := checked(t, c.dir, c.at); len(all.Faults) > 0 {
		t.Errorf("fsck: %v", all.Faults)
	}
	c.edit(last, turned, func() {
		if all := checked(t, c.dir, c.at); len(all.Faults) != 1 || !strings.Contains(all.Faults[0], "the published heads: snapshot") {
			t.Errorf("fsck of a wrong proof: %v", all.Faults)
		}
	})
}

// TestHeadsAfterRestore: what a restored database lost is a gap that says so, and the chain goes on behind it.
func TestHeadsAfterRestore(t *testing.T) {
	c := newChained(t)
	kept := map[string][]byte{}
	for _, name := range databaseFiles {
		text, err := os.ReadFile(filepath.Join(c.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		kept[name] = text
	}
	c.run(3)
	for name, text := range kept {
		_ = os.Remove(filepath.Join(c.dir, name+"-wal"))
		_ = os.Remove(filepath.Join(c.dir, name+"-shm"))
		if err := os.WriteFile(filepath.Join(c.dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c.run(4)
	found := c.check(nil)
	steps := map[string]int{}
	for _, b := range found.Breaks {
		if steps[b.Tree]++; b.Gap != heads.GapRestore {
			t.Errorf("%s", b)
		}
	}
	if steps["audit"] != 1 || steps["records"] != 1 || found.Steps < 12 {
		t.Errorf("%d steps, gaps %v", found.Steps, found.Breaks)
	}
	if all := checked(t, c.dir, c.at); len(all.Faults) > 0 {
		t.Errorf("fsck: %v", all.Faults)
	}
}

// reading counts the leaves that are read of a tree.
type (
	reading struct {
		fleet.Viewer
		leaves *int
	}
	readingTx struct {
		fleet.Tx
		leaves *int
	}
	readingSeals struct {
		fleet.Seals
		leaves *int
	}
)

func (r reading) View(ctx context.Context, fn func(fleet.Tx) error) error {
	return r.Viewer.View(ctx, func(tx fleet.Tx) error { return fn(readingTx{tx, r.leaves}) })
}

func (r readingTx) Seals() fleet.Seals { return readingSeals{r.Tx.Seals(), r.leaves} }

func (r readingSeals) Leaves(ctx context.Context, tree fleet.Tree, after int64, limit int) ([]fleet.Leaf, error) {
	all, err := r.Seals.Leaves(ctx, tree, after, limit)
	if tree == fleet.TreeAudit {
		*r.leaves += len(all)
	}
	return all, err
}

// TestBrokenHeads: a tree whose rows do not bear out what was published is read whole once, and not for each snapshot; and a
// proof that says so stays as it was published, also when the server starts again.
func TestBrokenHeads(t *testing.T) {
	c := newChained(t)
	db, err := sql.Open("sqlite", filepath.Join(c.dir, databaseFiles[0]))
	if err != nil {
		t.Fatal(err)
	}
	trigger := "" // which whoever changes rows puts back
	err = db.QueryRow(`SELECT sql FROM sqlite_master WHERE name = 'audit_no_update'`).Scan(&trigger)
	_, err2 := db.Exec("DROP TRIGGER audit_no_update; UPDATE audit SET reason = reason || '.' WHERE n = 2;" + trigger)
	if err = errors.Join(err, err2, db.Close()); err != nil {
		t.Fatal(err)
	}
	first := c.newest() + 1
	for v := int64(1); v < first; v++ { // a feed without proofs: every head is held against the rows
		_ = os.Remove(c.file(heads.Name(v)))
	}
	c.run(2)
	kept := map[int64][]byte{}
	for v := int64(1); v <= c.newest(); v++ {
		text, err := os.ReadFile(c.file(heads.Name(v)))
		if err != nil {
			continue
		}
		kept[v] = text
		if p, err := heads.Parse(text); err != nil || v >= first {
			if tree, _ := p.Of("audit"); err != nil || tree.Gap != heads.GapBroken {
				t.Errorf("snapshot %d: %v %+v", v, err, tree)
			}
		}
	}
	newest := c.newest()
	c.run(1)
	for v, was := range kept {
		if now, err := os.ReadFile(c.file(heads.Name(v))); err != nil || !bytes.Equal(now, was) {
			t.Errorf("the proof of snapshot %d was %s and is %s, %v", v, was, now, err)
		}
	}
	for v := int64(1); v <= newest; v++ {
		_ = os.Remove(c.file(heads.Name(v)))
	}
	s, err := server.New(server.Config{DataDir: c.dir, Now: func() time.Time { return c.at }, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	leaves, size := 0, int64(0)
	prover := seal.Prover{Store: reading{s.Database(), &leaves}, Dir: filepath.Dir(c.file("x")), Log: slog.New(slog.DiscardHandler)}
	if err := errors.Join(prover.Prove(t.Context()), s.Database().View(t.Context(), func(tx fleet.Tx) error {
		h, _, err := tx.Seals().Latest(t.Context(), fleet.TreeAudit)
		size = h.Size
		return err
	})); err != nil {
		t.Fatal(err)
	}
	if len(kept) < 5 || leaves == 0 || int64(leaves) > size {
		t.Errorf("for %d snapshots %d leaves were read of a tree of %d", len(kept), leaves, size)
	}
}

// checked is what fsck finds in a folder.
func checked(t *testing.T, dir string, at time.Time) (found struct{ Faults, Notes []string }) {
	t.Helper()
	s, err := server.New(server.Config{DataDir: dir, Now: func() time.Time { return at }, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	all, err := s.Check(t.Context(), nil, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	found.Faults, found.Notes = all.Faults, all.Notes
	return found
}
