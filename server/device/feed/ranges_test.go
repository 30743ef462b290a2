// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"landed/server/blob"
	"landed/server/blob/disk"
)

// distant is a store that counts what it would be asked for if it lay at the other end of a network, as s3 asks.
type distant struct {
	blob.Store
	opened, gets, asked, read int64
	open                      int // contents that nobody has closed
}

func (d *distant) Open(ctx context.Context, ref blob.Ref) (blob.Content, error) {
	c, err := d.Store.Open(ctx, ref)
	if err != nil {
		return nil, err
	}
	d.opened, d.open = d.opened+1, d.open+1
	return &distantContent{Content: c, store: d}, nil
}

type distantContent struct {
	blob.Content
	blob.Expected
	store   *distant
	at, end int64
}

func (c *distantContent) Expect(parts ...blob.Range) { c.Expected = parts }

func (c *distantContent) Seek(offset int64, whence int) (int64, error) {
	at, err := c.Content.Seek(offset, whence)
	if at != c.at {
		c.at, c.end = at, 0
	}
	return at, err
}

func (c *distantContent) Read(p []byte) (int, error) {
	if c.at >= c.Size() {
		return 0, io.EOF
	}
	if c.end <= c.at {
		c.end = c.End(c.at, c.Size())
		c.store.gets, c.store.asked = c.store.gets+1, c.store.asked+c.end-c.at
	}
	n, err := c.Content.Read(p[:min(int64(len(p)), c.end-c.at)])
	c.at += int64(n)
	c.store.read += int64(n)
	return n, err
}

func (c *distantContent) Close() error { c.store.open--; return c.Content.Close() }

// newDistant is a feed whose one package lies in a distant store.
func newDistant(t testing.TB) (*Handler, *distant) {
	local, err := disk.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { local.Close() })
	d, err := local.Create(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Write(payload); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Commit(context.Background(), blob.Ref(sum(payload))); err != nil {
		t.Fatal(err)
	}
	store := &distant{Store: local}
	h, err := New(t.TempDir(), store)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	h.Publish(nil, func(stored string) bool { return stored == storedName(payload) })
	return h, store
}

// Of a package in a store over the network the bytes are asked for that are sent, whatever part of it a client wants.
func TestRangesAreHandedDown(t *testing.T) {
	etag := `"` + sum(payload) + `"`
	size := int64(len(payload))
	for name, tc := range map[string]struct {
		method      string
		header      map[string]string
		status      int
		gets, asked int64
	}{
		"all of it":             {"GET", nil, 200, 1, size},
		"the middle":            {"GET", map[string]string{"Range": "bytes=1000-1999"}, 206, 1, 1000},
		"from the middle on":    {"GET", map[string]string{"Range": "bytes=100000-"}, 206, 1, size - 100_000},
		"the last bytes":        {"GET", map[string]string{"Range": "bytes=-512"}, 206, 1, 512},
		"more last bytes":       {"GET", map[string]string{"Range": "bytes=-99999999"}, 206, 1, size},
		"one byte":              {"GET", map[string]string{"Range": "bytes=0-0"}, 206, 1, 1},
		"over the end":          {"GET", map[string]string{"Range": "bytes=262000-999999"}, 206, 1, size - 262_000},
		"beyond the end":        {"GET", map[string]string{"Range": "bytes=99999999-"}, 416, 0, 0},
		"nonsense":              {"GET", map[string]string{"Range": "bytes=9-3"}, 416, 0, 0},
		"another unit":          {"GET", map[string]string{"Range": "lines=1-3"}, 416, 0, 0},
		"two parts":             {"GET", map[string]string{"Range": "bytes=0-99, 5000-5099"}, 206, 2, 200},
		"parts that overlap":    {"GET", map[string]string{"Range": "bytes=0-99,50-149,0-9"}, 206, 3, 210},
		"more than there is":    {"GET", map[string]string{"Range": "bytes=0-,0-,0-"}, 200, 1, size},
		"as many as may be":     {"GET", map[string]string{"Range": "bytes=0-0" + strings.Repeat(",7-8", 15)}, 206, 16, 31},
		"more than may be":      {"GET", map[string]string{"Range": "bytes=0-0" + strings.Repeat(",7-8", 16)}, 416, 0, 0},
		"the same file":         {"GET", map[string]string{"Range": "bytes=7-9", "If-Range": etag}, 206, 1, 3},
		"another file":          {"GET", map[string]string{"Range": "bytes=7-9", "If-Range": `"x"`}, 200, 1, size},
		"another, from byte 0":  {"GET", map[string]string{"Range": "bytes=0-9", "If-Range": `"x"`}, 200, 2, size},
		"unchanged":             {"GET", map[string]string{"Range": "bytes=7-9", "If-None-Match": etag}, 304, 0, 0},
		"not the one wanted":    {"GET", map[string]string{"If-Match": `"x"`}, 412, 0, 0},
		"the head":              {"HEAD", nil, 200, 0, 0},
		"the head of the range": {"HEAD", map[string]string{"Range": "bytes=7-9"}, 206, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			h, store := newDistant(t)
			w := ask(h, tc.method, "/tuf/targets/"+storedName(payload), tc.header)
			if w.Code != tc.status || store.gets != tc.gets || store.asked != tc.asked || store.read != tc.asked {
				t.Errorf("answered %d; asked %d times, for %d bytes, and read %d; wanted %d, and %d times %d bytes",
					w.Code, store.gets, store.asked, store.read, tc.status, tc.gets, tc.asked)
			}
			if store.opened != 1 || store.open != 0 {
				t.Errorf("opened %d times, %d left open", store.opened, store.open)
			}
			same := newFolderOf(t)
			plain := ask(same, tc.method, "/tuf/targets/"+storedName(payload), tc.header)
			if plain.Code != w.Code || plain.Header().Get("Content-Range") != w.Header().Get("Content-Range") ||
				!strings.HasPrefix(w.Header().Get("Content-Type"), "multipart/") && !bytes.Equal(plain.Body.Bytes(), w.Body.Bytes()) {
				t.Errorf("from a folder it is answered otherwise: %d %v, and here %d %v", plain.Code, plain.Header(), w.Code, w.Header())
			}
		})
	}
}

// newFolderOf is a feed whose one package lies in its folder.
func newFolderOf(t *testing.T) *Handler {
	h, _ := newFeed(t)
	return h
}

// gone is a client that goes away after some bytes.
type gone struct {
	*httptest.ResponseRecorder
	left int
}

func (g *gone) Write(p []byte) (int, error) {
	if g.left -= len(p); g.left < 0 {
		return 0, io.ErrClosedPipe
	}
	return g.ResponseRecorder.Write(p)
}

func TestContentIsClosedWhenTheClientGoes(t *testing.T) {
	h, store := newDistant(t)
	h.ServeHTTP(&gone{httptest.NewRecorder(), 64 << 10}, httptest.NewRequest("GET", "/tuf/targets/"+storedName(payload), nil))
	if store.open != 0 || store.gets != 1 || store.read >= int64(len(payload)) {
		t.Errorf("%d left open, asked %d times, read %d", store.open, store.gets, store.read)
	}
}

// FuzzRange: what is asked of the store is what is read, and the answer is that of a plain file.
func FuzzRange(f *testing.F) {
	for _, s := range []string{"", "bytes=0-0", "bytes=5-", "bytes=-5", "bytes= 1-2 , 4-8", "bytes=-0", "bytes=,,1-2", "bytes=--5",
		"bytes=1-2,x",
		"bytes=9223372036854775807-", "bytes=0-9223372036854775807", "bytes=-9223372036854775808", "bytes=+1-+2", "bytes=0-9,3-1"} {
		f.Add(s)
	}
	h, store := newDistant(f)
	file := filepath.Join(f.TempDir(), "file")
	if err := os.WriteFile(file, payload, 0o600); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, header string) {
		store.gets, store.asked, store.read = 0, 0, 0
		r := httptest.NewRequest("GET", "/tuf/targets/"+storedName(payload), nil)
		r.Header["Range"] = []string{header}
		w, plain := httptest.NewRecorder(), httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if store.asked != store.read || store.open != 0 {
			t.Errorf("%q: asked for %d bytes, read %d; %d left open", header, store.asked, store.read, store.open)
		}
		if tooManyRanges(r) {
			return
		}
		plain.Header().Set("Etag", `"`+sum(payload)+`"`)
		http.ServeFile(plain, r, file)
		if w.Code != plain.Code || w.Code == 206 && w.Header().Get("Content-Range") != plain.Header().Get("Content-Range") {
			t.Errorf("%q: %d %v, wanted %d %v", header, w.Code, w.Header(), plain.Code, plain.Header())
		}
	})
}
