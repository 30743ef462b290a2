// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// torrent is reports of invented installations, and what they were answered.
type torrent struct {
	url    string
	client *http.Client
	made   atomic.Int64 // installations so far
	size   int64        // of the flood
	sent   atomic.Int64 // of it

	mu           sync.Mutex
	acknowledged [][]byte
	answers      map[string]int
	slowest      time.Duration
	under        sync.WaitGroup
	ended        chan struct{}
	begun        time.Time
}

func newTorrent(url string) *torrent {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost, t.MaxConnsPerHost = 1024, 1024
	return &torrent{url: url, client: &http.Client{Transport: t, Timeout: 30 * time.Second}, answers: map[string]int{},
		ended: make(chan struct{})}
}

// forge makes n reports, each of another installation.
func (t *torrent) forge(n int) [][]byte {
	all := make([][]byte, n)
	var done sync.WaitGroup
	first := t.made.Add(int64(n)) - int64(n)
	for worker := range runtime.GOMAXPROCS(0) {
		done.Go(func() {
			for i := worker; i < n; i += runtime.GOMAXPROCS(0) {
				all[i] = sealed(fmt.Sprint("forged ", first+int64(i)), 1, asIs)
			}
		})
	}
	done.Wait()
	return all
}

// send posts one report and notes what it was answered: "new", "replayed" …, the code of a refusal, or "no answer".
func (t *torrent) send(text []byte) string {
	begun := time.Now()
	status, answer := t.post(text)
	took := time.Since(begun)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.answers[answer]++
	t.slowest = max(t.slowest, took)
	if status == http.StatusOK {
		t.acknowledged = append(t.acknowledged, text)
	}
	return answer
}

func (t *torrent) post(text []byte) (int, string) {
	resp, err := t.client.Post(t.url+"/v1/reports", "application/json", bytes.NewReader(text))
	if err != nil {
		return 0, "no answer"
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, "no answer"
	}
	var a struct{ Stored, Code string }
	if json.Unmarshal(body, &a) != nil {
		return resp.StatusCode, resp.Status
	}
	return resp.StatusCode, a.Stored + a.Code
}

// all sends each of them, by so many senders that wait for their answers.
func (t *torrent) all(texts [][]byte, senders int, until func() bool) (sent int) {
	var next atomic.Int64
	var done sync.WaitGroup
	for range senders {
		done.Go(func() {
			for !until() {
				i := int(next.Add(1)) - 1
				if i >= len(texts) {
					return
				}
				t.send(texts[i])
			}
		})
	}
	done.Wait()
	return min(int(next.Load()), len(texts))
}

// fill DOOR CODE: forged reports until the server answers them with CODE alone.
func fill(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: fill DOOR CODE")
	}
	t := newTorrent(args[0])
	stateOf(ts).flood = t
	close(t.ended)
	for end := time.Now().Add(patience); ; {
		t.all(t.forge(64), 16, func() bool { return false })
		t.mu.Lock()
		refused := t.answers[args[1]]
		t.mu.Unlock()
		if refused >= 64 {
			break
		}
		if time.Now().After(end) {
			ts.Fatalf("waited for %s until now: the disk is full; the answers are: %s", patience, inWords(t.answers))
		}
	}
	ts.Logf("forged reports were answered: %s", inWords(t.answers))
}

// torrent SECONDS DOOR: measures how many reports the server stores, then forges three times as many a second for so long,
// whatever they are answered; the script goes on meanwhile.
// torrent half: waits until half of them are sent. torrent end: waits for the rest. torrent check DOOR: each that was
// acknowledged is known to the server there.
func pour(ts *testscript.TestScript, neg bool, args []string) {
	s := stateOf(ts)
	switch {
	case neg || len(args) == 0:
	case len(args) == 1 && args[0] == "end":
		<-s.flood.ended
		s.flood.tell(ts)
		return
	case len(args) == 1 && args[0] == "half":
		poll(ts, "half of the flood is sent", func() bool { return s.flood.sent.Load() >= s.flood.size/2 })
		return
	case len(args) == 2 && args[0] == "check":
		<-s.flood.ended
		s.flood.check(ts, args[1])
		return
	case len(args) == 2:
		seconds, err := strconv.Atoi(args[0])
		ts.Check(err)
		s.flood = newTorrent(args[1])
		s.flood.open(ts, seconds)
		return
	}
	ts.Fatalf("usage: torrent SECONDS DOOR | torrent half | torrent end | torrent check DOOR")
}

const (
	measured   = 1500 * time.Millisecond
	atCapacity = 3
	mostForged = 30_000
)

// open measures the capacity and begins.
func (t *torrent) open(ts *testscript.TestScript, seconds int) {
	texts := t.forge(2500)
	end := time.Now().Add(measured)
	begun := time.Now()
	sent := t.all(texts, 64, func() bool { return time.Now().After(end) })
	perSecond := int(float64(sent) / time.Since(begun).Seconds())
	rate := atCapacity * perSecond
	flood := t.forge(min(rate*seconds, mostForged))
	ts.Logf("capacity: %d reports a second; %d a second are sent for %d s", perSecond, rate, len(flood)/max(rate, 1))
	t.mu.Lock()
	t.answers, t.slowest, t.begun = map[string]int{}, 0, time.Now()
	t.mu.Unlock()
	t.size = int64(len(flood))
	go t.pour(flood, rate)
}

// pour sends at a rate, not waiting for answers.
func (t *torrent) pour(texts [][]byte, rate int) {
	defer close(t.ended)
	defer t.under.Wait()
	const every = 5 * time.Millisecond
	tick := time.NewTicker(every)
	defer tick.Stop()
	for sent := 0; sent < len(texts); <-tick.C {
		due := min(len(texts), int(time.Since(t.begun).Seconds()*float64(rate))+1)
		for ; sent < due; sent++ {
			text := texts[sent]
			t.sent.Add(1)
			t.under.Go(func() { t.send(text) })
		}
	}
}

func (t *torrent) tell(ts *testscript.TestScript) {
	t.mu.Lock()
	defer t.mu.Unlock()
	ts.Logf("the flood was answered within %.1f s, the slowest in %d ms: %s", time.Since(t.begun).Seconds(),
		t.slowest.Milliseconds(), inWords(t.answers))
}

// check sends again what was acknowledged.
func (t *torrent) check(ts *testscript.TestScript, url string) {
	again := newTorrent(url)
	if len(t.acknowledged) == 0 {
		ts.Fatalf("no report was acknowledged")
	}
	again.all(t.acknowledged, 64, func() bool { return false })
	if n := again.answers["replayed"]; n != len(t.acknowledged) {
		ts.Fatalf("%d reports were acknowledged; sent again, they are answered: %s", len(t.acknowledged),
			inWords(again.answers))
	}
	ts.Logf("all %d reports that were acknowledged are there", len(t.acknowledged))
}

func inWords(n map[string]int) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(n)) {
		words = append(words, fmt.Sprintf("%d %s", n[name], name))
	}
	return strings.Join(words, ", ")
}
