// SPDX-License-Identifier: Apache-2.0

package disk_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"landed/server/blob"
	"landed/server/blob/blobtest"
	"landed/server/blob/disk"
)

func TestContract(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) func(t *testing.T) blob.Store {
		dir := filepath.Join(t.TempDir(), "not", "there", "yet")
		return func(t *testing.T) blob.Store { return open(t, dir) }
	})
}

func open(t *testing.T, dir string) *disk.Store {
	t.Helper()
	s, err := disk.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestStrangersInTheFolderAreNoContent(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	ref := blobtest.Put(t, s, []byte("content"))
	other := string(blobtest.RefOf([]byte("x")))
	for _, stranger := range []string{"README", "00/" + other[:63], "ff/" + other, string(ref[:2]) + "/notes.txt"} {
		if err := os.WriteFile(filepath.Join(dir, "blobs", stranger), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for info, err := range s.List(t.Context()) {
		if err != nil || info.Ref != ref {
			t.Errorf("List: %v, %v; wanted only %s", info, err, ref)
		}
	}
}

// A symbolic link planted in the folder must not lead a reader out of it.
func TestNoWayOut(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	ref := blobtest.RefOf([]byte("secret"))
	if err := os.Symlink(secret, filepath.Join(dir, "blobs", string(ref[:2]), string(ref))); err != nil {
		t.Fatal(err)
	}
	if c, err := s.Open(t.Context(), ref); err == nil {
		c.Close()
		t.Error("Open followed a link out of the folder")
	}
}

func TestContentIsReadOnly(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	ref := blobtest.Put(t, s, []byte("content"))
	fi, err := os.Stat(filepath.Join(dir, "blobs", string(ref[:2]), string(ref)))
	if err != nil {
		t.Fatal(err)
	}
	if fi.Mode().Perm() != 0o444 {
		t.Errorf("mode %v, wanted readable and never writable", fi.Mode())
	}
	c, err := s.Open(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.(io.Writer).Write([]byte("x")); err == nil {
		t.Error("content could be written")
	}
}

// What net/http asks of a source before it uses sendfile is syscall.Conn; a wrapper would hide it.
func TestServedBySendfile(t *testing.T) {
	s := open(t, t.TempDir())
	b := blobtest.Bytes(1, 1<<20)
	ref := blobtest.Put(t, s, b)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := s.Open(r.Context(), ref)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		if _, ok := c.(syscall.Conn); !ok {
			t.Errorf("%T hides its file", c)
		}
		http.ServeContent(w, r, "ota.zip", time.Time{}, c)
	}))
	defer server.Close()
	req, err := http.NewRequestWithContext(t.Context(), "GET", server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Range", "bytes=1000-500999")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusPartialContent || !bytes.Equal(got, b[1000:501000]) {
		t.Errorf("status %d, %d bytes, %v", resp.StatusCode, len(got), err)
	}
}

func TestLinkTo(t *testing.T) {
	s := open(t, t.TempDir())
	b := blobtest.Bytes(1, 5000)
	ref := blobtest.Put(t, s, b)
	feed := t.TempDir()
	path := filepath.Join(feed, "ota.zip")
	check := func(step string) {
		t.Helper()
		got, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(got, b) {
			t.Errorf("%s: %d bytes, %v; wanted the content", step, len(got), err)
		}
		if names, _ := os.ReadDir(feed); len(names) != 1 {
			t.Errorf("%s: %v in the folder, wanted one name", step, names)
		}
	}
	link := func() {
		t.Helper()
		if err := s.LinkTo(t.Context(), ref, path); err != nil {
			t.Errorf("LinkTo: %v", err)
		}
	}
	link()
	check("first")
	link()
	check("again")
	if err := s.Delete(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	check("after the content was deleted")
	blobtest.Put(t, s, b)
	link()
	check("after it was stored again")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	link()
	check("over something else")

	for what, c := range map[string]struct {
		ref  blob.Ref
		path string
		want error
	}{
		"unknown content": {blobtest.RefOf(nil), path, blob.ErrNotFound},
		"malformed ref":   {"../../secret", path, blob.ErrBadRef},
		"missing folder":  {ref, filepath.Join(feed, "missing", "ota.zip"), os.ErrNotExist},
	} {
		if err := s.LinkTo(t.Context(), c.ref, c.path); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, wanted %v", what, err, c.want)
		}
	}
	check("after refusals")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.LinkTo(ctx, ref, path); !errors.Is(err, context.Canceled) {
		t.Errorf("done context: %v", err)
	}
}

func TestOpenRefusesAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := disk.Open(path); err == nil {
		s.Close()
		t.Error("a file was opened as a folder")
	}
}
