// SPDX-License-Identifier: Apache-2.0

//go:build unix

package postgres_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/store/postgres"
	"landed/server/store/storetest"
)

// outside is a connection of another program.
func outside(t testing.TB, address string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(ctx) })
	return conn
}

func do(t testing.TB, conn *pgx.Conn, text string) {
	t.Helper()
	if _, err := conn.Exec(ctx, text); err != nil {
		t.Fatal(err)
	}
}

// TestServersQueue has two servers change one row, each by what it read: none overwrites what the other wrote.
func TestServersQueue(t *testing.T) {
	address := storetest.Postgres(t)
	var group sync.WaitGroup
	const each = 12
	for range 2 {
		db := open(t, address)
		group.Go(func() {
			for range each {
				if err := db.Update(ctx, func(tx fleet.Tx) error {
					all, err := tx.Holders().All(ctx)
					if err != nil {
						return err
					}
					return tx.Holders().Put(ctx, map[string]string{"n": fmt.Sprint(len(all["n"])) + all["n"]})
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	db := open(t, address)
	if err := db.View(ctx, func(tx fleet.Tx) error {
		all, err := tx.Holders().All(ctx)
		want := ""
		for range 2 * each {
			want = fmt.Sprint(len(want)) + want
		}
		if all["n"] != want {
			t.Errorf("got %q, wanted %q", all["n"], want)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	faults, err := db.CheckRecords(ctx)
	if err != nil || len(faults) > 0 {
		t.Errorf("%v, %v", faults, err)
	}
}

// TestServersMeetANewInstallation: both take it to be new. The second is run again, and finds what the first stored.
func TestServersMeetANewInstallation(t *testing.T) {
	address := storetest.Postgres(t)
	first, second := open(t, address), open(t, address)
	state := fleet.Installation{Ref: "R", Release: "one", Current: true, Model: "armani", Channel: "stable", Seq: 1, Reports: 1,
		Newest: report.Report{ID: "1"}, Verdict: storetest.Unpatched, Kind: storetest.KindOf(storetest.Unpatched),
		Progress: report.ProgressKnown}
	next := func(had []fleet.Installation) (was *fleet.Installation, is fleet.Installation) {
		if is = state; len(had) > 0 {
			was, is = &had[0], had[0]
			is.Seq, is.Reports, is.Newest.ID = is.Seq+1, is.Reports+1, "2"
		}
		return was, is
	}
	take := func(db *postgres.DB, meanwhile func()) (runs int) {
		err := db.Intake(ctx, func(tx fleet.Tx) error {
			runs++
			known, err := tx.Installations().Of(ctx, "R")
			if err != nil {
				return err
			}
			meanwhile()
			was, is := next(known["R"])
			_, err1 := tx.Reports().Append(ctx, fleet.StoredReport{Ref: "R", ID: is.Newest.ID, Seq: is.Seq, Envelope: []byte("x")})
			return errors.Join(err1, tx.Counts().Move(ctx, was, &is), tx.Installations().Put(ctx, is))
		})
		if err != nil {
			t.Error(err)
		}
		return runs
	}
	var once sync.Once
	runs := take(first, func() {
		once.Do(func() { // it is first
			if n := take(second, func() {}); n != 1 {
				t.Errorf("the first to commit ran %d times", n)
			}
		})
	})
	if runs != 2 {
		t.Errorf("who was overtaken ran %d times, wanted 2", runs)
	}
	if err := first.View(ctx, func(tx fleet.Tx) error {
		known, err1 := tx.Installations().Of(ctx, "R")
		c, err2 := tx.Counts().Of(ctx, "one", "armani", "stable")
		all, err3 := tx.Reports().Of(ctx, "R")
		if len(known["R"]) != 1 || known["R"][0].Reports != 2 || c.Installations != 1 || len(all) != 2 {
			t.Errorf("stored %+v, counted %d, reports %d", known, c.Installations, len(all))
		}
		return errors.Join(err1, err2, err3)
	}); err != nil {
		t.Fatal(err)
	}
	differences, err := first.Recount(ctx)
	if err != nil || len(differences) > 0 {
		t.Errorf("%v, %v", differences, err)
	}
}

// TestServersShareAnInstallation: who asks for it waits for the one who holds it, and then sees what he put, also a state
// that was not there before.
func TestServersShareAnInstallation(t *testing.T) {
	address := storetest.Postgres(t)
	first, second := open(t, address), open(t, address)
	one := fleet.Installation{Ref: "R", Release: "one", Current: true, Model: "armani", Channel: "stable"}
	ask := func(db *postgres.DB, fn func(tx fleet.Tx, had []fleet.Installation) error) error {
		return db.Intake(ctx, func(tx fleet.Tx) error {
			known, err := tx.Installations().Of(ctx, "R")
			if err != nil {
				return err
			}
			return fn(tx, known["R"])
		})
	}
	if err := ask(first, func(tx fleet.Tx, _ []fleet.Installation) error { return tx.Installations().Put(ctx, one) }); err != nil {
		t.Fatal(err)
	}
	waiting := make(chan error, 1)
	seen := 0
	if err := ask(first, func(tx fleet.Tx, _ []fleet.Installation) error {
		go func() {
			waiting <- ask(second, func(_ fleet.Tx, had []fleet.Installation) error {
				if seen = len(had); seen == 2 && (had[0].Release != "two" || !had[0].Current || had[1].Current) {
					t.Errorf("read %+v", had)
				}
				return nil
			})
		}()
		waits(t, address, "transactionid", "tuple")
		left, two := one, one
		left.Current, two.Release = false, "two"
		return tx.Installations().Put(ctx, left, two)
	}); err != nil {
		t.Fatal(err)
	}
	if err := <-waiting; err != nil || seen != 2 {
		t.Errorf("%v, and %d states were read, wanted 2", err, seen)
	}
}

// waits returns once somebody waits for a lock of one of these kinds.
func waits(t testing.TB, address string, kinds ...string) {
	t.Helper()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close(ctx)
	for n, over := 0, time.Now().Add(2*time.Minute); n == 0; {
		if time.Now().After(over) {
			t.Errorf("nobody waits for a lock that is %v", kinds)
			return
		}
		if err := conn.QueryRow(ctx, `SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
			WHERE NOT l.granted AND l.locktype = ANY ($1) AND a.datname = current_database()`, kinds).Scan(&n); err != nil {
			t.Error(err)
			return
		}
	}
}

// TestLeavesWaitForReports: numbers are given before a commit, and a smaller one may be committed after a larger one. No
// leaf is told while a smaller number may come.
func TestLeavesWaitForReports(t *testing.T) {
	address := storetest.Postgres(t)
	db := open(t, address)
	take := func(id string, then func()) error {
		return db.Intake(ctx, func(tx fleet.Tx) error {
			_, err := tx.Reports().Append(ctx, fleet.StoredReport{Ref: "R", ID: id, Seq: 1, Envelope: []byte(id)})
			then()
			return err
		})
	}
	var leaves []fleet.Leaf
	told := make(chan error, 1)
	if err := take("smaller", func() {
		if err := take("larger", func() {}); err != nil {
			t.Error(err)
		}
		go func() {
			told <- db.View(ctx, func(tx fleet.Tx) (err error) {
				if _, err := tx.Reports().Of(ctx, "R"); err != nil { // what it saw before is no matter
					return err
				}
				leaves, err = tx.Seals().Leaves(ctx, fleet.TreeReports, 0, 10)
				return err
			})
		}()
		waits(t, address, "advisory")
	}); err != nil {
		t.Fatal(err)
	}
	if err := <-told; err != nil || len(leaves) != 2 || leaves[0].N >= leaves[1].N {
		t.Errorf("%v, %+v; wanted both", err, leaves)
	}
	// One that failed leaves a gap, which is no leaf.
	failed := errors.New("no")
	err := db.Intake(ctx, func(tx fleet.Tx) error {
		_, err := tx.Reports().Append(ctx, fleet.StoredReport{Ref: "R", ID: "gone", Seq: 1, Envelope: []byte("x")})
		return errors.Join(err, failed)
	})
	if !errors.Is(err, failed) || take("next", func() {}) != nil {
		t.Fatal(err)
	}
	if err := db.View(ctx, func(tx fleet.Tx) error {
		all, err := tx.Seals().Leaves(ctx, fleet.TreeReports, leaves[1].N, 10)
		if len(all) != 1 || all[0].N <= leaves[1].N+1 {
			t.Errorf("after a gap: %+v", all)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
