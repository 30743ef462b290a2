// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// edge is a shared cache as RFC 9111 has it, and as CDNs and nginx are when they are set up by docs/operate/cdn.md: it keeps
// what may be kept, asks again where it must, takes whole files from its origin whatever part is wanted, and passes on
// everything that is no GET below /tuf/.
type edge struct {
	late bool // it keeps a timestamp for ever too, as one does that is set up wrongly

	mu     sync.Mutex
	origin *url.URL // set by the command origin
	kept   map[string]kept
	log    io.Writer // a line for each request to the origin
}

type kept struct {
	header http.Header
	body   []byte
}

// cache [-late] NAME LOG: an edge, before whatever server the command origin names; NAME becomes its address.
func cache(ts *testscript.TestScript, neg bool, args []string) {
	late := len(args) > 0 && args[0] == "-late"
	if late {
		args = args[1:]
	}
	if neg || len(args) != 2 {
		ts.Fatalf("usage: cache [-late] NAME LOG")
	}
	log, err := os.OpenFile(ts.MkAbs(args[1]), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	ts.Check(err)
	ts.Defer(func() { _ = log.Close() })
	e := &edge{late: late, kept: map[string]kept{}, log: log}
	s := httptest.NewServer(e)
	ts.Defer(s.Close)
	ts.Setenv(args[0], s.URL)
	stateOf(ts).edges = append(stateOf(ts).edges, e)
}

// origin: the server at OTACTL_URL is what all edges stand before.
func origin(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: origin")
	}
	at, err := url.Parse(ts.Getenv("OTACTL_URL"))
	ts.Check(err)
	for _, e := range stateOf(ts).edges {
		e.mu.Lock()
		e.origin = at
		e.mu.Unlock()
	}
}

func (e *edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet || !strings.HasPrefix(r.URL.Path, "/tuf/") {
		e.mu.Lock()
		to := e.origin
		e.mu.Unlock()
		httputil.NewSingleHostReverseProxy(to).ServeHTTP(w, r)
		return
	}
	e.mu.Lock() // one request at a time, so that many for the same file are one to the origin
	defer e.mu.Unlock()
	gzip := strings.Contains(r.Header.Get("Accept-Encoding"), "gzip")
	key := fmt.Sprint(gzip, r.URL.Path) // Vary: Accept-Encoding
	have, ok := e.kept[key]
	if !ok || !e.fresh(have) {
		got, status, err := e.ask(r, have, gzip)
		if err != nil {
			http.Error(w, "the origin does not answer", http.StatusBadGateway)
			return
		}
		if status != http.StatusOK && status != http.StatusNotModified {
			w.WriteHeader(status)
			return
		}
		if have = got; !strings.Contains(have.header.Get("Cache-Control"), "no-store") {
			e.kept[key] = have
		}
	}
	for _, name := range []string{"Etag", "Cache-Control", "Content-Type", "Content-Encoding", "Vary"} {
		if value := have.header.Get(name); value != "" {
			w.Header().Set(name, value)
		}
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(have.body))
}

func (e *edge) fresh(k kept) bool {
	return e.late || strings.Contains(k.header.Get("Cache-Control"), "max-age=")
}

// ask has the origin say whether what is kept is still good, or give the whole of what is.
func (e *edge) ask(r *http.Request, have kept, gzip bool) (kept, int, error) {
	req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, e.origin.JoinPath(r.URL.Path).String(), nil)
	if err != nil {
		return kept{}, 0, err
	}
	req.Header.Set("Accept-Encoding", "identity")
	if gzip {
		req.Header.Set("Accept-Encoding", "gzip")
	}
	if tag := have.header.Get("Etag"); tag != "" {
		req.Header.Set("If-None-Match", tag)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return kept{}, 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	fmt.Fprintln(e.log, resp.StatusCode, r.URL.Path)
	if resp.StatusCode == http.StatusNotModified {
		return have, resp.StatusCode, err
	}
	return kept{resp.Header, body}, resp.StatusCode, err
}

// count N TEXT FILE: so many lines of the file hold the text.
func count(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: count N TEXT FILE")
	}
	n := 0
	for line := range strings.Lines(ts.ReadFile(args[2])) {
		if strings.Contains(line, args[1]) {
			n++
		}
	}
	if fmt.Sprint(n) != args[0] {
		ts.Fatalf("%d lines of %s hold %q, wanted %s:\n%s", n, args[2], args[1], args[0], ts.ReadFile(args[2]))
	}
}
