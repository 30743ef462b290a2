// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"landed/manifests/tufrepo"
	"landed/server/blob"
	"landed/server/blob/disk"
)

var (
	timestamp = []byte(`{"signed":{"_type":"timestamp","version":7}}`)
	snapshot  = []byte(`{"signed":{"_type":"snapshot","version":3}}`)
	older     = []byte(`{"signed":{"_type":"snapshot","version":2}}`)
	payload   = bytes.Repeat([]byte("0123456789abcdef"), 1<<14)
)

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// signedSum is the tag of a timestamp without its quotes: the digest of what is signed in it.
func signedSum(t testing.TB, doc []byte) string {
	t.Helper()
	s, err := tufrepo.SignedDigest(doc)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Both lie in the folder, and are not published any more.
var pruned, formerOffers = storedName(older), "offers/armani/" + sum(older) + ".stable.json"

func storedName(b []byte) string { return "builds/armani/" + sum(b) + ".update.zip" }

func prefixed(b []byte) string { return sum(b) + ".builds/armani/update.zip" }

// newFeed is a feed whose newest metadata is in memory, and the rest in a folder.
func newFeed(t testing.TB) (*Handler, string) {
	dir := t.TempDir()
	write := func(name string, body []byte) {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, body, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("metadata/timestamp.json", timestamp)
	write("metadata/3.snapshot.json", snapshot)
	write("metadata/2.snapshot.json", older)
	write("metadata/.next-timestamp.json", []byte("half"))
	write("targets/"+storedName(payload), payload)
	write("targets/"+pruned, older)
	write("targets/"+formerOffers, older)
	write("secret", []byte("not of the feed"))
	h, err := New(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	h.Publish(map[string][]byte{"timestamp.json": timestamp, "3.snapshot.json": snapshot}, func(stored string) bool {
		return stored == storedName(payload)
	})
	return h, dir
}

func TestAnswers(t *testing.T) {
	h, _ := newFeed(t)
	etag := func(b []byte) string { return `"` + sum(b) + `"` }
	ofTimestamp := `"` + signedSum(t, timestamp) + `"`
	const forever = "public, max-age=31536000, immutable"
	target := "/tuf/targets/" + storedName(payload)
	for _, tc := range []struct {
		name, method, path string
		header             map[string]string
		status             int
		body               []byte
		want               map[string]string
	}{
		{"the timestamp is asked about each time", "GET", "/tuf/metadata/timestamp.json", nil, 200, timestamp,
			map[string]string{"Cache-Control": "no-cache", "Etag": ofTimestamp, "Content-Type": "application/json",
				"Content-Length": strconv.Itoa(len(timestamp))}},
		{"unchanged", "GET", "/tuf/metadata/timestamp.json", map[string]string{"If-None-Match": ofTimestamp}, 304, nil,
			map[string]string{"Cache-Control": "no-cache", "Etag": ofTimestamp}},
		{"unchanged, among several, weakly", "GET", "/tuf/metadata/timestamp.json", map[string]string{"If-None-Match": `"x", W/` + ofTimestamp},
			304, nil, nil},
		{"changed", "GET", "/tuf/metadata/timestamp.json", map[string]string{"If-None-Match": `"x"`}, 200, timestamp, nil},
		{"head", "HEAD", "/tuf/metadata/timestamp.json", nil, 200, nil, map[string]string{"Content-Length": strconv.Itoa(len(timestamp))}},
		{"part of metadata", "GET", "/tuf/metadata/3.snapshot.json", map[string]string{"Range": "bytes=0-4"}, 206, snapshot[:5],
			map[string]string{"Content-Range": "bytes 0-4/" + strconv.Itoa(len(snapshot))}},
		{"versioned metadata never changes", "GET", "/tuf/metadata/3.snapshot.json", nil, 200, snapshot,
			map[string]string{"Cache-Control": forever}},
		{"an older version, from the folder", "GET", "/tuf/metadata/2.snapshot.json", nil, 200, older, map[string]string{"Cache-Control": forever,
			"Etag": etag(older)}},
		{"the next root is not there yet", "GET", "/tuf/metadata/2.root.json", nil, 404, nil, map[string]string{"Cache-Control": "no-store"}},
		{"a package", "GET", target, nil, 200, payload, map[string]string{"Cache-Control": forever, "Etag": etag(payload),
			"Content-Type": "application/zip", "Content-Encoding": ""}},
		{"a package is never compressed", "GET", target, map[string]string{"Accept-Encoding": "gzip"}, 200, payload,
			map[string]string{"Content-Encoding": "", "Content-Length": strconv.Itoa(len(payload))}},
		{"resumed", "GET", target, map[string]string{"Range": "bytes=100000-"}, 206, payload[100000:], nil},
		{"resumed, the same file", "GET", target, map[string]string{"Range": "bytes=100000-", "If-Range": etag(payload)}, 206,
			payload[100000:], nil},
		{"resumed, another file", "GET", target, map[string]string{"Range": "bytes=100000-", "If-Range": `"other"`}, 200, payload, nil},
		{"beyond the end", "GET", target, map[string]string{"Range": "bytes=99999999-"}, 416, nil, map[string]string{"Content-Range": "bytes */" +
			strconv.Itoa(len(payload))}},
		{"a package unchanged", "GET", target, map[string]string{"If-None-Match": etag(payload)}, 304, nil, nil},
		{"head of a package", "HEAD", target, nil, 200, nil, map[string]string{"Content-Length": strconv.Itoa(len(payload)),
			"Accept-Ranges": "bytes"}},
		{"a build that was taken out", "GET", "/tuf/targets/" + pruned, nil, 404, nil, map[string]string{"Cache-Control": "no-store"}},
		{"offers of a moment ago, for a client on its way", "GET", "/tuf/targets/" + formerOffers, nil, 200, older,
			map[string]string{"Cache-Control": forever}},
		{"a package, its hash before the path", "GET", "/tuf/targets/" + prefixed(payload), nil, 200, payload,
			map[string]string{"Cache-Control": forever, "Etag": etag(payload), "Content-Type": "application/zip"}},
		{"resumed, its hash before the path", "GET", "/tuf/targets/" + prefixed(payload), map[string]string{"Range": "bytes=9-"}, 206,
			payload[9:], nil},
		{"a build that was taken out, its hash before the path", "GET", "/tuf/targets/" + prefixed(older), nil, 404, nil, nil},
		{"two hashes", "GET", "/tuf/targets/" + sum(payload) + "." + storedName(payload), nil, 404, nil, nil},
		{"no way out, a hash before the path", "GET", "/tuf/targets/" + sum(payload) + ".builds/../../secret", nil, 404, nil, nil},
		{"no listing, a hash before the path", "GET", "/tuf/targets/" + sum(payload) + ".builds/armani/", nil, 404, nil, nil},
		{"no listing", "GET", "/tuf/metadata/", nil, 404, nil, nil},
		{"no listing of a folder", "GET", "/tuf/targets/builds/armani", nil, 404, nil, nil},
		{"half-written files are not of the feed", "GET", "/tuf/metadata/.next-timestamp.json", nil, 404, nil, nil},
		{"nothing beside the two folders", "GET", "/tuf/secret", nil, 404, nil, nil},
		{"no way out", "GET", "/tuf/metadata/../secret", nil, 404, nil, nil},
		{"no way out, escaped", "GET", "/tuf/metadata/%2e%2e/secret", nil, 404, nil, nil},
		{"a target without its hash", "GET", "/tuf/targets/builds/armani/update.zip", nil, 404, nil, nil},
		{"a name that no folder can hold", "GET", "/tuf/metadata/" + strings.Repeat("a", 4000), nil, 404, nil,
			map[string]string{"Cache-Control": "no-store"}},
		{"a file is no folder", "GET", "/tuf/metadata/2.snapshot.json/x", nil, 404, nil, nil},
		{"only read", "POST", "/tuf/metadata/timestamp.json", nil, 405, nil, map[string]string{"Allow": "GET, HEAD"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := httptest.NewRequest(tc.method, tc.path, nil)
			for k, v := range tc.header {
				r.Header.Set(k, v)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != tc.status {
				t.Fatalf("status %d, wanted %d", w.Code, tc.status)
			}
			if tc.body != nil && !bytes.Equal(w.Body.Bytes(), tc.body) || tc.method == "HEAD" && w.Body.Len() > 0 {
				t.Errorf("%d bytes, wanted %d", w.Body.Len(), len(tc.body))
			}
			for k, v := range tc.want {
				if got := w.Header().Get(k); got != v {
					t.Errorf("%s is %q, wanted %q", k, got, v)
				}
			}
		})
	}
}

// A poll is answered alike whatever the timestamp looks like beside what is signed, and in whatever coding it would go
// out: the handset has computed the tag from what is signed, and knows of nothing else.
func TestPollMatchesWhatIsSigned(t *testing.T) {
	const signed = `"signed":{"_type":"timestamp","version":7}`
	want := `"` + signedSum(t, []byte("{"+signed+"}")) + `"`
	long := strings.Repeat(`{"keyid":"aa","sig":"00"},`, 100) + `{}`
	for name, doc := range map[string]string{
		"as it is":    `{"signatures":[{"keyid":"aa","sig":"01"}],` + signed + `}`,
		"white space": "{\n " + signed + ",\n \"signatures\": []\n}\n",
		"unsigned":    `{"x-mark":"handset 4711",` + signed + `}`,
		"long":        `{"signatures":[` + long + `],` + signed + `}`,
	} {
		h, _ := newFeed(t)
		h.Publish(map[string][]byte{"timestamp.json": []byte(doc)}, func(string) bool { return false })
		for _, accept := range []string{"", "gzip", "gzip;q=0"} {
			about := func(tag string) *httptest.ResponseRecorder {
				return ask(h, "GET", "/tuf/metadata/timestamp.json", map[string]string{"Accept-Encoding": accept, "If-None-Match": tag})
			}
			w := about(want)
			if w.Code != 304 || w.Body.Len() > 0 || strings.TrimPrefix(w.Header().Get("Etag"), "W/") != want {
				t.Errorf("%s, %q: %d, ETag %s", name, accept, w.Code, w.Header().Get("Etag"))
			}
			packed := name == "long" && accept == "gzip"
			if w = about(`"` + sum([]byte(doc)) + `"`); w.Code != 200 || (w.Header().Get("Content-Encoding") == "gzip") != packed {
				t.Errorf("%s, %q: another tag: %d %v", name, accept, w.Code, w.Header())
			}
			if weak := strings.HasPrefix(w.Header().Get("Etag"), "W/"); weak != packed {
				t.Errorf("%s, %q: two codings share a strong tag", name, accept)
			}
			match := ask(h, "GET", "/tuf/metadata/timestamp.json", map[string]string{"Accept-Encoding": accept, "If-Match": want})
			if wanted := map[bool]int{true: 412, false: 200}[packed]; match.Code != wanted {
				t.Errorf("%s, %q: If-Match: %d, wanted %d", name, accept, match.Code, wanted)
			}
		}
	}
}

func TestPublishSwapsAtOnce(t *testing.T) {
	h, _ := newFeed(t)
	next := []byte(`{"signed":{"_type":"timestamp","version":8}}`)
	h.Publish(map[string][]byte{"timestamp.json": next}, func(string) bool { return false })
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/tuf/metadata/timestamp.json", nil)
	r.Header.Set("If-None-Match", `"`+signedSum(t, timestamp)+`"`)
	h.ServeHTTP(w, r)
	if w.Code != 200 || w.Body.String() != string(next) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// Packages that are in no folder come from the store, but only those that are published.
func TestTargetsFromTheStore(t *testing.T) {
	store, err := disk.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for _, body := range [][]byte{payload, older} {
		d, err := store.Create(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Write(body); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Commit(context.Background(), blob.Ref(sum(body))); err != nil {
			t.Fatal(err)
		}
	}
	h, err := New(t.TempDir(), store)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	h.Publish(nil, func(stored string) bool { return stored == storedName(payload) })
	for path, want := range map[string]int{storedName(payload): 206, storedName(older): 404, strings.Replace(storedName(payload), "armani",
		"cancro", 1): 404} {
		r := httptest.NewRequest("GET", "/tuf/targets/"+path, nil)
		r.Header.Set("Range", "bytes=16-31")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want || want == 206 && !bytes.Equal(w.Body.Bytes(), payload[16:32]) {
			t.Errorf("%s: %d %q", path, w.Code, w.Body)
		}
	}
}

// sending stands for the ResponseWriter of net/http, whose ReadFrom uses sendfile when it is
// given a file.
type sending struct {
	*httptest.ResponseRecorder
	from io.Reader
}

func (s *sending) ReadFrom(r io.Reader) (int64, error) {
	s.from = r
	return io.Copy(s.ResponseRecorder, r)
}

// Losing sendfile costs four times the CPU. net/http uses it if the response is copied by
// ReadFrom out of an *os.File, perhaps inside an *io.LimitedReader.
func TestPackagesKeepSendfile(t *testing.T) {
	h, _ := newFeed(t)
	w := &sending{ResponseRecorder: httptest.NewRecorder()}
	h.ServeHTTP(w, httptest.NewRequest("GET", "/tuf/targets/"+storedName(payload), nil))
	from := w.from
	if limited, ok := from.(*io.LimitedReader); ok {
		from = limited.R
	}
	if _, ok := from.(*os.File); !ok {
		t.Errorf("the package is sent from a %T; wanted an *os.File", from)
	}
	if !bytes.Equal(w.Body.Bytes(), payload) {
		t.Error("other bytes were sent")
	}
}

func FuzzPath(f *testing.F) {
	h, _ := newFeed(f)
	for _, p := range []string{"metadata/timestamp.json", "targets/" + storedName(payload), "../secret", "metadata//x", "targets/" +
		strings.Repeat("a/", 300)} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, path string) {
		r := &http.Request{Method: "GET", Header: http.Header{}, URL: newURL(Prefix + path)}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code == 200 && bytes.Contains(w.Body.Bytes(), []byte("not of the feed")) {
			t.Errorf("%q leads out of the feed", path)
		}
	})
}
