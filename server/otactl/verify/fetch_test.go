// SPDX-License-Identifier: Apache-2.0

package verify_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"landed/server/otactl/verify"
)

// served is a server that gives what lies in a folder.
type served struct {
	dir    string
	broken string // a file in whose place it fails
}

var errBroken = errors.New("the connection broke")

// Public implements verify.Server.
func (s served) Public(_ context.Context, path string) (io.ReadCloser, error) {
	name := strings.TrimPrefix(path, "/")
	if page, is := strings.CutPrefix(name, "tuf/metadata/tally/41/"); is {
		name = page
	}
	if name == s.broken {
		return nil, errBroken
	}
	return os.Open(filepath.Join(s.dir, filepath.FromSlash(name)))
}

// TallyEvidence implements verify.Server.
func (s served) TallyEvidence(context.Context) (io.ReadCloser, error) { return nil, fs.ErrNotExist }

// files are all files below a folder.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		all[strings.TrimPrefix(path, dir)] = string(text)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestSavedStays: what somebody saved stays as it was when a later fetch fails, or brings another past.
func TestSavedStays(t *testing.T) {
	all := t.TempDir()
	from, saved := filepath.Join(all, "server"), filepath.Join(all, "copies", "saved")
	unpack(t, filepath.Join("testdata", "folder-v1.tar.gz"), from)
	for range 2 { // once more over the same
		if err := verify.Fetch(t.Context(), served{dir: from}, saved, verify.Wanted{}); err != nil {
			t.Fatal(err)
		}
		if found, err := verify.Folder(t.Context(), saved, verify.Options{}); err != nil || found.Numbers != 249 {
			t.Fatalf("%+v, %v", found, err)
		}
	}
	was := files(t, saved)
	folders := func() []string {
		names, _ := filepath.Glob(filepath.Join(all, "copies", "*"))
		return names
	}
	write(t, filepath.Join(from, "status.json"), []byte("{}"))
	err := verify.Fetch(t.Context(), served{from, "tally/evidence.jsonl"}, saved, verify.Wanted{})
	if !errors.Is(err, errBroken) || !maps.Equal(files(t, saved), was) || len(folders()) != 1 {
		t.Errorf("a fetch that breaks off: %v, %v", err, folders())
	}
	other := filepath.Join(from, "tuf", "metadata", "tally", "40.json")
	write(t, other, []byte("another"))
	var fault *verify.Fault
	err = verify.Fetch(t.Context(), served{dir: from}, saved, verify.Wanted{})
	if !errors.As(err, &fault) || fault.File != "tuf/metadata/tally/40.json" || !maps.Equal(files(t, saved), was) {
		t.Errorf("another past: %v", err)
	}
	if beside := folders(); len(beside) != 2 || !strings.Contains(err.Error(), slices.Max(beside)) ||
		files(t, slices.Max(beside))["/tuf/metadata/tally/40.json"] != "another" {
		t.Errorf("what was given is not kept: %v, %v", beside, err)
	}
}
