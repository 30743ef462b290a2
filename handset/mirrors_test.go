// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"landed/manifests/report"
)

const (
	cdn   = "https://cdn.example/landed"
	other = "https://other.example"
)

// world is a handset's network: who answers at which host. What is asked for packages is kept.
type world struct {
	hosts map[string]http.Handler
	asked []string // host and Range
}

func (w *world) RoundTrip(req *http.Request) (*http.Response, error) {
	h := w.hosts[req.URL.Host]
	if strings.HasSuffix(req.URL.Path, ".zip") {
		w.asked = append(w.asked, strings.TrimSpace(req.URL.Host+" "+req.Header.Get("Range")))
	}
	if h == nil {
		return nil, errors.New("connection refused")
	}
	return serve(h, req)
}

// mirrored is a handset that will be offered a package, and told of mirrors.
func mirrored(t *testing.T, mirrors ...string) (*rig, *world) {
	t.Helper()
	r := newRig(t)
	w := &world{hosts: map[string]http.Handler{"feed.test": r.server}}
	r.rt = w
	r.server.Mirrors = mirrors
	r.offered()
	r.open()
	return r, w
}

// files serves the packages of the feed below /landed, as a CDN does.
func (r *rig) files(bend func(w http.ResponseWriter, req *http.Request) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if bend != nil && bend(w, req) {
			return
		}
		path, ok := strings.CutPrefix(req.URL.Path, "/landed/builds/")
		if !ok {
			http.NotFound(w, req)
			return
		}
		req = req.Clone(req.Context())
		req.URL.Path = "/tuf/targets/builds/" + path
		r.server.ServeHTTP(w, req)
	})
}

// Bad mirrors: each ends with the package from the server of the feed, in the same step, and nobody hears of a failure.
var badMirrors = map[string]struct {
	bend  func(r *rig, w http.ResponseWriter, req *http.Request)
	asks  []string // of a handset without any part of the package
	part  []string // of one that has 1,000 bytes
	wrong bool     // it is asked no more
}{
	"down": {nil, []string{"cdn.example", "feed.test"}, []string{"cdn.example bytes=1000-", "feed.test bytes=1000-"}, false},
	"404": {func(_ *rig, w http.ResponseWriter, req *http.Request) { http.NotFound(w, req) },
		[]string{"cdn.example", "feed.test"}, []string{"cdn.example bytes=1000-", "feed.test bytes=1000-"}, false},
	"416": {func(_ *rig, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(416) },
		[]string{"cdn.example", "feed.test"}, []string{"cdn.example bytes=1000-", "feed.test bytes=1000-"}, false},
	"503, later": {func(_ *rig, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(503)
	}, []string{"cdn.example", "feed.test"}, []string{"cdn.example bytes=1000-", "feed.test bytes=1000-"}, false},
	"a redirect": {func(r *rig, w http.ResponseWriter, req *http.Request) {
		if strings.Contains(req.URL.Path, "handset-4711") {
			r.t.Error("a redirect was followed")
		}
		http.Redirect(w, req, other+"/handset-4711"+req.URL.Path, http.StatusFound)
	}, []string{"cdn.example", "feed.test"}, []string{"cdn.example bytes=1000-", "feed.test bytes=1000-"}, false},
	"a page of HTML": {func(_ *rig, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<html>Please log in</html>")
	}, []string{"cdn.example", "feed.test"}, []string{"cdn.example bytes=1000-", "cdn.example", "feed.test bytes=1000-"}, false},
	"another length": {func(_ *rig, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "7")
		fmt.Fprint(w, "no file")
	},
		[]string{"cdn.example", "feed.test"}, []string{"cdn.example bytes=1000-", "cdn.example", "feed.test bytes=1000-"}, false},
	"cut off": {func(r *rig, w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(r.content)))
		_, _ = w.Write(r.content[:2000])
	}, []string{"cdn.example", "feed.test bytes=2000-"}, []string{"cdn.example bytes=1000-", "feed.test bytes=2000-"}, false},
	"wrong bytes": {func(r *rig, w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, len(r.content))) },
		[]string{"cdn.example", "feed.test"}, []string{"cdn.example bytes=1000-", "cdn.example", "feed.test"}, true},
	"wrong bytes, by ranges": {func(r *rig, w http.ResponseWriter, req *http.Request) {
		http.ServeContent(w, req, "", time.Time{}, bytes.NewReader(make([]byte, len(r.content))))
	}, []string{"cdn.example", "feed.test"}, []string{"cdn.example bytes=1000-", "cdn.example", "feed.test"}, true},
	"no end": {func(_ *rig, w http.ResponseWriter, _ *http.Request) { endless(w) },
		[]string{"cdn.example", "feed.test"}, []string{"cdn.example bytes=1000-", "feed.test"}, true},
	"packed": {func(r *rig, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(r.content)
	}, []string{"cdn.example", "feed.test"}, []string{"cdn.example bytes=1000-", "feed.test bytes=1000-"}, false},
}

func TestPackageComesFromAMirror(t *testing.T) {
	for name, c := range map[string]struct {
		mirrors, asks []string
	}{
		"one":                     {[]string{cdn}, []string{"cdn.example"}},
		"the best first":          {[]string{cdn, other}, []string{"cdn.example"}},
		"another, if one is down": {[]string{other, cdn}, []string{"other.example", "cdn.example"}},
		"none that is usable":     {[]string{"http://cdn.example/landed", "gopher://cdn.example"}, []string{"feed.test"}},
		"no more than three": {[]string{other, other + "/1", other + "/2", cdn}, []string{"other.example", "other.example",
			"other.example", "feed.test"}},
		"none": {nil, []string{"feed.test"}},
	} {
		t.Run(name, func(t *testing.T) {
			r, w := mirrored(t, c.mirrors...)
			w.hosts["cdn.example"] = r.files(nil)
			if refusal := r.step(); refusal != nil || !r.patched() {
				t.Fatalf("got %v, patched %v", refusal, r.patched())
			}
			if diff := cmp.Diff(c.asks, w.asked); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBadMirrorIsNoFailure(t *testing.T) {
	for name, bad := range badMirrors {
		for part, asks := range map[int][]string{0: bad.asks, 1000: bad.part} {
			t.Run(fmt.Sprintf("%s, %d bytes there", name, part), func(t *testing.T) {
				r, w := mirrored(t, cdn)
				// The package is begun, and its server is away.
				r.bend(".zip", func(w http.ResponseWriter) {
					w.Header().Set("Content-Length", fmt.Sprint(len(r.content)))
					_, _ = w.Write(r.content[:part])
				})
				r.step()
				r.server.Bend, w.asked = nil, nil
				if bad.bend != nil {
					w.hosts["cdn.example"] = r.files(func(w http.ResponseWriter, req *http.Request) bool { bad.bend(r, w, req); return true })
				}
				reports := len(r.server.Reports())
				r.client.Hurry()
				if refusal := r.step(); refusal != nil || !r.patched() {
					t.Fatalf("got %v, patched %v", refusal, r.patched())
				}
				if diff := cmp.Diff(asks, w.asked); diff != "" {
					t.Error(diff)
				}
				for _, got := range r.server.Reports()[reports:] {
					if got.Failure != nil {
						t.Errorf("told of a failure: %+v", got.Failure)
					}
				}
			})
		}
	}
}

// TestBadMirrorAndNoServer: with nobody to fall back on, each attempt is bounded, the cause is the network or the server,
// and a mirror that is wrong is asked once, also by a program that was started anew: what comes of the package on a line
// that is cut again and again is not lost to it.
func TestBadMirrorAndNoServer(t *testing.T) {
	for _, name := range []string{"down", "a redirect", "cut off", "wrong bytes", "no end"} {
		bad := badMirrors[name]
		t.Run(name, func(t *testing.T) {
			r, w := mirrored(t, cdn)
			if bad.bend != nil {
				w.hosts["cdn.example"] = r.files(func(w http.ResponseWriter, req *http.Request) bool { bad.bend(r, w, req); return true })
			}
			r.bend(".zip", func(w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) })
			const tries = lastingTries + 2
			for range tries {
				r.open()
				if refusal := r.step(); refusal == nil || refusal.Phase != report.PhaseDownload || r.patched() {
					t.Fatalf("got %v", refusal)
				}
				r.pass(25 * time.Hour)
				r.client.Hurry()
			}
			asked := len(slices.DeleteFunc(slices.Clone(w.asked), func(s string) bool { return !strings.HasPrefix(s, "cdn") }))
			if bad.wrong && asked != 1 || !bad.wrong && (asked < tries || asked > 2*tries) {
				t.Errorf("in %d attempts the mirror was asked %d times", tries, asked)
			}
			failures := 0
			for _, got := range r.server.Reports() {
				if got.Failure == nil {
					continue
				}
				failures++
				if cause := report.CauseOf(*got.Failure); cause != report.CauseServer && cause != report.CauseNetwork {
					t.Errorf("%+v is blamed on %s", got.Failure, cause)
				}
			}
			if failures != 1 {
				t.Errorf("%d reports of a failure that lasts, wanted 1", failures)
			}
			if c := r.client.store.mem; c.Offer == nil || c.Installs != 0 {
				t.Errorf("it counts against the build: offer %v, %d installs", c.Offer, c.Installs)
			}
			r.server.Bend = nil
			r.step()
			if !r.patched() {
				t.Error("the server is back, and the patched build does not run")
			}
		})
	}
}

// A package of another release is asked of all mirrors again, and what the offers name is taken over with every change.
func TestMirrorsFollowTheOffers(t *testing.T) {
	r, w := mirrored(t, cdn)
	w.hosts["cdn.example"] = r.files(func(w http.ResponseWriter, _ *http.Request) bool { w.Write(make([]byte, len(r.content))); return true })
	r.bend(".zip", func(w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) })
	r.step()
	m := r.client.mirrors
	if !slices.Equal(m.Mirrors, []string{cdn}) || !slices.Equal(m.Wrong, []string{cdn}) {
		t.Fatalf("knows %+v", m)
	}
	r.server.Mirrors = []string{cdn, other}
	r.offered()
	r.pass(25 * time.Hour)
	r.step()
	if !slices.Equal(m.Mirrors, []string{cdn, other}) || !slices.Equal(m.Wrong, []string{cdn}) {
		t.Errorf("after the offers have changed it knows %+v", m)
	}
	if want := "other.example"; w.asked[len(w.asked)-2] != want {
		t.Errorf("asked %q", w.asked)
	}
	r.client.mirrors.another()
	if got := r.client.mirrors.usable("https://feed.test"); !slices.Equal(got, []string{cdn, other}) {
		t.Errorf("of another package it asks %q", got)
	}
	r.client.discard()
	if m.Mirrors != nil || m.Wrong != nil {
		t.Errorf("without an offer it knows %+v", m)
	}
}

// A mirror on the handset itself is for rehearsals: whoever signs offers has no business with its other services.
func TestMirrorOnLoopback(t *testing.T) {
	m := mirrors{Mirrors: []string{"http://127.0.0.1:8081/x", cdn}}
	for feed, want := range map[string][]string{"https://feed.example": {cdn}, "http://127.0.0.1:8080": m.Mirrors} {
		if got := m.usable(feed); !slices.Equal(got, want) {
			t.Errorf("with the feed at %s it asks %q, wanted %q", feed, got, want)
		}
	}
}
