// SPDX-License-Identifier: Apache-2.0

package verify_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"landed/server/otactl/verify"
)

// TestRecordedV1 checks a folder that a server of November 2026 gave, whose tallies are of schema 1: every number of it
// follows to this day, and what is changed in it is named.
func TestRecordedV1(t *testing.T) {
	dir := t.TempDir()
	unpack(t, filepath.Join("testdata", "folder-v1.tar.gz"), dir)
	found, err := verify.Folder(t.Context(), dir, verify.Options{})
	if err != nil || found.Number != 41 || found.Tallies != 41 || found.Pages != 3 || !found.Recounted || found.Numbers != 249 ||
		found.Reports != 476 || len(found.Notes) > 0 {
		t.Fatalf("%v: %+v", err, found)
	}
	for _, change := range []struct{ file, was, is string }{
		{"status.json", `"judged":`, `"judged":1`},
		{"releases/miui-cloud-messaging-opt-in.json", `"running":`, `"running":1`},
		{"tuf/metadata/tally/40.json", `"payload":"e`, `"payload":"f`},
		{"tally/evidence.jsonl", `"reports":[{"n":`, `"reports":[{"n":1`},
	} {
		path := filepath.Join(dir, filepath.FromSlash(change.file))
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		changed := bytes.Replace(text, []byte(change.was), []byte(change.is), 1)
		if bytes.Equal(changed, text) {
			t.Fatalf("%s has no %s", change.file, change.was)
		}
		write(t, path, changed)
		var fault *verify.Fault
		if _, err := verify.Folder(t.Context(), dir, verify.Options{}); !errors.As(err, &fault) || fault.File != change.file {
			t.Errorf("%s was changed: %v", change.file, err)
		}
		write(t, path, text)
	}
}

func unpack(t *testing.T, archive, dir string) {
	t.Helper()
	file, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	zipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	for all := tar.NewReader(zipped); ; {
		entry, err := all.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if entry.Typeflag != tar.TypeReg {
			continue
		}
		text, err := io.ReadAll(all)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(entry.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, path, text)
	}
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
}
