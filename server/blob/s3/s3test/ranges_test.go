// SPDX-License-Identifier: Apache-2.0

package s3test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"landed/server/blob"
	"landed/server/blob/blobtest"
	"landed/server/blob/s3"
	"landed/server/device/feed"
)

// meter is a proxy before the gateway that counts what is asked of it.
type meter struct {
	gets, heads atomic.Int64
	asked       atomic.Int64 // bytes that the answers to GET announce
	under       atomic.Int64 // answers that have not ended
}

// metered gives the address of a proxy, and what it counts.
func metered(t *testing.T) (*meter, string) {
	m := &meter{}
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", endpoint
			r.Out.Host = r.In.Host // it is signed
		},
		ModifyResponse: func(resp *http.Response) error {
			switch resp.Request.Method {
			case http.MethodHead:
				m.heads.Add(1)
			case http.MethodGet:
				m.gets.Add(1)
				m.asked.Add(resp.ContentLength)
			}
			return nil
		},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.under.Add(1)
		defer m.under.Add(-1)
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return m, strings.TrimPrefix(server.URL, "http://")
}

// newFeed is a feed whose one package, of so many bytes, lies in a bucket behind a meter.
func newFeed(t *testing.T, size int) (url string, content []byte, m *meter, store *s3.Store) {
	t.Helper()
	cfg := config()
	content = blobtest.Bytes(3, size)
	ref := blobtest.Put(t, open(t, cfg), content)
	m, cfg.Endpoint = metered(t)
	store = open(t, cfg)
	h, err := feed.New(t.TempDir(), store)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	stored := "builds/armani/" + string(ref) + ".update.zip"
	h.Publish(nil, func(name string) bool { return name == stored })
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	m.gets.Store(0)
	m.heads.Store(0)
	m.asked.Store(0)
	return server.URL + feed.Prefix + "targets/" + stored, content, m, store
}

func get(t *testing.T, method, url, ranges string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if ranges != "" {
		req.Header.Set("Range", ranges)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, body
}

// A handset behind a poor line fetches a package in pieces: the bucket is asked for the pieces.
func TestPiecesAreAskedForAsPieces(t *testing.T) {
	const size, piece = 5 << 20, 128 << 10
	url, content, m, store := newFeed(t, size)
	var got []byte
	for at := 0; at < size; at += piece {
		resp, part := get(t, "GET", url, fmt.Sprintf("bytes=%d-%d", at, at+piece-1))
		if resp.StatusCode != http.StatusPartialContent {
			t.Fatalf("at %d: %s", at, resp.Status)
		}
		got = append(got, part...)
	}
	if !bytes.Equal(got, content) {
		t.Error("other bytes came")
	}
	if asked := m.asked.Load(); asked != size || m.gets.Load() != size/piece {
		t.Errorf("the bucket was asked for %d bytes in %d requests, wanted %d in %d", asked, m.gets.Load(), size, size/piece)
	}
	if is := (s3.Traffic{Gets: size / piece, Asked: size, Came: size}); store.Traffic() != is {
		t.Errorf("the store counts %+v, wanted %+v", store.Traffic(), is)
	}
}

func TestWhatIsAskedOfTheBucket(t *testing.T) {
	const size = 3 << 20
	url, content, m, _ := newFeed(t, size)
	for _, tc := range []struct {
		method, ranges string
		status         int
		gets, asked    int64
	}{
		{"GET", "", 200, 1, size},
		{"HEAD", "", 200, 0, 0},
		{"HEAD", "bytes=1-2", 206, 0, 0},
		{"GET", "bytes=-1000", 206, 1, 1000},
		{"GET", "bytes=3000000-", 206, 1, size - 3_000_000},
		{"GET", "bytes=0-99,1000-1099", 206, 2, 200},
		{"GET", "bytes=99999999-", 416, 0, 0},
	} {
		gets, asked := m.gets.Load(), m.asked.Load()
		resp, body := get(t, tc.method, url, tc.ranges)
		gets, asked = m.gets.Load()-gets, m.asked.Load()-asked
		if resp.StatusCode != tc.status || gets != tc.gets || asked != tc.asked {
			t.Errorf("%s %s: %d; the bucket was asked %d times for %d bytes; wanted %d, %d times for %d", tc.method, tc.ranges,
				resp.StatusCode, gets, asked, tc.status, tc.gets, tc.asked)
		}
		if tc.ranges == "" && tc.method == "GET" && !bytes.Equal(body, content) {
			t.Error("other bytes came")
		}
	}
}

// A client that asks for all and goes away leaves no request to the bucket behind.
func TestClientThatGoesEndsTheRequest(t *testing.T) {
	url, _, m, store := newFeed(t, 64<<20)
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, resp.Body, 100<<10); err != nil {
		t.Fatal(err)
	}
	if m.under.Load() != 1 {
		t.Fatalf("%d requests to the bucket under way, wanted the one", m.under.Load())
	}
	resp.Body.Close()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for m.under.Load() > 0 { // go test's own deadline ends this if it never comes
		<-again.C
	}
	if got := store.Traffic(); got.Gets != 1 || got.Came >= got.Asked {
		t.Errorf("the store counts %+v: all was read for a client that had gone", got)
	}
}

// What is read from start to end is one request, as when all contents are verified.
func TestReadingOnIsOneRequest(t *testing.T) {
	cfg := config()
	b := blobtest.Bytes(4, 9<<20)
	ref := blobtest.Put(t, open(t, cfg), b)
	var m *meter
	m, cfg.Endpoint = metered(t)
	store := open(t, cfg)
	m.gets.Store(0)
	m.asked.Store(0)
	if err := blob.Verify(t.Context(), store, ref); err != nil {
		t.Fatal(err)
	}
	if m.gets.Load() != 1 || m.asked.Load() != int64(len(b)) {
		t.Errorf("asked %d times for %d bytes, wanted once for %d", m.gets.Load(), m.asked.Load(), len(b))
	}
}
