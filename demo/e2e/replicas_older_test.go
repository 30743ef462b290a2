// SPDX-License-Identifier: Apache-2.0

//go:build unix

package e2e

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// upgradedFrom is the program that the story of an upgrade begins with: the first of which several could run on one
// PostgreSQL database. After it came the migration reports/0002_compact.
const upgradedFrom = "4797b2c7f3479ef79e5a0172abaab13539eb4016"

// hasHistory says if the repository of these sources is here, with that commit.
var hasHistory = sync.OnceValue(func() bool {
	return exec.Command("git", "cat-file", "-e", upgradedFrom+"^{commit}").Run() == nil
})

// older NAME: NAME becomes the otad of an earlier commit, built from the history of this repository. It is kept beside Go's own
// cache, by its commit and the version of Go: to build it takes a minute.
func older(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: older NAME")
	}
	program, err := olderProgram(upgradedFrom)
	ts.Check(err)
	ts.Setenv(args[0], program)
}

func olderProgram(commit string) (path string, err error) {
	kept, err := os.UserCacheDir()
	if err != nil {
		kept = os.TempDir()
	}
	kept = filepath.Join(kept, "landed-test")
	path = filepath.Join(kept, fmt.Sprintf("otad-%.12s-%s-%s-%s", commit, runtime.Version(), runtime.GOOS, runtime.GOARCH))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(kept, 0o700); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(kept, "building-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	if err := unpackCommit(commit, dir); err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-buildvcs=false", "-o", "built", "./server/cmd/otad")
	build.Dir, build.Env = dir, append(os.Environ(), "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build otad of %s: %w\n%s", commit, err, out)
	}
	return path, os.Rename(filepath.Join(dir, "built"), path)
}

// unpackCommit writes the files of a commit into a folder.
func unpackCommit(commit, dir string) error {
	root, err := exec.Command("git", "rev-parse", "--show-toplevel").Output()
	if err != nil {
		return fmt.Errorf("git rev-parse: %w", err)
	}
	archive := exec.Command("git", "archive", commit)
	archive.Dir = strings.TrimSpace(string(root))
	var text, said bytes.Buffer
	archive.Stdout, archive.Stderr = &text, &said
	if err := archive.Run(); err != nil {
		return fmt.Errorf("git archive %s: %w\n%s", commit, err, &said)
	}
	into, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer into.Close()
	for files := tar.NewReader(&text); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if err := into.MkdirAll(filepath.Dir(h.Name), 0o700); err != nil {
			return err
		}
		text, err := io.ReadAll(files)
		if err == nil {
			err = into.WriteFile(h.Name, text, 0o600)
		}
		if err != nil {
			return err
		}
	}
}
