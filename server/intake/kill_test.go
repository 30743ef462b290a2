// SPDX-License-Identifier: Apache-2.0

package intake_test

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"landed/internal/race"
	"landed/manifests/report/envelope"

	"landed/manifests"
	"landed/server/fleet"
	"landed/server/intake"
	"landed/server/store"
	"landed/server/store/postgres/pgtest"
	"landed/server/store/storetest"
)

const childOf = "LANDED_INTAKE_CHILD" // the database that the child of TestKilled fills

func TestMain(m *testing.M) {
	if path := os.Getenv(childOf); path != "" {
		if err := child(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	pgtest.Main(m)
}

// child receives reports from many senders at once, each twice, and prints the reference
// and id of each report that was acknowledged. It goes on until it is killed.
func child(path string) error {
	db, err := store.Make(ctx, path, newClock(storetest.Now).now)
	if err != nil {
		return err
	}
	cfg := intake.Config{Store: db, Now: newClock(storetest.Now).now, Catalogue: manifests.DefaultCatalogue, Batch: 64,
		Committers: db.Committers()}
	if os.Getenv(childOf+"_NARROW") != "" {
		if cfg.Share, err = flickering(db); err != nil {
			return err
		}
	}
	in := intake.New(cfg)
	seq, err := strconv.ParseInt(os.Getenv(childOf+"_SEQ"), 10, 64)
	if err != nil {
		return err
	}
	var out sync.Mutex
	send := func(n int, seq int64) error {
		r, key := []maker{waits, silent, leaks}[(int64(n)+seq)%3](n, seq)
		envelope, _, err := envelope.Seal(r, key)
		if err != nil {
			return err
		}
		for range 2 {
			receipt, err := in.Receive(ctx, envelope)
			for ; fleet.Is(err, fleet.Busy); receipt, err = in.Receive(ctx, envelope) {
				time.Sleep(comesAgain)
			}
			if err != nil {
				return err
			}
			if receipt.Stored == intake.StoredProvisional {
				continue
			}
			out.Lock()
			fmt.Println(string(refOf(n)), receipt.ID)
			out.Unlock()
		}
		return nil
	}
	failed := make(chan error)
	go func() {
		for {
			if err := in.Tick(ctx); err != nil && !fleet.Is(err, fleet.Busy) {
				failed <- err
			}
			time.Sleep(time.Millisecond)
		}
	}()
	for s := range 32 {
		go func() {
			for round := seq; ; round++ {
				for n := s; n < 256; n += 32 {
					if err := send(n, round); err != nil {
						failed <- err
					}
				}
			}
		}()
	}
	return <-failed
}

// flickering is a share that comes and goes, and grows: what it leaves no room for is provisional, let go of, or promoted
// by the next Tick.
func flickering(db store.Database) (s intake.Share, err error) {
	var limit atomic.Int64
	err = db.View(ctx, func(tx fleet.Tx) error {
		used, err := tx.Counts().Uncounted(ctx)
		limit.Store(used)
		return err
	})
	return intake.Share{Slots: 50, Reports: func() int64 {
		if rand.IntN(2) == 0 {
			return 0
		}
		return limit.Add(rand.Int64N(8))
	}}, err
}

// TestKilled kills -9 a process that receives reports, again and again on one database:
// what it acknowledged is there exactly once, and every figure is what a scan finds.
//
// A share that never grows would be used up, and then a child acknowledges nothing more: it could not be waited for.
func TestKilled(t *testing.T) {
	if race.Detector {
		t.Skip("each process starts ten times as slowly: told without the race detector")
	}
	file := func(t *testing.T) string { return filepath.Join(t.TempDir(), "x.db") }
	t.Run("room for all", func(t *testing.T) { killAll(t, file(t), false) })
	t.Run("provisional", func(t *testing.T) { killAll(t, file(t), true) })
	t.Run("room for all, PostgreSQL", func(t *testing.T) { killAll(t, storetest.Postgres(t), false) })
	t.Run("provisional, PostgreSQL", func(t *testing.T) { killAll(t, storetest.Postgres(t), true) })
}

func killAll(t *testing.T, path string, narrow bool) {
	db, err := store.Make(ctx, path, newClock(storetest.Now).now)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(ctx, seed); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	acknowledged := map[string]bool{}
	for round := range 4 {
		before := len(acknowledged)
		killOne(t, path, round, narrow, acknowledged)
		if len(acknowledged) == before {
			t.Fatal("the child acknowledged nothing")
		}
		checkKilled(t, path, acknowledged)
	}
	if narrow {
		promoteKilled(t, path)
		checkKilled(t, path, acknowledged)
	}
	t.Logf("%d reports were acknowledged by 4 processes that were killed", len(acknowledged))
}

func killOne(t *testing.T, path string, round int, narrow bool, acknowledged map[string]bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childOf+"="+path, fmt.Sprintf("%s_SEQ=%d", childOf, 1+round*200))
	if narrow {
		cmd.Env = append(cmd.Env, childOf+"_NARROW=1")
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for left := 200 + rand.IntN(1500); lines.Scan(); left-- {
		acknowledged[lines.Text()] = true
		if left == 0 {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		} // what it had printed before it died still counts
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.Success() {
		t.Fatal("the child ended by itself")
	}
}

func checkKilled(t *testing.T, path string, acknowledged map[string]bool) {
	t.Helper()
	db, err := store.Make(ctx, path, newClock(storetest.Now).now)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	differences, err := db.Recount(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differences {
		t.Error(d)
	}
	stored := map[string]int{}
	if err := db.View(ctx, func(tx fleet.Tx) error {
		if _, err := intake.VerifyProvisional(ctx, tx, func(words string) { t.Error(words) }); err != nil {
			return err
		}
		for n := range 256 {
			all, err := tx.Reports().Of(ctx, refOf(n))
			if err != nil {
				return err
			}
			for _, r := range all {
				stored[fmt.Sprint(string(r.Ref), " ", r.ID)]++
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for line := range acknowledged {
		if _, id, whole := strings.Cut(line, " "); whole && len(id) == 32 && stored[line] != 1 {
			t.Errorf("acknowledged %q is stored %d times", line, stored[line])
		}
	}
}

// promoteKilled has what processes that were killed kept for now come in.
func promoteKilled(t *testing.T, path string) {
	t.Helper()
	db, err := store.Make(ctx, path, newClock(storetest.Now).now)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	in := intake.New(intake.Config{Store: db, Now: newClock(storetest.Now).now, Catalogue: manifests.DefaultCatalogue})
	defer in.Close()
	before, err := in.Uncounted(ctx)
	if err := errors.Join(err, in.Tick(ctx)); err != nil {
		t.Fatal(err)
	}
	after, err := in.Uncounted(ctx)
	if err != nil || before.Provisional == 0 || after.Provisional != 0 || after.Used == before.Used {
		t.Errorf("%+v became %+v, %v", before, after, err)
	}
}
