// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

func newURL(path string) *url.URL { return &url.URL{Path: path} }

// BenchmarkPoll measures one poll over loopback HTTP against a bare handler that answers the
// same bytes, in turns within one run. ratio is the feed's rate over the bare one's; the bar
// is 0.8.
func BenchmarkPoll(b *testing.B) {
	h, _ := newFeed(b)
	body := []byte(strings.Repeat("x", 470)) // a timestamp of one Ed25519 signature has about 470 bytes
	h.Publish(map[string][]byte{"timestamp.json": body}, func(string) bool { return false })
	etag := `"` + sum(body) + `"`
	bare := func(status int) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Etag"], w.Header()["Cache-Control"] = []string{etag}, []string{"no-cache"}
			if status == http.StatusNotModified {
				w.WriteHeader(status)
				return
			}
			w.Header()["Content-Type"] = []string{"application/json"}
			_, _ = w.Write(body)
		})
	}
	mounted := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // as package server mounts it
		if strings.HasPrefix(r.URL.Path, Prefix) {
			h.ServeHTTP(w, r)
		}
	})
	for _, c := range []struct {
		name, tag string
		status    int
	}{{"304", etag, 304}, {"200", `"old"`, 200}} {
		b.Run(c.name, func(b *testing.B) {
			feed, plain := httptest.NewServer(mounted), httptest.NewServer(bare(c.status))
			defer feed.Close()
			defer plain.Close()
			var spent [2]time.Duration
			const round = 200 // polls of each by turns, so that a busy moment hits both alike
			n := 0
			for b.Loop() {
				for i, s := range []*httptest.Server{feed, plain} {
					start := time.Now()
					poll(b, s.URL, c.tag, c.status, round)
					spent[i] += time.Since(start)
				}
				n += round
			}
			b.ReportMetric(float64(n)/spent[0].Seconds(), "polls/s")
			b.ReportMetric(float64(n)/spent[1].Seconds(), "bare/s")
			b.ReportMetric(spent[1].Seconds()/spent[0].Seconds(), "ratio")
		})
	}
}

// poll sends n conditional requests over kept connections, a few at a time.
func poll(b *testing.B, server, tag string, want, n int) {
	const at = 8
	var wg sync.WaitGroup
	for range at {
		wg.Go(func() {
			for range n / at {
				r, err := http.NewRequest("GET", server+Prefix+"metadata/timestamp.json", nil)
				if err != nil {
					b.Error(err)
					return
				}
				r.Header.Set("If-None-Match", tag)
				resp, err := client.Do(r)
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if resp.StatusCode != want {
					b.Errorf("status %d", resp.StatusCode)
				}
			}
		})
	}
	wg.Wait()
}

var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}

// BenchmarkHandler is the handler without the network, to see what it allocates.
func BenchmarkHandler(b *testing.B) {
	h, _ := newFeed(b)
	r := httptest.NewRequest("GET", "/tuf/metadata/timestamp.json", nil)
	r.Header.Set("If-None-Match", `"`+signedSum(b, timestamp)+`"`)
	w := &discard{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		h.ServeHTTP(w, r)
	}
}

type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}
