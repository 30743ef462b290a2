// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"landed/server/otactl/verify"
)

// flips changes single bytes of each file in a folder that holds, and wants the file named.
func flips(t *testing.T, dir string, times int) {
	t.Helper()
	check := func() error {
		_, err := verify.Folder(context.Background(), dir, verify.Options{})
		return err
	}
	if err := check(); err != nil {
		t.Fatalf("as it was fetched: %v", err)
	}
	chance := rand.New(rand.NewPCG(1, 2))
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		was, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for n := range times {
			at := chance.IntN(len(was))
			text := append([]byte(nil), was...)
			text[at] ^= []byte{1, 0x20, 2, 0x80}[n%4]
			if err := os.WriteFile(path, text, 0o644); err != nil {
				return err
			}
			var fault *verify.Fault
			switch err := check(); {
			case err == nil:
				t.Errorf("%s: byte %d is %q in the place of %q, and nothing is found", name, at, text[at], was[at])
			case !errors.As(err, &fault) || fault.File != filepath.ToSlash(name):
				t.Errorf("%s: byte %d is %q in the place of %q: %v", name, at, text[at], was[at], err)
			}
		}
		return os.WriteFile(path, was, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}
