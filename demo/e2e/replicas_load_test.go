// SPDX-License-Identifier: Apache-2.0

//go:build unix

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// load is reports of many installations, to whichever server comes next.
type load struct {
	end  context.CancelFunc
	done sync.WaitGroup

	mu           sync.Mutex
	acknowledged map[string][][]byte // by the server that said so
	answers      map[string]int
	total        atomic.Int64
}

const (
	senders   = 4
	sendPause = 20 * time.Millisecond
)

// reports begin: reports come in at every server that lives. reports enough N: waits until N more are acknowledged.
// reports end: no more come in. reports check: each that was acknowledged is known to every server.
func reports(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: reports begin | reports enough N | reports end | reports check")
	}
	r := replicasOf(ts)
	switch args[0] {
	case "begin":
		ctx, end := context.WithCancel(context.Background())
		l := &load{end: end, acknowledged: map[string][][]byte{}, answers: map[string]int{}}
		for n := range senders {
			l.done.Go(func() { l.send(ctx, r, n) })
		}
		r.load = l
		ts.Defer(l.end)
	case "enough":
		var n int64
		_, err := fmt.Sscan(args[1], &n)
		ts.Check(err)
		n += r.load.total.Load()
		r.await(ts, args[1]+" more reports are acknowledged", func() error {
			if have := r.load.total.Load(); have < n {
				return fmt.Errorf("%d are wanted, there are %d: %s", n, have, r.load.said())
			}
			return nil
		})
	case "end":
		r.load.end()
		r.load.done.Wait()
		ts.Logf("reports were answered: %s", r.load.said())
	case "check":
		r.load.check(ts, r)
	}
}

func (l *load) said() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return inWords(l.answers)
}

// send is one sender. A report that got no answer, or was sent away for now, is sent again, as a handset would.
func (l *load) send(ctx context.Context, r *replicas, n int) {
	client := &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone(), Timeout: 5 * time.Second}
	for at, seq := n, int64(1); ctx.Err() == nil; at++ {
		text := sealed(fmt.Sprint("load ", n, " ", seq/20), seq%20+1, asIs)
		if all := r.living(false); len(all) > 0 {
			one := all[at%len(all)]
			status, answer := postTo(client, one.url, text)
			l.mu.Lock()
			l.answers[answer]++
			if status == http.StatusOK {
				l.acknowledged[one.name] = append(l.acknowledged[one.name], text)
				l.total.Add(1)
				seq++
			}
			l.mu.Unlock()
		}
		time.Sleep(sendPause)
	}
}

// postTo sends a report; the answer is what became of it, the code of a refusal, or that there was none.
func postTo(client *http.Client, url string, text []byte) (status int, answer string) {
	resp, err := client.Post(url+"/v1/reports", "application/json", bytes.NewReader(text))
	if err != nil {
		return 0, "no answer"
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	var a struct{ Stored, Code string }
	if err != nil || json.Unmarshal(body, &a) != nil {
		return resp.StatusCode, resp.Status
	}
	return resp.StatusCode, a.Stored + a.Code
}

// check sends again what was acknowledged, to each server what others took in.
func (l *load) check(ts *testscript.TestScript, r *replicas) {
	all, n := r.living(true), 0
	var mu sync.Mutex
	var faults []string
	for by, texts := range l.acknowledged {
		var under sync.WaitGroup
		for at, one := range all {
			under.Go(func() {
				client := fresh()
				for i := at; i < len(texts); i += len(all) {
					status, answer := postTo(client, one.url, texts[i])
					for end := time.Now().Add(patience); status != http.StatusOK && time.Now().Before(end); time.Sleep(sendPause) {
						status, answer = postTo(client, one.url, texts[i]) // it has much to do, and says so
					}
					mu.Lock()
					if n++; status != http.StatusOK || answer != "replayed" {
						faults = append(
							faults,
							fmt.Sprintf("one that %s acknowledged is answered by %s: %d %s", by, one.name, status, answer),
						)
					}
					mu.Unlock()
				}
			})
		}
		under.Wait()
	}
	if n == 0 || len(faults) > 0 {
		ts.Fatalf(
			"of %d reports that were acknowledged %d are not there: %v\n%s",
			n,
			len(faults),
			faults[:min(5, len(faults))],
			r.logs(ts),
		)
	}
	ts.Logf("all %d reports that were acknowledged are there", n)
}
