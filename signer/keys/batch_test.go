// SPDX-License-Identifier: Apache-2.0

package keys

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// listed is the folder as one line: names and contents.
func listed(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e.Name()+"="+string(text))
	}
	return strings.Join(all, " ")
}

func TestBatch(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write(t, at("old"), "1")
	var b Batch
	if err := errors.Join(b.New(at("new"), []byte("2"), 0o600), b.Replace(at("old"), []byte("3"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := listed(t, dir); got != "new=2 old=3" {
		t.Errorf("the folder holds %s", got)
	}
}

// Whatever goes wrong, and wherever, everything is as it was.
func TestBatchThatFails(t *testing.T) {
	for name, spoil := range map[string]func(b *Batch, at func(string) string) error{
		"a file that cannot be written": func(b *Batch, at func(string) string) error { return b.Replace(at("nowhere/x"), nil, 0o600) },
		"a file that is there":          func(b *Batch, at func(string) string) error { return b.New(at("old"), nil, 0o600) },
		"a file that came meanwhile": func(b *Batch, at func(string) string) error {
			if err := b.New(at("late"), nil, 0o600); err != nil {
				return err
			}
			if err := os.Mkdir(at("late"), 0o700); err != nil {
				return nil
			}
			defer os.Remove(at("late"))
			return b.Commit()
		},
	} {
		dir := t.TempDir()
		at := func(name string) string { return filepath.Join(dir, name) }
		write(t, at("old"), "1")
		var b Batch
		if err := b.New(at("new"), []byte("2"), 0o600); err != nil {
			t.Fatal(err)
		}
		err := spoil(&b, at)
		b.Discard()
		if err == nil || strings.Contains(err.Error(), "/.") {
			t.Errorf("%s: error %v", name, err)
		}
		if name != "a file that cannot be written" && !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: error %v is not of the kind ErrExist", name, err)
		}
		if got := listed(t, dir); got != "old=1" {
			t.Errorf("%s: the folder holds %s", name, got)
		}
	}
}
