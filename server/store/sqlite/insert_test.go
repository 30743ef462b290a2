// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/store/rows"
)

var counted = rows.NewUpsert("counts", "release, model, channel, who, kind, value", "n")

func makeDB(t *testing.T) *DB {
	t.Helper()
	db, err := Make(context.Background(), filepath.Join(t.TempDir(), "x.db"), func() time.Time { return time.Unix(1, 0) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func figures(from, n int, each int64) (all [][]any) {
	for i := range n {
		all = append(all, []any{"one", "armani", "stable", "", "verdict", fmt.Sprintf("%06d", from+i), each})
	}
	return all
}

// TestHalfAStatement: what was inserted before a row that is refused stays until the transaction ends, so nothing follows
// and all of it goes, also if whoever wrote it took no notice.
func TestHalfAStatement(t *testing.T) {
	ctx, db := context.Background(), makeDB(t)
	h := db.reports.half.Load()
	for name, write := range map[string]func(*session) error{
		"insert": func(w *session) error {
			_, err := w.Insert(ctx, &counted.Insert, append(figures(0, 3, 1), figures(3, 1, -1)...))
			return err
		},
		"insert what is there": func(w *session) error {
			_, err := w.Insert(ctx, &rows.Insert{Table: "counts", Columns: counted.Columns}, append(figures(0, 20, 1), figures(0, 1, 1)...))
			return err
		},
		"update": func(w *session) error {
			if _, err := w.Insert(ctx, &counted.Insert, figures(0, 3, 1)); err != nil {
				t.Fatal(err)
			}
			_, err := w.Update(ctx, counted, append(figures(0, 2, 2), figures(2, 1, -1)...))
			return err
		},
	} {
		err := h.write(ctx, func(ctx context.Context, w *session) error {
			if err := write(w); err == nil {
				t.Errorf("%s: a row that is refused was taken", name)
			}
			if _, err := w.Exec(ctx, `DELETE FROM walks`); err == nil {
				t.Errorf("%s: the transaction went on", name)
			}
			return nil
		})
		if err == nil {
			t.Errorf("%s: the transaction was committed", name)
		}
		var n int
		if err := h.readers.QueryRowContext(ctx, `SELECT count(*) FROM counts`).Scan(&n); err != nil || n != 0 {
			t.Fatalf("%s: %d rows are there, %v", name, n, err)
		}
	}
}

// TestUpdate changes the rows that are there, and says how many were.
func TestUpdate(t *testing.T) {
	ctx, db := context.Background(), makeDB(t)
	h := db.reports.half.Load()
	if err := h.write(ctx, func(ctx context.Context, w *session) error {
		if _, err := w.Insert(ctx, &counted.Insert, figures(0, 40, 1)); err != nil {
			return err
		}
		if n, err := w.Update(ctx, counted, figures(20, 40, 5)); err != nil || n != 20 {
			return fmt.Errorf("%d rows, %w", n, err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	var n, sum int
	if err := h.readers.QueryRowContext(ctx, `SELECT count(*), sum(n) FROM counts`).Scan(&n, &sum); err != nil || n != 40 || sum != 20+20*5 {
		t.Errorf("%d rows with %d, %v", n, sum, err)
	}
}

// TestNoStatementJournal: until a batch of reports is committed nothing is written. A statement journal of its statements was
// once more than what the commit wrote.
func TestNoStatementJournal(t *testing.T) {
	if written(t) < 0 {
		t.Skip("this system does not say what was written")
	}
	ctx, db := context.Background(), makeDB(t)
	intake := func(every int) func(fleet.Tx) error {
		return func(tx fleet.Tx) error {
			before := written(t)
			var refs []report.Reference
			for i := 0; i < 6000; i += every {
				refs = append(refs, report.Reference(fmt.Sprintf("%024d", i)))
			}
			rand.Shuffle(len(refs), func(a, b int) { refs[a], refs[b] = refs[b], refs[a] })
			states, err := tx.Installations().Of(ctx, refs...)
			if err != nil {
				return err
			}
			var reports []fleet.StoredReport
			var all []fleet.Installation
			for _, ref := range refs {
				seq := int64(len(states[ref]) + 1)
				reports = append(reports, fleet.StoredReport{ID: fmt.Sprintf("%064d", seq), Ref: ref, Seq: seq, Envelope: make([]byte, 1200)})
				all = append(all, fleet.Installation{Ref: ref, Release: "one", Current: true, Seq: seq, Reports: seq})
			}
			if _, err := tx.Reports().Append(ctx, reports...); err != nil {
				return err
			}
			if err := tx.Installations().Put(ctx, all...); err != nil {
				return err
			}
			if n := written(t) - before; n >= pageSize { // the runtime wakes threads with a few bytes
				t.Errorf("%d bytes were written before the commit", n)
			}
			return nil
		}
	}
	for _, every := range []int{1, 50} { // new ones, then known ones, each on a page of its own
		if err := db.Intake(ctx, intake(every)); err != nil {
			t.Fatal(err)
		}
	}
}

// written is how many bytes this process has written, below 0 if that is not known.
func written(t *testing.T) (n int64) {
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return -1
	}
	var read int64
	if _, err := fmt.Sscanf(string(text), "rchar: %d\nwchar: %d", &read, &n); err != nil {
		t.Fatal(err)
	}
	return n
}
