// SPDX-License-Identifier: Apache-2.0

package intake_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"landed/manifests/report/envelope"

	"landed/manifests"
	"landed/server/fleet"
	"landed/server/intake"
	"landed/server/store"
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
	os.Exit(m.Run())
}

// child receives reports from many senders at once, each twice, and prints the reference
// and id of each report that was answered. It goes on until it is killed.
func child(path string) error {
	db, err := store.Open(ctx, path, newClock(storetest.Now).now)
	if err != nil {
		return err
	}
	in := intake.New(intake.Config{Store: db, Now: newClock(storetest.Now).now, Catalogue: manifests.DefaultCatalogue, Batch: 64})
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
			if err != nil {
				return err
			}
			out.Lock()
			fmt.Println(string(refOf(n)), receipt.ID)
			out.Unlock()
		}
		return nil
	}
	failed := make(chan error)
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

// TestKilled kills -9 a process that receives reports, again and again on one database:
// what it acknowledged is there exactly once, and every figure is what a scan finds.
func TestKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db, err := store.Open(ctx, path, newClock(storetest.Now).now)
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
		killOne(t, path, round, acknowledged)
		if len(acknowledged) == before {
			t.Fatal("the child acknowledged nothing")
		}
		checkKilled(t, path, acknowledged)
	}
	t.Logf("%d reports were acknowledged by 4 processes that were killed", len(acknowledged))
}

func killOne(t *testing.T, path string, round int, acknowledged map[string]bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childOf+"="+path, fmt.Sprintf("%s_SEQ=%d", childOf, 1+round*200))
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
	db, err := store.Open(ctx, path, newClock(storetest.Now).now)
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
