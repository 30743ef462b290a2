// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"landed/server/fleet"
	"landed/server/store/rows"
)

// reading runs fn in a transaction that reads control.
func (d *DB) reading(t *testing.T, fn func(rows.Runner)) {
	t.Helper()
	r, err := d.control.views.begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer r.end()
	fn(r)
}

// upTo asks for 1 to n, with the one text, and calls fn with each while the rows are open.
func upTo(t *testing.T, r rows.Runner, n int, fn func(int)) {
	t.Helper()
	found, err := r.Query(t.Context(), `WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < $1) SELECT n FROM c`, n)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	for found.Next() {
		var i int
		if err := found.Scan(&i); err != nil {
			t.Fatal(err)
		}
		fn(i)
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
}

// TestAskedWithin: who asks the same again while he reads the answer gets another answer, and goes on with his own.
func TestAskedWithin(t *testing.T) {
	db := makeDB(t)
	var got []string
	db.reading(t, func(r rows.Runner) {
		upTo(t, r, 3, func(i int) { upTo(t, r, 2, func(j int) { got = append(got, fmt.Sprint(i, j)) }) })
	})
	if want := []string{"1 1", "1 2", "2 1", "2 2", "3 1", "3 2"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// TestReadersKeepWhatTheyPrepared: the next reader has the session of the last, unless an error was met in it; what follows
// that error is told as it is.
func TestReadersKeepWhatTheyPrepared(t *testing.T) {
	db := makeDB(t)
	ask := func() { db.reading(t, func(r rows.Runner) { upTo(t, r, 1, func(int) {}) }) }
	ask()
	if n := len(db.control.views.idle); n != 1 {
		t.Fatalf("%d sessions are idle", n)
	}
	first := db.control.views.idle[0]
	ask()
	if idle := db.control.views.idle; len(idle) != 1 || idle[0] != first {
		t.Fatal("another session was opened")
	}
	db.reading(t, func(r rows.Runner) {
		if _, err := r.Query(t.Context(), `SELECT x FROM nowhere`); err == nil {
			t.Error("a table that is not there was read")
		}
		upTo(t, r, 1, func(int) {})
	})
	if n := len(db.control.views.idle); n != 0 {
		t.Errorf("%d sessions are kept after an error", n)
	}
	ask()
}

// TestTextsAreBounded: a text that is put together from what somebody asked fills no memory.
func TestTextsAreBounded(t *testing.T) {
	db := makeDB(t)
	db.reading(t, func(r rows.Runner) {
		upTo(t, r, 2, func(int) { // its own statement stays
			for i := range 2 * mostPrepared {
				var n int
				if err := r.Row(t.Context(), []any{&n}, fmt.Sprintf(`SELECT %d`, i)); err != nil || n != i {
					t.Fatal(n, err)
				}
			}
		})
	})
	if n := len(db.control.views.idle[0].prepared); n > mostPrepared {
		t.Errorf("%d statements are prepared", n)
	}
}

// TestReadersWaitTheirTurn: with as many readers as there may be the next one waits, for as long as he wants to; a reader who is
// there when the database is closed ends what he reads.
func TestReadersWaitTheirTurn(t *testing.T) {
	ctx, db := context.Background(), makeDB(t)
	var all []reading
	for range maxReaders {
		r, err := db.control.views.begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := db.control.views.begin(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := db.Update(ctx, func(fleet.Tx) error { return nil }); err != nil {
		t.Errorf("who writes waits for readers: %v", err)
	}
	for _, r := range all {
		r.end()
	}
	if n := len(db.control.views.idle); n != maxReaders {
		t.Errorf("%d sessions are idle", n)
	}
	r, err := db.control.views.begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	db.control.views.close()
	upTo(t, r, 1, func(int) {})
	r.end()
	if n := len(db.control.views.idle); n != 0 {
		t.Errorf("%d sessions are idle after the end", n)
	}
}
