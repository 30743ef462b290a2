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
	"landed/manifests/report"
	"landed/manifests/report/envelope"
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

// open sets a twin up.
func (h *twin) open(t *testing.T, r *rig, name string, mark func(http.Header)) {
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
}

// live lets a twin live, and gives what it has sent.
func (h *twin) live(t *testing.T, d time.Duration) string {
	t.Helper()
	for end := testStart.Add(d); h.now.Before(end); {
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

// askedFor is what servers ask for, in seconds, that comes down to each of the steps.
var askedFor = []struct{ least, most int }{{1, 60}, {61, 600}, {601, 100_000}}

// TestAnswersMarkNobody: a thousand handsets that are one and the same but for what they are answered poll, are sent away
// by feed and door, come back, report, and report again what was taken for now. What they send, and the moment at which
// they do, is the same byte for byte, as long as what they were asked to wait for comes down to the same of three steps.
func TestAnswersMarkNobody(t *testing.T) {
	r := &rig{dir: t.TempDir(), root: newRig(t).root, keys: otaPins(t)}
	for _, step := range askedFor {
		first := ""
		for i := range 1 + markedFleet/3 {
			h := &twin{next: curt()}
			h.open(t, r, fmt.Sprint("twin-", step.most, "-", i), marks(rand.New(rand.NewPCG(uint64(i), 5)), step.least, step.most))
			mem := h.client.store.mem // it has polled before, and waits
			mem.Validator, mem.Expires = `"of the last poll"`, testStart.Add(30*24*time.Hour)
			mem.Release, mem.Progress, mem.Baseline = "one", report.ProgressKnown, testStart.Add(-weekly)
			first = sameAsFirst(t, first, h.live(t, 3*24*time.Hour), 6, 3)
		}
	}
}

// curt sends the first two polls away, and a report; it takes the report for now, and a day later for good.
func curt() http.Handler {
	polls, reports := 0, 0
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodGet {
			if polls++; polls <= 2 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			w.WriteHeader(http.StatusNotModified)
			return
		}
		text, _ := io.ReadAll(req.Body)
		got, _, _ := envelope.Open(text)
		reports++
		w.WriteHeader([]int{http.StatusServiceUnavailable, http.StatusAccepted, http.StatusOK}[min(reports, 3)-1])
		fmt.Fprintf(w, `{"id":%q}`, got.ID)
	})
}

// sameAsFirst wants what was sent to be what the first has sent, and that to be worth comparing.
func sameAsFirst(t *testing.T, first, sent string, gets, posts int) string {
	t.Helper()
	if first == "" {
		if strings.Count(sent, "POST") < posts || strings.Count(sent, "GET") < gets {
			t.Fatalf("it sends too little for a test:\n%s", sent)
		}
		for _, never := range []string{"handset-", "Cookie", "If-Modified-Since", "If-Range"} {
			if strings.Contains(sent, never) {
				t.Fatalf("%s is sent:\n%s", never, sent)
			}
		}
		return sent
	}
	if sent != first {
		t.Fatalf("one sent\n%s\nwhere the first sent\n%s", sent, first)
	}
	return first
}

// TestAnswersToAWholePollMarkNobody: the same of the whole TUF workflow, whose requests are sent away in the middle.
func TestAnswersToAWholePollMarkNobody(t *testing.T) {
	r := newRig(t)
	r.offer.Share = 0
	r.offered()
	for _, step := range askedFor {
		first := ""
		for i := range 1 + markedFleet/100 {
			n := 0
			r.server.Bend = func(w http.ResponseWriter, req *http.Request) bool { // two polls and a report are sent away
				n++
				away := n == 2 || n == 5 || req.Method == http.MethodPost && n < 16
				if away {
					w.WriteHeader(http.StatusServiceUnavailable)
				}
				return away
			}
			h := &twin{next: r.server}
			h.open(t, r, fmt.Sprint("twin-", step.most, "-", i), marks(rand.New(rand.NewPCG(uint64(i), 5)), step.least, step.most))
			first = sameAsFirst(t, first, h.live(t, 23*time.Hour), 6, 2)
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
