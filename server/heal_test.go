// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/server/device/feed"
	"landed/server/library"
	"landed/server/scrub"
	kit "landed/server/servertest"
)

// publishedPackage is a package that is published, its file in the store, the one in the feed, and its URL below the feed.
func publishedPackage(t *testing.T, r *kit.Rooms) (content, file, url string) {
	t.Helper()
	r.Released("armani")
	p := r.Upload("armani", fixtures.Patched)
	content = filepath.Join(r.Dir, "blobs", "blobs", p.SHA256[:2], p.SHA256)
	targets := filepath.Join(r.Dir, "feed", "targets")
	err := filepath.WalkDir(targets, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.HasPrefix(d.Name(), p.SHA256) {
			file = path
		}
		return err
	})
	if err != nil || file == "" {
		t.Fatalf("no file of %s in the feed: %v", p.SHA256, err)
	}
	below, err := filepath.Rel(targets, file)
	if err != nil {
		t.Fatal(err)
	}
	return content, file, feed.Prefix + "targets/" + filepath.ToSlash(below)
}

func overwrite(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.Chmod(path, 0o600)
	}
	if err == nil {
		err = os.WriteFile(path, change(text), 0o600) // in place: every name of the file sees it
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestDamagedContentHeals: damaged bytes are not served, are found by a start or by the scrubber, and come back with
// the same file.
func TestDamagedContentHeals(t *testing.T) {
	flip := func(b []byte) []byte { b[len(b)/2] ^= 1; return b }
	cut := func(b []byte) []byte { return b[:1000] }
	scrubbed := func(t *testing.T, r *kit.Rooms) {
		s := scrub.Scrubber{Blobs: r.Blobs, Repo: r.Repo, Log: slog.New(slog.DiscardHandler)}
		if err := s.Pass(r.Ctx, func(context.Context, time.Duration) {}); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		name   string
		change func([]byte) []byte
		before int // what a download is answered before anybody looked
		find   func(*testing.T, *kit.Rooms)
	}{
		{"a bit flipped, the scrubber", flip, http.StatusOK, scrubbed},
		{"a bit flipped, uploaded again", flip, http.StatusOK, nil},
		{"cut off, the scrubber", cut, http.StatusServiceUnavailable, scrubbed},
		{"cut off, a start", cut, http.StatusServiceUnavailable, func(_ *testing.T, r *kit.Rooms) { r.Reopen() }},
		{"cut off, uploaded again", cut, http.StatusServiceUnavailable, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := kit.New(t)
			content, file, url := publishedPackage(t, r)
			h, err := feed.New(filepath.Join(r.Dir, "feed"), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			serve := func() *httptest.ResponseRecorder {
				h.Lengths(r.Repo.Length)
				h.Publish(nil, func(stored string) bool { _, ok := r.Repo.Length(stored); return ok })
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest("GET", url, nil))
				return w
			}
			_, body := kit.PackageOf(t, "armani", fixtures.Patched)
			if got := serve(); got.Code != http.StatusOK || !bytes.Equal(got.Body.Bytes(), body) {
				t.Fatalf("at first: %d", got.Code)
			}
			overwrite(t, content, tc.change)
			if got := serve(); got.Code != tc.before {
				t.Errorf("damaged: %d, wanted %d", got.Code, tc.before)
			}
			if tc.find != nil {
				tc.find(t, r)
				if got := serve(); got.Code != http.StatusServiceUnavailable {
					t.Errorf("set aside: %d, wanted 503", got.Code)
				}
				aside := filepath.Join(r.Dir, "blobs", "damaged", filepath.Base(content))
				if _, err := os.Stat(aside); err != nil {
					t.Errorf("the damaged bytes were not kept: %v", err)
				}
			}
			name, _ := kit.PackageOf(t, "armani", fixtures.Patched)
			in := library.Incoming{Name: name, Channel: "stable", By: "ann", Size: int64(len(body))}
			if _, err := r.Library.Upload(r.Ctx, in, io.Reader(bytes.NewReader(body))); err != nil {
				t.Fatal(err)
			}
			if got := serve(); got.Code != http.StatusOK || !bytes.Equal(got.Body.Bytes(), body) {
				t.Errorf("uploaded again: %d", got.Code)
			}
			for _, path := range []string{content, file} {
				if text, err := os.ReadFile(path); err != nil || !bytes.Equal(text, body) {
					t.Errorf("%s is not as it was uploaded: %v", path, err)
				}
			}
		})
	}
}

// TestScrubberReplacesAnotherFile: a file of the feed that is no name of the content, with the right length and other
// bytes, is replaced.
func TestScrubberReplacesAnotherFile(t *testing.T) {
	r := kit.New(t)
	_, file, _ := publishedPackage(t, r)
	_, body := kit.PackageOf(t, "armani", fixtures.Patched)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, make([]byte, len(body)), 0o644); err != nil {
		t.Fatal(err)
	}
	s := scrub.Scrubber{Blobs: r.Blobs, Repo: r.Repo, Log: slog.New(slog.DiscardHandler)}
	if err := s.Pass(r.Ctx, func(context.Context, time.Duration) {}); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(file); err != nil || !bytes.Equal(text, body) {
		t.Errorf("the file in the feed was not replaced: %v", err)
	}
}
