// SPDX-License-Identifier: Apache-2.0

package mkfixture

import (
	"archive/zip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"mkfixture": func() {
		os.Exit(Main(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
	}})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", Cmds: map[string]func(*testscript.TestScript, bool, []string){
		"zipreads": zipReads, "atleast": atLeast,
	}})
}

// zipReads FILE NAME: the standard library reads the whole archive, and NAME is in it.
func zipReads(ts *testscript.TestScript, neg bool, args []string) {
	z, err := zip.OpenReader(ts.MkAbs(args[0]))
	ts.Check(err)
	defer z.Close()
	found := false
	for _, f := range z.File {
		r, err := f.Open()
		ts.Check(err)
		_, err = io.Copy(io.Discard, r)
		ts.Check(err)
		found = found || f.Name == args[1]
	}
	if found == neg {
		ts.Fatalf("%s in %s: %v", args[1], args[0], found)
	}
}

// atLeast FILE BYTES: the file is that long, and at most 1 MiB longer.
func atLeast(ts *testscript.TestScript, neg bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	want, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	if ok := info.Size() >= want && info.Size() <= want+1<<20; ok == neg {
		ts.Fatalf("%s has %d bytes", args[0], info.Size())
	}
}

// TestWholeOrNothing: whatever stops the writing, what was there stays and nothing new appears.
func TestWholeOrNothing(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "package.zip")
	if err := os.WriteFile(out, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	full := errors.New("disk full")
	for name, tt := range map[string]struct {
		ctx context.Context
		err error
	}{"interrupted": {ended, nil}, "write fails": {t.Context(), full}} {
		_, err := writeWhole(tt.ctx, out, nil, func(w io.Writer) error {
			if _, err := w.Write(make([]byte, 3<<20)); err != nil {
				return err
			}
			return tt.err
		})
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		files, _ := os.ReadDir(dir)
		if text, _ := os.ReadFile(out); string(text) != "before" || len(files) != 1 {
			t.Errorf("%s: left %q and %d files", name, text, len(files))
		}
	}
}
