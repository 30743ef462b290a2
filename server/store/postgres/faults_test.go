// SPDX-License-Identifier: Apache-2.0

//go:build unix

package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"landed/server/fleet"
	"landed/server/store/postgres"
	"landed/server/store/postgres/pgtest"
	"landed/server/store/storetest"
)

func putToken(name string) func(fleet.Tx) error {
	return func(tx fleet.Tx) error { return tx.Tokens().Put(ctx, fleet.Token{Name: name, Hash: []byte(name)}) }
}

func tokens(t testing.TB, db *postgres.DB) string {
	t.Helper()
	var names []string
	if err := db.View(ctx, func(tx fleet.Tx) error {
		all, err := tx.Tokens().List(ctx)
		for _, token := range all {
			names = append(names, token.Name)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, " ")
}

func codeOf(err error) string {
	if e, ok := errors.AsType[*fleet.Error](err); ok {
		return e.Code
	}
	return ""
}

// wire stands between a store and its server. Once armed it hands a COMMIT on, waits for the answer, and cuts both off.
type wire struct {
	address string
	armed   atomic.Bool
}

func newWire(t testing.TB, address string) *wire {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	folder := u.Query().Get("host")
	if folder == "" {
		t.Skip("the server is not behind a socket")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	w := &wire{}
	u.Host, u.RawQuery = l.Addr().String(), "sslmode=disable"
	w.address = u.String()
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("unix", filepath.Join(folder, ".s.PGSQL.5432"))
			if err != nil {
				near.Close()
				continue
			}
			var cut atomic.Bool
			go func() {
				defer far.Close()
				buffer := make([]byte, 1<<16)
				for {
					n, err := near.Read(buffer)
					if err != nil {
						return
					}
					if w.armed.Load() && bytes.Contains(buffer[:n], []byte("commit")) {
						cut.Store(true)
					}
					if _, err := far.Write(buffer[:n]); err != nil {
						return
					}
				}
			}()
			go func() {
				defer near.Close()
				buffer := make([]byte, 1<<16)
				for {
					n, err := far.Read(buffer)
					if err != nil || cut.Load() {
						return
					}
					if _, err := near.Write(buffer[:n]); err != nil {
						return
					}
				}
			}()
		}
	}()
	return w
}

// TestAnswerOfCommitIsLost: what was stored is there, and the error does not say that it is not.
func TestAnswerOfCommitIsLost(t *testing.T) {
	address := storetest.Postgres(t)
	w := newWire(t, address)
	db := open(t, w.address)
	if err := db.Update(ctx, putToken("a")); err != nil {
		t.Fatal(err)
	}
	w.armed.Store(true)
	err := db.Update(ctx, putToken("b"))
	w.armed.Store(false)
	if !fleet.Is(err, fleet.Busy) || codeOf(err) != "database_unsure" || !strings.Contains(err.Error(), "may be stored") {
		t.Errorf("got %v, wanted to be told that nobody knows", err)
	}
	if got := tokens(t, db); got != "a b" {
		t.Errorf("stored %q", got)
	}
	if err := db.Update(ctx, putToken("c")); err != nil {
		t.Errorf("it does not go on: %v", err)
	}
}

// TestCommitIsCutOff ends the connection while it commits: nothing is stored, which nobody can know either.
func TestCommitIsCutOff(t *testing.T) {
	address := storetest.Postgres(t)
	db, other := open(t, address), outside(t, address)
	do(t, other, `CREATE FUNCTION landed_control.slowly() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN PERFORM pg_advisory_xact_lock(1, 1); RETURN NULL; END $$`)
	do(t, other, `CREATE CONSTRAINT TRIGGER slowly AFTER INSERT ON landed_control.holders DEFERRABLE INITIALLY DEFERRED
		FOR EACH ROW EXECUTE FUNCTION landed_control.slowly()`)
	do(t, other, `SELECT pg_advisory_lock(1, 1)`)
	ended := make(chan error, 1)
	go func() {
		ended <- db.Update(ctx, func(tx fleet.Tx) error { return tx.Holders().Put(ctx, map[string]string{"a": "b"}) })
	}()
	waits(t, address, "advisory")
	do(t, other, `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`)
	if err := <-ended; !fleet.Is(err, fleet.Busy) || codeOf(err) != "database_unsure" {
		t.Errorf("got %v, wanted to be told that nobody knows", err)
	}
	do(t, other, `DROP TRIGGER slowly ON landed_control.holders`)
	if err := db.View(ctx, func(tx fleet.Tx) error {
		all, err := tx.Holders().All(ctx)
		if len(all) > 0 {
			t.Errorf("stored %v", all)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// TestConnectionIsCutOff ends a connection in the middle of an Update: nothing of it happened, and it says so.
func TestConnectionIsCutOff(t *testing.T) {
	address := storetest.Postgres(t)
	db, other := open(t, address), outside(t, address)
	err := db.Update(ctx, func(tx fleet.Tx) error {
		if err := putToken("a")(tx); err != nil {
			return err
		}
		do(t, other, `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'`)
		return errors.Join(putToken("b")(tx), putToken("c")(tx))
	})
	if !fleet.Is(err, fleet.Busy) || codeOf(err) == "database_unsure" {
		t.Errorf("got %v", err)
	}
	if err := db.Update(ctx, putToken("d")); err != nil {
		t.Errorf("it does not go on: %v", err)
	}
	if got := tokens(t, db); got != "d" {
		t.Errorf("stored %q", got)
	}
}

// TestServerIsKilled: what was acknowledged is there afterwards, and the store goes on by itself.
func TestServerIsKilled(t *testing.T) {
	server := pgtest.New(t, "")
	db := open(t, server.Database(t, "landed"))
	var acknowledged []string
	var mu sync.Mutex
	var killed atomic.Bool
	writing, end := context.WithCancel(ctx)
	var group sync.WaitGroup
	for w := range 2 {
		group.Go(func() {
			for n := 0; writing.Err() == nil; n++ {
				name := string(rune('a'+w)) + strings.Repeat("x", n)
				if err := db.Update(ctx, putToken(name)); err != nil {
					if !fleet.Is(err, fleet.Busy) {
						t.Errorf("got %v, wanted to be told to come later", err)
					} else if !killed.Load() { // it was slow
						continue
					}
					return
				}
				mu.Lock()
				if acknowledged = append(acknowledged, name); len(acknowledged) == 20 {
					killed.Store(true)
					server.Kill()
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	end()
	if err := db.Ready(ctx); !fleet.Is(err, fleet.Busy) {
		t.Errorf("without a server it is ready: %v", err)
	}
	if err := db.View(ctx, func(tx fleet.Tx) error { _, err := tx.Tokens().List(ctx); return err }); !fleet.Is(err, fleet.Busy) {
		t.Errorf("without a server it is read: %v", err)
	}
	if err := server.Run(); err != nil {
		t.Fatal(err)
	}
	back := func() error {
		return errors.Join(db.Ready(ctx), db.ReportsReady(ctx), db.Update(ctx, putToken("again")))
	}
	err := back()
	for over := time.Now().Add(time.Minute); fleet.Is(err, fleet.Busy) && time.Now().Before(over); err = back() {
		time.Sleep(10 * time.Millisecond) // connections of before are found to be broken by whoever takes them next
	}
	if err != nil && !fleet.Is(err, fleet.Conflict) { // the token was put by an earlier try
		t.Fatal(err)
	}
	stored := " " + tokens(t, db) + " "
	for _, name := range acknowledged {
		if !strings.Contains(stored, " "+name+" ") {
			t.Errorf("%s was acknowledged and is lost", name)
		}
	}
	faults, err := db.CheckRecords(ctx)
	if err != nil || len(faults) > 0 {
		t.Errorf("%v, %v", faults, err)
	}
}

// TestInterruptedUpdateStaysWhole cuts a statement off inside an Update whose function ignores it.
func TestInterruptedUpdateStaysWhole(t *testing.T) {
	db := fresh(t)
	cut, cancel := context.WithCancel(ctx)
	err := db.Update(ctx, func(tx fleet.Tx) error {
		if err := putToken("a")(tx); err != nil {
			return err
		}
		cancel()
		if err := tx.Tokens().Put(cut, fleet.Token{Name: "b", Hash: []byte("b")}); err == nil {
			t.Error("a statement ran although its context has ended")
		}
		putToken("c")(tx)
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, wanted the update to fail", err)
	}
	if got := tokens(t, db); got != "" {
		t.Errorf("stored %q", got)
	}
}

// TestPasswordIsNotTold: whatever is wrong with an address, its password is in no error.
func TestPasswordIsNotTold(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(conn, "no PostgreSQL")
			conn.Close()
		}
	}()
	for _, address := range []string{
		"postgres://u:sesame@127.0.0.1:1/x",
		"postgres://u:sesame@" + l.Addr().String() + "/x?sslmode=disable",
		"postgres://u:sesame@host:a port/x",
		"postgres://u:sesame@%zz/x",
		"postgres://u:se/same@h/x",
		"postgres://u@h/x?password=sesame&sslmode=upside",
		"postgres://u@h/x?password=sesame&sslrootcert=/nowhere&sslmode=verify-full",
	} {
		soon, cancel := context.WithTimeout(ctx, 30*time.Second)
		_, err := postgres.Open(soon, address, now)
		cancel()
		if err == nil || strings.Contains(err.Error(), "sesame") || strings.Contains(err.Error(), "se/same") {
			t.Errorf("%s: got %v", address, err)
		}
	}
}

// TestNotDurable: a server that acknowledges before it has written is refused.
func TestNotDurable(t *testing.T) {
	address := pgtest.Database(t)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	other := outside(t, address)
	do(t, other, `ALTER DATABASE `+strings.TrimPrefix(u.Path, "/")+` SET synchronous_commit = off`)
	db, err := postgres.Open(ctx, address, now)
	if codeOf(err) != "database_not_durable" || !strings.Contains(err.Error(), "synchronous_commit is off") || db != nil {
		t.Fatalf("got %v, %v", db, err)
	}
	do(t, other, `ALTER DATABASE `+strings.TrimPrefix(u.Path, "/")+` SET synchronous_commit = remote_apply`)
	open(t, address)
}

// TestTwoDatabases keeps the reports in a database of their own.
func TestTwoDatabases(t *testing.T) {
	control, reports := pgtest.Database(t), pgtest.Database(t)
	db := open(t, control+" "+reports)
	if err := errors.Join(db.Update(ctx, putToken("a")), db.Ready(ctx), db.ReportsReady(ctx),
		db.Intake(ctx, func(tx fleet.Tx) error {
			_, err := tx.Reports().Append(ctx, fleet.StoredReport{Ref: "R", ID: "1", Seq: 1, Envelope: []byte("x")})
			return err
		})); err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{control: "landed_control", reports: "landed_reports"} {
		var got string
		if err := outside(t, address).QueryRow(ctx, `SELECT string_agg(nspname, ' ') FROM pg_namespace WHERE nspname LIKE 'landed%'`).
			Scan(&got); err != nil || got != want {
			t.Errorf("got the schemas %q, %v; wanted %s", got, err, want)
		}
	}
	before, err1 := db.Version(ctx)
	err2 := db.Intake(ctx, func(tx fleet.Tx) error {
		_, err := tx.Reports().Append(ctx, fleet.StoredReport{Ref: "R", ID: "2", Seq: 2, Envelope: []byte("x")})
		return err
	})
	after, err3 := db.Version(ctx)
	if err := errors.Join(err1, err2, err3); err != nil || before == after {
		t.Errorf("the version was %d and is %d, %v", before, after, err)
	}
}

// TestClosed: a goroutine that is still at work when the server ends must end as well.
func TestClosed(t *testing.T) {
	db := open(t, storetest.Postgres(t))
	for range 2 {
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if db.Update(ctx, putToken("a")) == nil || db.View(ctx, func(fleet.Tx) error { return nil }) == nil ||
		db.Intake(ctx, func(fleet.Tx) error { return nil }) == nil || db.Ready(ctx) == nil {
		t.Error("a closed store answers")
	}
}
