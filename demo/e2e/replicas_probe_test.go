// SPDX-License-Identifier: Apache-2.0

//go:build unix

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// prober asks every server for its timestamp all the time. Once one of them answered a version, none that reaches the
// database may answer an older one to whoever asks after that.
type prober struct {
	r       *replicas
	highest atomic.Int64
	reads   atomic.Int64
	alone   atomic.Int64 // of them, of servers that did not reach the database
	waited  atomic.Int64 // older ones, of servers that waited in vain for the database as long as they do
	end     context.CancelFunc
	done    sync.WaitGroup
	mu      sync.Mutex
	faults  []string
}

const (
	probers    = 2
	probePause = 20 * time.Millisecond
	// askFor is how long a server waits for the database before it answers what it has.
	askFor = 500 * time.Millisecond
)

// probe begin … probe end: no timestamp goes back meanwhile.
func probing(ts *testscript.TestScript, neg bool, args []string) {
	r := replicasOf(ts)
	switch {
	case !neg && len(args) == 1 && args[0] == "begin":
		ctx, end := context.WithCancel(context.Background())
		p := &prober{r: r, end: end}
		for range probers {
			p.done.Go(func() { p.run(ctx) })
		}
		r.prober = p
	case !neg && len(args) == 1 && args[0] == "end":
		p := r.prober
		p.stop()
		ts.Logf("%d timestamps were read, the newest is %d; %d of servers without the database, %d that were older after a server "+
			"had waited %s for it", p.reads.Load(), p.highest.Load(), p.alone.Load(), p.waited.Load(), askFor)
		if len(p.faults) > 0 {
			ts.Fatalf("%d timestamps went back: %v\n%s", len(p.faults), p.faults[:min(len(p.faults), 5)], r.logs(ts))
		}
		if p.reads.Load() < 100 {
			ts.Fatalf("only %d timestamps were read", p.reads.Load())
		}
	default:
		ts.Fatalf("usage: probe begin | probe end")
	}
}

func (p *prober) stop() {
	p.end()
	p.done.Wait()
}

func (p *prober) run(ctx context.Context) {
	client := &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone(), Timeout: 5 * time.Second}
	for ctx.Err() == nil {
		for _, one := range p.r.living(false) {
			p.read(client, one)
		}
		time.Sleep(probePause)
	}
}

func (p *prober) read(client *http.Client, one *replica) {
	floor, away := p.highest.Load(), p.r.isAway(one)
	begun := time.Now()
	v, err := versionAt(client, one.url)
	took := time.Since(begun)
	if err != nil { // it was killed, or knows that it is behind
		return
	}
	p.reads.Add(1)
	away = away || p.r.isAway(one)
	switch {
	case away:
		p.alone.Add(1)
	case v < floor && took >= askFor:
		p.waited.Add(1)
	case v < floor:
		p.mu.Lock()
		p.faults = append(p.faults, fmt.Sprintf("%s served %d after another had served %d, in %s", one.name, v, floor, took))
		p.mu.Unlock()
	}
	for {
		h := p.highest.Load()
		if v <= h || p.highest.CompareAndSwap(h, v) {
			return
		}
	}
}

func (r *replicas) isAway(one *replica) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return one.away
}

// versionAt is that of the timestamp which a server answers.
func versionAt(client *http.Client, url string) (int64, error) {
	resp, err := client.Get(url + "/tuf/metadata/timestamp.json")
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("the timestamp is answered %s, %w", resp.Status, err)
	}
	var doc struct{ Signed struct{ Version int64 } }
	return doc.Signed.Version, json.Unmarshal(text, &doc)
}

// served NAME VARIABLE: the version of the timestamp that a server serves.
// served NAME same|least|newer VERSION: it is that one, that or a newer one, a newer one.
func servedBy(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: served NAME VARIABLE | served NAME same|least|newer VERSION")
	}
	r, than := replicasOf(ts), int64(0)
	if len(args) == 3 {
		var err error
		than, err = strconv.ParseInt(args[2], 10, 64)
		ts.Check(err)
	}
	one := r.named(ts, args[0])
	r.await(ts, args[0]+" serves a timestamp", func() error {
		begun := time.Now()
		v, err := versionAt(fresh(), one.url)
		switch {
		case err != nil: // it knows that it is behind
			return err
		case len(args) == 2:
			ts.Setenv(args[1], fmt.Sprint(v))
			return nil
		case args[1] == "same" && v == than || args[1] == "least" && v >= than || args[1] == "newer" && v > than:
			return nil
		case time.Since(begun) < askFor:
			ts.Fatalf("%s serves timestamp %d; wanted %s as %d\n%s", args[0], v, args[1], than, r.logs(ts))
		}
		return fmt.Errorf("it waited for the database in vain, and serves %d", v)
	})
}
