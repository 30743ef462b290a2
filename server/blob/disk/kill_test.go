// SPDX-License-Identifier: Apache-2.0

//go:build unix

package disk_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"landed/server/blob"
	"landed/server/blob/blobtest"
	"landed/server/blob/disk"
)

// This test binary, started again with these set, is the server that gets killed.
const (
	victimDir = "LANDED_DISK_TEST_DIR"
	victimAct = "LANDED_DISK_TEST_ACT"
)

func TestMain(m *testing.M) {
	if act, ok := victims[os.Getenv(victimAct)]; ok {
		if err := victim(os.Getenv(victimDir), act); err != nil {
			fmt.Println("fault:", err)
		}
		// Hold on until the parent kills us, or dies itself.
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(3)
	}
	os.Exit(m.Run())
}

// victims do their work and print a line for each content of which they know that it is committed.
var victims = map[string]func(s *disk.Store) error{
	"in the middle of a draft": func(s *disk.Store) error {
		_, err := started(s, blobtest.Bytes(1, 100_000))
		return err
	},
	"after one commit, in another draft": func(s *disk.Store) error {
		if err := committed(s, blobtest.Bytes(1, 100_000)); err != nil {
			return err
		}
		_, err := started(s, blobtest.Bytes(2, 100_000))
		return err
	},
	"while committing": func(s *disk.Store) error {
		for i := uint64(0); ; i++ {
			if err := committed(s, blobtest.Bytes(i, 30_000)); err != nil {
				return err
			}
		}
	},
}

func victim(dir string, act func(*disk.Store) error) error {
	s, err := disk.Open(dir)
	if err != nil {
		return err
	}
	if err := act(s); err != nil {
		return err
	}
	fmt.Println("waiting")
	return nil
}

func started(s *disk.Store, b []byte) (blob.Draft, error) {
	d, err := s.Create(context.Background())
	if err != nil {
		return nil, err
	}
	_, err = d.Write(b)
	return d, err
}

func committed(s *disk.Store, b []byte) error {
	d, err := started(s, b)
	if err != nil {
		return err
	}
	info, err := d.Commit(context.Background(), blobtest.RefOf(b))
	if err == nil {
		fmt.Println(info.Ref)
	}
	return err
}

func TestKilled(t *testing.T) {
	for act, lines := range map[string][]int{
		"in the middle of a draft":           {1},
		"after one commit, in another draft": {2},
		"while committing":                   {1, 2, 7, 20, 50},
	} {
		for _, n := range lines {
			t.Run(fmt.Sprintf("%s, line %d", act, n), func(t *testing.T) { killed(t, act, n) })
		}
	}
}

func killed(t *testing.T, act string, lines int) {
	dir := t.TempDir()
	promised := runAndKill(t, dir, act, lines)
	tmp := func() []os.DirEntry {
		names, err := os.ReadDir(filepath.Join(dir, "tmp"))
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	if act != "while committing" && len(tmp()) != 1 {
		t.Errorf("%v in tmp after the kill, wanted the one draft: this test tests nothing", tmp())
	}

	s := open(t, dir)
	if left := tmp(); len(left) != 0 {
		t.Errorf("%v left in tmp after reopening", left)
	}
	for _, ref := range promised {
		if err := blob.Verify(t.Context(), s, ref); err != nil {
			t.Errorf("content that was acknowledged: %v", err)
		}
	}
	found := 0
	for info, err := range s.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		found++
		if err := blob.Verify(t.Context(), s, info.Ref); err != nil {
			t.Errorf("content that is listed: %v", err)
		}
	}
	// One more may be there: committed, but killed before it could say so.
	if found < len(promised) || found > len(promised)+1 {
		t.Errorf("%d contents found, %d were acknowledged", found, len(promised))
	}
	blobtest.Put(t, s, []byte("the store goes on"))
}

// runAndKill starts a victim, reads that many lines, kills it, and returns every ref that it printed.
func runAndKill(t *testing.T, dir, act string, lines int) []blob.Ref {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // fifty contents, each flushed, on a slow disk
	defer cancel()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, exe)
	cmd.Env = append(os.Environ(), victimDir+"="+dir, victimAct+"="+act)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var refs []blob.Ref
	n := 0
	for scan := bufio.NewScanner(out); scan.Scan(); {
		if n++; n == lines {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		if ref, err := blob.ParseRef(scan.Text()); err == nil {
			refs = append(refs, ref)
		} else if scan.Text() != "waiting" {
			t.Fatalf("the victim says: %s", scan.Text())
		}
	}
	err = cmd.Wait()
	if n < lines || cmd.ProcessState.Exited() {
		t.Fatalf("the victim ended by itself after %d lines: %v", n, err)
	}
	return refs
}
