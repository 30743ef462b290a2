// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// large is metadata worth compressing, noise is some that is not.
var (
	large = []byte(`{"signed":{"_type":"snapshot","meta":{` + strings.Repeat(`"armani-offers.json":{"version":3},`, 200) + `"x":{}}}}`)
	noise = randomText(4 << 10)
)

func randomText(n int) []byte {
	random := rand.NewChaCha8([32]byte{7})
	text := make([]byte, n)
	random.Read(text)
	return text
}

// newPackedFeed has one file that is compressed and two that are not.
func newPackedFeed(t testing.TB) *Handler {
	h, _ := newFeed(t)
	h.Publish(map[string][]byte{"timestamp.json": timestamp, "4.snapshot.json": large, "4.noise.json": noise}, func(stored string) bool {
		return stored == storedName(payload)
	})
	return h
}

func ask(h http.Handler, method, path string, header map[string]string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for k, v := range header {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func unpack(t testing.TB, body []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Each form is a representation of its own: its length, its tag, its ranges.
func TestFormsOfMetadata(t *testing.T) {
	h := newPackedFeed(t)
	const path = "/tuf/metadata/4.snapshot.json"
	packed := ask(h, "GET", path, map[string]string{"Accept-Encoding": "gzip"}).Body.Bytes()
	if got := unpack(t, packed); !bytes.Equal(got, large) {
		t.Fatalf("%d bytes were packed, wanted %d", len(got), len(large))
	}
	if len(packed)*2 > len(large) {
		t.Errorf("%d bytes of %d", len(packed), len(large))
	}
	for _, f := range []struct {
		name, accept, encoding string
		body, other            []byte
	}{
		{"identity", "", "", large, packed},
		{"gzip", "gzip", "gzip", packed, large},
		{"gzip refused", "gzip;q=0", "", large, packed},
	} {
		tag, otherTag, length := `"`+sum(f.body)+`"`, `"`+sum(f.other)+`"`, len(f.body)
		about := map[string]string{"Etag": tag, "Vary": "Accept-Encoding", "Cache-Control": cacheForever}
		whole := map[string]string{"Content-Encoding": f.encoding, "Content-Length": strconv.Itoa(length), "Content-Type": "application/json"}
		part := map[string]string{"Content-Encoding": f.encoding, "Content-Length": "5", "Content-Range": fmt.Sprintf("bytes 2-6/%d", length)}
		none := map[string]string{"Content-Encoding": "", "Content-Length": ""}
		for _, tc := range []struct {
			name, method string
			header       map[string]string
			status       int
			body         []byte
			want         map[string]string
		}{
			{"whole", "GET", nil, 200, f.body, whole},
			{"head", "HEAD", nil, 200, nil, whole},
			{"unchanged", "GET", map[string]string{"If-None-Match": tag}, 304, nil, none},
			{"unchanged, weakly", "GET", map[string]string{"If-None-Match": `W/` + tag}, 304, nil, none},
			{"unchanged, head", "HEAD", map[string]string{"If-None-Match": tag}, 304, nil, none},
			{"one of both forms is held", "GET", map[string]string{"If-None-Match": otherTag + ", " + tag}, 304, nil, none},
			{"the other form is held", "GET", map[string]string{"If-None-Match": otherTag}, 200, f.body, whole},
			{"part", "GET", map[string]string{"Range": "bytes=2-6"}, 206, f.body[2:7], part},
			{"part of the same", "GET", map[string]string{"Range": "bytes=2-6", "If-Range": tag}, 206, f.body[2:7], part},
			{"part of the other form", "GET", map[string]string{"Range": "bytes=2-6", "If-Range": otherTag}, 200, f.body, whole},
			{"part, weakly", "GET", map[string]string{"Range": "bytes=2-6", "If-Range": "W/" + tag}, 200, f.body, whole},
			{"beyond the end", "GET", map[string]string{"Range": fmt.Sprintf("bytes=%d-", length)}, 416, nil,
				map[string]string{"Content-Range": fmt.Sprintf("bytes */%d", length), "Etag": "", "Cache-Control": "", "Content-Encoding": ""}},
			{"only if it is the same", "GET", map[string]string{"If-Match": tag}, 200, f.body, whole},
			{"only if it is the other", "GET", map[string]string{"If-Match": otherTag, "Range": "bytes=2-6"}, 412, nil, none},
			{"only if it is the same, weakly", "GET", map[string]string{"If-Match": "W/" + tag}, 412, nil, none},
			{"only if it is there", "GET", map[string]string{"If-Match": "*"}, 200, f.body, whole},
		} {
			t.Run(f.name+"/"+tc.name, func(t *testing.T) {
				header := map[string]string{"Accept-Encoding": f.accept}
				for k, v := range tc.header {
					header[k] = v
				}
				w := ask(h, tc.method, path, header)
				if w.Code != tc.status {
					t.Fatalf("status %d, wanted %d", w.Code, tc.status)
				}
				if (tc.body != nil || tc.status != 416) && !bytes.Equal(w.Body.Bytes(), tc.body) {
					t.Errorf("%d bytes, wanted %d", w.Body.Len(), len(tc.body))
				}
				want := map[string]string{}
				for _, set := range []map[string]string{about, tc.want} {
					for k, v := range set {
						want[k] = v
					}
				}
				got := map[string]string{}
				for k := range want {
					got[k] = w.Header().Get(k)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// The same over a connection, where net/http checks lengths and would frame a body by itself.
func TestFormsOverHTTP(t *testing.T) {
	s := httptest.NewServer(newPackedFeed(t))
	defer s.Close()
	for _, rangeOf := range []string{"", "bytes=0-9", "bytes=99999999-", "bytes=0-0,2-2"} {
		for _, condition := range []string{"", "If-Match", "If-Range"} {
			r, err := http.NewRequest("GET", s.URL+"/tuf/metadata/4.snapshot.json", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Accept-Encoding", "gzip")
			if rangeOf != "" {
				r.Header.Set("Range", rangeOf)
			}
			if condition != "" {
				r.Header.Set(condition, `"other"`)
			}
			resp, err := s.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || resp.ContentLength != int64(len(body)) {
				t.Errorf("range %q, %s: %d bytes, %d announced, %v", rangeOf, condition, len(body), resp.ContentLength, err)
			}
		}
	}
}

// What has one form only does not vary: caches keep one copy of it.
func TestOneForm(t *testing.T) {
	h := newPackedFeed(t)
	for path, body := range map[string][]byte{
		"/tuf/metadata/timestamp.json":        timestamp,
		"/tuf/metadata/4.noise.json":          noise,
		"/tuf/metadata/2.snapshot.json":       older,
		"/tuf/targets/" + storedName(payload): payload,
		"/tuf/targets/" + formerOffers:        older,
	} {
		w := ask(h, "GET", path, map[string]string{"Accept-Encoding": "gzip"})
		if !bytes.Equal(w.Body.Bytes(), body) || w.Header().Get("Content-Encoding") != "" || w.Header().Get("Vary") != "" {
			t.Errorf("%s: %d bytes, %v", path, w.Body.Len(), w.Header())
		}
	}
}

// A file that a publication leaves as it was is not compressed again; one that changed under
// its name is.
func TestPackedOncePerContent(t *testing.T) {
	h := newPackedFeed(t)
	entryOf := func() *entry { return (*h.listed.Load())["metadata/4.snapshot.json"] }
	first := entryOf()
	publish := func(body []byte) {
		h.Publish(map[string][]byte{"4.snapshot.json": body}, func(string) bool { return false })
	}
	publish(bytes.Clone(large))
	if entryOf() != first {
		t.Error("an unchanged file was compressed again")
	}
	changed := append(bytes.Clone(large), ' ')
	publish(changed)
	w := ask(h, "GET", "/tuf/metadata/4.snapshot.json", map[string]string{"Accept-Encoding": "gzip"})
	if !bytes.Equal(unpack(t, w.Body.Bytes()), changed) {
		t.Error("the compressed form is of older content")
	}
}

// Servers of one feed must give the same bytes under one strong tag.
func TestPackingIsDeterministic(t *testing.T) {
	var once, again packer
	again.pack(bytes.Repeat(large, 2))
	if a, b := once.pack(large), again.pack(large); a == nil || !bytes.Equal(a, b) {
		t.Error("the same bytes were compressed to others")
	}
}
