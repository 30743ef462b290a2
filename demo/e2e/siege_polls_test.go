// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// poller asks for the timestamp as handsets do, each time on a new connection, and so many times a second whatever
// becomes of those before.
type poller struct {
	mu       sync.Mutex
	took     []time.Duration // of those that were answered
	refused  int             // told to come later
	silent   int             // not answered within the patience of the client
	under    sync.WaitGroup
	enough   chan struct{}
	finished chan struct{}
}

// fresh asks on a connection of its own each time, as a handset that polls once a day does.
func fresh() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DisableKeepAlives = true
	return &http.Client{Transport: t, Timeout: 10 * time.Second}
}

func withPatience() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), patience)
}

const (
	pollEvery    = 20 * time.Millisecond
	pollPatience = 5 * time.Second
)

// polls NAME N DOOR: so many polls at DOOR, and how long they took.
// polls NAME begin DOOR … polls NAME end: the same beside what happens between.
func polls(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: polls NAME N DOOR | polls NAME begin DOOR | polls NAME end")
	}
	s := stateOf(ts)
	if args[1] == "end" {
		p := s.polls
		close(p.enough)
		<-p.finished
		p.tell(ts, args[0])
		return
	}
	n, err := strconv.Atoi(args[1])
	if args[1] == "begin" {
		n, err = 1<<30, nil
	}
	ts.Check(err)
	p := &poller{enough: make(chan struct{}), finished: make(chan struct{})}
	go p.run(n, args[2]+"/tuf/metadata/timestamp.json")
	if s.polls = p; args[1] != "begin" {
		<-p.finished
		p.tell(ts, args[0])
	}
}

func (p *poller) run(n int, url string) {
	defer close(p.finished)
	defer p.under.Wait()
	client := fresh()
	client.Timeout = pollPatience
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for range n {
		select {
		case <-p.enough:
			return
		case <-tick.C:
			p.under.Go(func() { p.one(client, url) })
		}
	}
}

func (p *poller) one(client *http.Client, url string) {
	begun := time.Now()
	resp, err := client.Get(url)
	took := time.Since(begun)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err != nil:
		p.silent++
		return
	case resp.StatusCode == http.StatusOK:
		p.took = append(p.took, took)
	default:
		p.refused++
	}
	_ = resp.Body.Close()
}

func (p *poller) tell(ts *testscript.TestScript, name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	slices.Sort(p.took)
	of := func(percent int) float64 {
		if len(p.took) == 0 {
			return 0
		}
		return float64(p.took[(len(p.took)-1)*percent/100].Microseconds()) / 1000
	}
	ts.Logf("polls, %s: %d answered, p50 %.1f ms, p99 %.1f ms; %d told to come later, %d without an answer in %s",
		name, len(p.took), of(50), of(99), p.refused, p.silent, pollPatience)
}
