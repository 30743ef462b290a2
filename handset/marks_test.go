// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/handset/handsettest"
	"landed/handset/slots"
	"landed/manifests/effect/probe"
	"landed/manifests/otapkg"
)

// marker serves one feed to many handsets and tries to make each known again: by all that a server without keys may
// choose freely.
type marker struct {
	feed    *handsettest.Server
	handset int // who asks
	dice    *rand.Rand
	cut     bool // packages end in the middle
}

func (m *marker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	honest := httptest.NewRecorder()
	m.feed.ServeHTTP(honest, r)
	mark := fmt.Sprintf("handset-%d-%d", m.handset, m.dice.IntN(1<<30))
	for name, values := range honest.Header() {
		if name != "Content-Length" {
			w.Header()[name] = values
		}
	}
	for name, value := range map[string]string{
		"Etag": `"` + mark + `"`, "Set-Cookie": "id=" + mark + "; Max-Age=99999999", "X-Mark": mark, "Server": mark,
		"Last-Modified": time.Unix(int64(m.dice.IntN(1<<30)), 0).UTC().Format(http.TimeFormat),
		"Date":          time.Unix(int64(m.dice.IntN(1<<30)), 0).UTC().Format(http.TimeFormat),
		"Alt-Svc":       `h2="` + mark + `.example:443"`, "Retry-After": fmt.Sprint(m.dice.IntN(99999)),
		"Content-Location": "/" + mark, "Refresh": "1; url=/" + mark, "Link": "</" + mark + ">; rel=preload",
	} {
		if m.dice.IntN(4) > 0 {
			w.Header().Set(name, value)
		}
	}
	body := honest.Body.Bytes()
	switch {
	case honest.Code == http.StatusNotFound:
		body = []byte(mark)
	case strings.HasSuffix(r.URL.Path, ".zip") && m.cut:
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		_, _ = w.Write(body[:1000])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case honest.Code == http.StatusOK && strings.HasSuffix(r.URL.Path, ".json"):
		if strings.HasSuffix(r.URL.Path, "/timestamp.json") || strings.HasSuffix(r.URL.Path, ".root.json") {
			body = m.respell(body, mark) // nobody has signed their bytes
		}
		packed := handsettest.Pack(body) // longer than what was signed for, it would only be refused
		if m.dice.IntN(2) == 0 && r.Header.Get("Accept-Encoding") == "gzip" && len(packed) < len(body) {
			body = packed
			w.Header().Set("Content-Encoding", "gzip")
		}
	}
	w.WriteHeader(honest.Code)
	_, _ = w.Write(body)
}

// respell says the same in other white space, with members and signatures that nobody asked for.
func (m *marker) respell(doc []byte, mark string) []byte {
	var file map[string]any
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	if err := dec.Decode(&file); err != nil {
		panic(err)
	}
	file["x-mark"] = mark
	file["signatures"] = append(file["signatures"].([]any), map[string]any{"keyid": fmt.Sprintf("%064x", m.handset), "sig": "00"})
	text, err := json.MarshalIndent(file, strings.Repeat(" ", m.dice.IntN(5)), strings.Repeat("\t", m.dice.IntN(3)))
	if err != nil {
		panic(err)
	}
	return text
}

// wiretap keeps the bytes that one handset sends.
type wiretap struct {
	net.Conn
	mu   *sync.Mutex
	sent *bytes.Buffer
}

func (w wiretap) Write(b []byte) (int, error) {
	w.mu.Lock()
	w.sent.Write(b)
	w.mu.Unlock()
	return w.Conn.Write(b)
}

// pipes is a listener without a network.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if c, ok := <-p; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}
func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// marked is a handset before a marker.
type marked struct {
	client *Client
	http   *http.Transport
	mu     sync.Mutex
	sent   bytes.Buffer
}

func (*marked) Boot(slots.Image) error { return nil }

func (*marked) Answers(ask probe.Ask) (probe.Answers, time.Duration) { return (&rig{}).Answers(ask) }

// RoundTrip taps what goes to the feed. Reports are sealed by a key of the handset's own, and meant to be told apart.
func (h *marked) RoundTrip(req *http.Request) (*http.Response, error) {
	if strings.HasPrefix(req.URL.Path, "/v1/") {
		return nil, net.ErrClosed
	}
	return h.http.RoundTrip(req)
}

// requests is what it has sent since the last call.
func (h *marked) requests() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	defer h.sent.Reset()
	return h.sent.String()
}

// phase is a state of the feed, and what all handsets must send and be when they have met it.
type phase struct {
	name  string
	at    time.Time
	files map[string][]byte
	cut   bool
	sends []string
	state State
}

// phases are the life of a feed from before an update to after it.
func (r *rig) phases() (all []phase) {
	add := func(name string, cut bool, state State, sends ...string) {
		all = append(all, phase{name, r.now, r.server.Files(), cut, sends, state})
	}
	r.server.Offers["armani"] = nil
	r.server.Publish()
	add("first poll", false, Idle, "GET /tuf/metadata/2.root.json", "GET /tuf/metadata/timestamp.json")
	add("unchanged", false, Idle, "If-None-Match: ")
	r.pass(14 * time.Hour)
	add("renewed", false, Idle, "If-None-Match: ", "GET /tuf/metadata/2.root.json")
	r.pass(14 * time.Hour)
	r.rotate()
	r.offered()
	add("keys exchanged, and cut off", true, Failed, "GET /tuf/metadata/3.root.json", "/builds/")
	add("resumed", false, Observing, "Range: bytes=1000-")
	r.pass(14 * time.Hour)
	add("another poll", false, Observing, "If-None-Match: ")
	return all
}

// markedFleet is how many handsets TestNoMarks tells apart, or not.
var markedFleet = 1000

// TestNoMarks: 1,000 handsets poll, and 100 of them are then offered an update, lose the connection, resume and install,
// before a server that answers each of them otherwise with all that it may choose. What they send is the same, byte for
// byte.
func TestNoMarks(t *testing.T) {
	r := newRig(t)
	phases := r.phases()
	m := &marker{feed: r.server}
	listener := make(pipes)
	server := &http.Server{Handler: m}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()
	defer close(listener)
	inspect := inspectOnce()
	first := make([]string, len(phases)) // what the first handset has sent
	for i := range markedFleet {
		r.now = phases[0].at
		h := newMarked(t, r, listener, inspect, i)
		for n, p := range phases {
			if n == 3 && i%10 != 0 {
				break
			}
			r.server.Restore(p.files)
			r.now, m.handset, m.cut, m.dice = p.at, i, p.cut, rand.New(rand.NewPCG(uint64(i), uint64(n)))
			h.client.Hurry()
			_, err := h.client.Step(t.Context())
			if h.client.State() != p.state {
				t.Fatalf("%s: handset %d is %s: %v", p.name, i, h.client.State(), err)
			}
			sent := h.requests()
			if i == 0 {
				first[n] = sent
				p.check(t, sent)
			}
			if sent != first[n] {
				t.Fatalf("%s: handset %d sent\n%s\nwhere the first sent\n%s", p.name, i, sent, first[n])
			}
		}
		h.http.CloseIdleConnections()
		if err := os.RemoveAll(h.client.store.dir); err != nil {
			t.Fatal(err)
		}
	}
}

func (p phase) check(t *testing.T, sent string) {
	t.Helper()
	for _, want := range p.sends {
		if !strings.Contains(sent, want) {
			t.Errorf("%s: wanted %q in\n%s", p.name, want, sent)
		}
	}
	for _, never := range []string{"handset-", "If-Range", "If-Modified-Since", "Cookie", "Referer"} {
		if strings.Contains(sent, never) {
			t.Errorf("%s: %s was sent:\n%s", p.name, never, sent)
		}
	}
}

// inspectOnce looks at the one package once, whoever has downloaded it.
func inspectOnce() Inspector {
	var once sync.Once
	var facts otapkg.Facts
	var findings otapkg.Findings
	var err error
	return func(r io.ReaderAt, size int64, sum string, p otapkg.Policy) (otapkg.Facts, otapkg.Findings, error) {
		once.Do(func() { facts, findings, err = Inspect(r, size, sum, p) })
		return facts, findings, err
	}
}

var (
	soldFiles = sync.OnceValue(func() map[string][]byte {
		b, _ := fixtures.BuildOf("armani", fixtures.Unpatched)
		return b.SystemFiles()
	})
	slotsCache slots.Cache
)

func newMarked(t *testing.T, r *rig, listener pipes, inspect Inspector, i int) *marked {
	t.Helper()
	h := &marked{}
	h.http = &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		listener <- far
		return wiretap{near, &h.mu, &h.sent}, nil
	}}
	dev, err := slots.Memory(slots.Recovery, &slotsCache, soldFiles())
	if err != nil {
		t.Fatal(err)
	}
	h.client, err = New(Config{Dir: filepath.Join(r.dir, "fleet", fmt.Sprint(i)), URL: "http://feed.test", Root: r.root,
		Channel: "stable", Keys: r.keys, Slots: dev, System: h, Rand: rand.NewChaCha8([32]byte{byte(i), byte(i >> 8), 1}),
		Transport: h, Volatile: true, Now: func() time.Time { return r.now },
		Elapsed: func() time.Duration { return r.now.Sub(testStart) }, Inspect: inspect})
	if err != nil {
		t.Fatal(err)
	}
	return h
}
