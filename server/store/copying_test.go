// SPDX-License-Identifier: Apache-2.0

//go:build unix

package store_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"landed/internal/race"
	"landed/server/fleet"
	"landed/server/store"
	"landed/server/store/postgres/pgtest"
	"landed/server/store/storetest"
)

// copied copies a database, and returns the digest of each table as it was told last.
func copied(t *testing.T, from, to string) map[string]string {
	t.Helper()
	ctx := context.Background()
	c, err := store.BeginCopy(ctx, from, to, storetest.Clock)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	digests := map[string]string{}
	c.Tell = func(d store.Taken) { digests[d.Table] = fmt.Sprint(d.Rows, " rows ", d.Digest) }
	if err := errors.Join(c.Reports(ctx), c.Finish(ctx, func() error { return nil })); err != nil {
		t.Fatal(err)
	}
	c.Close()
	if err := store.Unmark(ctx, to, storetest.Clock); err != nil {
		t.Fatal(err)
	}
	return digests
}

// TestCopyOfEveryKind: whatever the conformance suite leaves behind in PostgreSQL is the same in SQLite, and in PostgreSQL
// again: by the digests of all rows, by the records, and by the figures, which are sums of shards on one of them.
func TestCopyOfEveryKind(t *testing.T) {
	if race.Detector {
		t.Skip("one goroutine for minutes: told without the race detector")
	}
	storetest.Run(t, func(t *testing.T) fleet.Store {
		first, files, third := storetest.Postgres(t), filepath.Join(t.TempDir(), "files.db"), storetest.Postgres(t)
		db := opened(t, first)
		t.Cleanup(func() {
			if t.Failed() {
				return
			}
			if err := errors.Join(audited(db), db.Close()); err != nil {
				t.Fatal(err)
			}
			there, back := copied(t, first, files), copied(t, files, third)
			for table, words := range there {
				if table != "records" && back[table] != words {
					t.Errorf("%s: %s, and back %s", table, words, back[table])
				}
			}
			faults, err := opened(t, third).CheckRecords(context.Background())
			if err != nil || len(faults) > 0 {
				t.Errorf("%v, %v", faults, err)
			}
		})
		return db
	})
}

// TestCopyOfCuts: what is left of dropped reports, and what was settled, goes from one engine to the other and back.
func TestCopyOfCuts(t *testing.T) {
	first, files, third := storetest.Postgres(t), filepath.Join(t.TempDir(), "files.db"), storetest.Postgres(t)
	db := opened(t, first)
	storetest.LeaveCuts(t, db)
	if err := errors.Join(audited(db), db.Close()); err != nil {
		t.Fatal(err)
	}
	there, back := copied(t, first, files), copied(t, files, third)
	for _, table := range []string{"cuts", "settled", "compact_reports"} {
		if there[table] == "" || strings.HasPrefix(there[table], "0 ") || back[table] != there[table] {
			t.Errorf("%s: %s, and back %s", table, there[table], back[table])
		}
	}
}

func opened(t *testing.T, address string) store.Database {
	t.Helper()
	db, err := store.Make(context.Background(), address, storetest.Clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func audited(db store.Database) error {
	return db.Update(context.Background(), func(tx fleet.Tx) error {
		return tx.Audit().Append(context.Background(), fleet.AuditEntry{Action: "x", At: storetest.Now})
	})
}

// said is a report by its number.
func said(db store.Database, seq int64) error {
	return db.Intake(context.Background(), func(tx fleet.Tx) error {
		_, err := tx.Reports().Append(context.Background(), fleet.StoredReport{Ref: "R", ID: fmt.Sprint(seq), Seq: seq, Envelope: []byte("x")})
		return err
	})
}

// TestCopyFollows: what changed in the source after a copy was cut off is changed in it, rows that are gone are gone, and
// the copy goes on with numbers of its own.
func TestCopyFollows(t *testing.T) {
	ctx := context.Background()
	for name, addresses := range map[string][2]string{
		"to PostgreSQL": {filepath.Join(t.TempDir(), "landed.db"), pgtest.Database(t)},
		"to SQLite":     {storetest.Postgres(t), filepath.Join(t.TempDir(), "copy.db")},
	} {
		t.Run(name, func(t *testing.T) {
			from, to := addresses[0], addresses[1]
			db := opened(t, from)
			kept := fleet.ProvisionalReport{Slot: 1, Ref: "P", Seq: 1, ID: "I", At: storetest.Now, Envelope: []byte("p")}
			other := fleet.ProvisionalReport{Slot: 2, Ref: "Q", Seq: 1, ID: "I", At: storetest.Now, Envelope: []byte("q")}
			token := func(name string) error {
				return db.Update(ctx, func(tx fleet.Tx) error { return tx.Tokens().Put(ctx, fleet.Token{Name: name, Hash: []byte{7}}) })
			}
			if err := errors.Join(audited(db), token("a"), said(db, 1), db.UpdateReports(ctx, func(tx fleet.Tx) error {
				return errors.Join(tx.Provisional().Put(ctx, kept), tx.Provisional().Put(ctx, other), tx.Walks().Put(ctx, "w", "1"))
			})); err != nil {
				t.Fatal(err)
			}
			c, err := store.BeginCopy(ctx, from, to, storetest.Clock)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Reports(ctx); err != nil {
				t.Fatal(err)
			}
			c.Close()
			if _, err := store.Open(ctx, to, storetest.Clock); codeOf(err) != "database_unfinished" {
				t.Errorf("an unfinished copy was opened: %v", err)
			}
			if err := errors.Join(said(db, 2), db.UpdateReports(ctx, func(tx fleet.Tx) error {
				_, err := tx.Provisional().Take(ctx, kept.Key()) // the other one moves into its slot
				return errors.Join(err, tx.Walks().Put(ctx, "w", "2"))
			})); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(audited(db), db.Close()); err != nil {
				t.Fatal(err)
			}
			copied(t, from, to)
			if err := said(opened(t, from), 3); codeOf(err) != "database_moved" && !strings.Contains(fmt.Sprint(err), "moved to another") {
				t.Errorf("the database that was left took a report: %v", err)
			}
			if faults, err := opened(t, from).Integrity(ctx, false); err != nil || len(faults) > 0 {
				t.Errorf("of the database that was left: %v, %v; wanted what shuts it to be known", faults, err)
			}
			made := opened(t, to)
			if faults, err := made.CheckRecords(ctx); err != nil || len(faults) > 0 {
				t.Errorf("of the copy: %v, %v", faults, err)
			}
			if err := errors.Join(said(made, 3), audited(made), made.Ready(ctx)); err != nil {
				t.Fatal(err)
			}
			if err := made.View(ctx, func(tx fleet.Tx) error {
				all, err1 := tx.Reports().Arrived(ctx, "R")
				size, err2 := tx.Provisional().Size(ctx)
				after, err3 := tx.Walks().At(ctx, "w")
				lines, err4 := tx.Seals().Leaves(ctx, fleet.TreeAudit, 0, 100)
				if len(all) != 3 || size != 1 || after != "2" || len(lines) != 3 {
					t.Errorf("%d reports, %d provisional, walk at %q, %d lines", len(all), size, after, len(lines))
				}
				return errors.Join(err1, err2, err3, err4)
			}); err != nil {
				t.Fatal(err)
			}
			// It went on by itself: it is no copy any more.
			if _, err := store.BeginCopy(ctx, from, to, storetest.Clock); codeOf(err) != "copy_not_empty" {
				t.Errorf("got %v, wanted a refusal", err)
			}
		})
	}
}

// TestCopyThatDiffers is not finished: the source takes writes as before, and the copy is not served. Nor is one that went
// on by itself copied over.
func TestCopyThatDiffers(t *testing.T) {
	ctx, from, to := context.Background(), filepath.Join(t.TempDir(), "landed.db"), pgtest.Database(t)
	db := opened(t, from)
	if err := errors.Join(audited(db), said(db, 1)); err != nil {
		t.Fatal(err)
	}
	c, err := store.BeginCopy(ctx, from, to, storetest.Clock)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	refused := errors.New("a fault")
	if err := c.Finish(ctx, func() error {
		opened(t, to) // to be checked
		return refused
	}); !errors.Is(err, refused) {
		t.Fatalf("got %v", err)
	}
	if err := said(db, 2); err != nil {
		t.Errorf("the source takes nothing any more: %v", err)
	}
	if _, err := store.Open(ctx, to, storetest.Clock); codeOf(err) != "database_unfinished" {
		t.Errorf("got %v, wanted a refusal", err)
	}
	if err := c.Finish(ctx, func() error { return errors.Join(said(opened(t, to), 3), said(opened(t, to), 4)) }); err != nil {
		t.Fatal(err)
	}
	if _, err := store.BeginCopy(ctx, from, to, storetest.Clock); codeOf(err) != "copy_ahead" {
		t.Errorf("got %v, wanted a refusal", err)
	}
}

func codeOf(err error) string {
	if e, ok := errors.AsType[*fleet.Error](err); ok {
		return e.Code
	}
	return ""
}
