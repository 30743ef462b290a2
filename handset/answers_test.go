// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"landed/handset/slots"
	"landed/manifests/effect/probe"
)

// twin is one of many handsets with the same key, the same secret and the same luck: what two of them send differs only by
// what they were told.
type twin struct {
	now    time.Time
	client *Client
	sent   strings.Builder
	mark   func(http.Header)
	next   http.Handler
}

func (*twin) Boot(slots.Image) error { return nil }

func (h *twin) Answers(ask probe.Ask) (probe.Answers, time.Duration) {
	return (&rig{now: testStart, first: testStart}).Answers(ask)
}

// RoundTrip notes what is sent, and when, byte for byte.
func (h *twin) RoundTrip(req *http.Request) (*http.Response, error) {
	body := []byte(nil)
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	fmt.Fprintf(&h.sent, "%s %s %s\n", h.now.Sub(testStart), req.Method, req.URL)
	_ = req.Header.Write(&h.sent)
	fmt.Fprintf(&h.sent, "%s\n", body)
	w := httptest.NewRecorder()
	h.next.ServeHTTP(w, req)
	resp := w.Result()
	h.mark(resp.Header)
	return resp, nil
}

// live lets a twin live for a day before a feed and a door.
func (h *twin) live(t *testing.T, r *rig, name string, mark func(http.Header)) string {
	t.Helper()
	h.now, h.mark = testStart, mark
	dev, err := slots.Memory(slots.Recovery, &slotsCache, soldFiles())
	if err != nil {
		t.Fatal(err)
	}
	h.client, err = New(Config{Dir: filepath.Join(r.dir, name), URL: "http://feed.test", Root: r.root, Channel: "stable",
		Keys: r.keys, Slots: dev, System: h, Rand: rand.NewChaCha8([32]byte{9}), Transport: h, Volatile: true,
		Now: func() time.Time { return h.now }, Elapsed: func() time.Duration { return h.now.Sub(testStart) }})
	if err != nil {
		t.Fatal(err)
	}
	for end := testStart.Add(23 * time.Hour); h.now.Before(end); {
		wake, _ := h.client.Step(t.Context())
		h.now = latest(wake, h.now.Add(time.Second))
	}
	return h.sent.String()
}

// marks are what a server may put into an answer in order to know a handset again, none alike.
func marks(dice *rand.Rand, least, most int) func(http.Header) {
	return func(h http.Header) {
		id := fmt.Sprintf("handset-%d", dice.IntN(1<<30))
		h.Set("ETag", `"`+id+`"`)
		h.Set("Set-Cookie", "id="+id+"; Max-Age=99999999")
		h.Set("Last-Modified", testStart.Add(-time.Duration(dice.IntN(1<<30))*time.Second).Format(http.TimeFormat))
		h.Set("Alt-Svc", `h2="`+id+`.example:443"`)
		h.Set("Location", "/"+id)
		h.Set("Retry-After", fmt.Sprint(least+dice.IntN(most-least)))
	}
}

// TestAnswersMarkNobody: a thousand handsets that are one and the same but for what they are answered poll, are sent away
// by feed and door, come back and report. What they send, and the moment at which they do, is the same byte for byte, as
// long as what they were asked to wait for comes down to the same of three steps.
func TestAnswersMarkNobody(t *testing.T) {
	r := newRig(t)
	r.offer.Share = 0
	r.offered()
	busy := func(w http.ResponseWriter, req *http.Request, n int) bool { // two polls and a report are sent away
		away := n == 2 || n == 5 || req.Method == http.MethodPost && n < 16
		if away {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return away
	}
	for _, step := range []struct{ least, most int }{{1, 60}, {61, 600}, {601, 100_000}} {
		first := ""
		for i := range markedFleet / 3 {
			n := 0
			r.server.Bend = func(w http.ResponseWriter, req *http.Request) bool { n++; return busy(w, req, n) }
			h := &twin{next: r.server}
			r.now = testStart
			sent := h.live(t, r, fmt.Sprint("twin-", step.most, "-", i), marks(rand.New(rand.NewPCG(uint64(i), 5)), step.least, step.most))
			if i == 0 {
				first = sent
				if strings.Count(sent, "POST") < 2 || strings.Count(sent, "GET") < 6 {
					t.Fatalf("it sends too little for a test:\n%s", sent)
				}
			}
			if sent != first {
				t.Fatalf("up to %d s: handset %d sent\n%s\nwhere the first sent\n%s", step.most, i, sent, first)
			}
			for _, never := range []string{"handset-", "Cookie", "If-Modified-Since", "If-Range"} {
				if strings.Contains(sent, never) {
					t.Fatalf("%s is sent:\n%s", never, sent)
				}
			}
		}
	}
}

// TestNoSessionIsResumed: a handset that comes back by TLS does not show a ticket of the last time.
func TestNoSessionIsResumed(t *testing.T) {
	var resumed []bool
	server := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		resumed = append(resumed, req.TLS.DidResume)
	}))
	defer server.Close()
	client := newHTTPClient(nil)
	transport := client.Transport.(*http.Transport)
	transport.TLSClientConfig.RootCAs = server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	for range 3 {
		resp, err := client.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		transport.CloseIdleConnections()
	}
	if transport.TLSClientConfig.ClientSessionCache != nil || len(resumed) != 3 || resumed[1] || resumed[2] {
		t.Errorf("resumed: %v", resumed)
	}
}
