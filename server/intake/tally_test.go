// SPDX-License-Identifier: Apache-2.0

package intake_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"landed/manifests/effect/probe"
	"landed/server/fleet"
	"landed/server/intake"
	"landed/server/settle"
	"landed/server/span"
	"landed/server/store/storetest"
)

// crowd is a source of installations that has brought enough of them.
type crowd struct{ full bool }

func (c *crowd) Full(context.Context) bool { return c.full }
func (c *crowd) Came(context.Context)      {}

// measured is a span.Tracer that counts commits and their reports.
type measured struct {
	mu                       sync.Mutex
	commits, failed, reports int64
}

func (m *measured) Begin(ctx context.Context, name string) (context.Context, span.Open) {
	if name != "intake.commit" {
		panic(name)
	}
	return ctx, m
}

func (m *measured) Figure(_ string, n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reports += n
}

func (m *measured) End(failed bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.commits++
	if failed {
		m.failed++
	}
}

func saying(t *testing.T, n int, seq int64) []byte {
	t.Helper()
	r, key := waits(n, seq)
	return seal(t, r, key)
}

// Whatever becomes of a report is counted once, under the code that the handset was told.
func TestEveryReportIsCounted(t *testing.T) {
	var room error
	strangers, commits := &crowd{}, &measured{}
	w := newWorld(t, func(c *intake.Config) {
		c.Room = func() error { return room }
		c.Newcomers = strangers
		c.Spans = span.To(commits)
	})
	send := func(text []byte) {
		t.Helper()
		_, _ = w.Receive(ctx, text)
	}
	second := saying(t, 1, 2)
	send(second)
	send(second)
	send(saying(t, 1, 1))
	send([]byte("{}"))
	elsewhere, key := waits(2, 1)
	elsewhere.Model = "nobody"
	send(seal(t, elsewhere, key))
	strangers.full = true
	send(saying(t, 3, 1))
	send(saying(t, 1, 3)) // who is known comes in
	room = fleet.Errorf(fleet.Busy, "disk_low", "x")
	send(saying(t, 1, 4))
	room, strangers.full = nil, false
	gone, cancel := context.WithCancel(ctx)
	cancel()
	_, err := w.Receive(gone, saying(t, 1, 5))
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	send(saying(t, 1, 6))
	got := slices.DeleteFunc(w.Tally.Counted(), func(c intake.Counted) bool { return c.Code == "sender_gone" })
	if err == nil { // the answer was faster
		n := slices.IndexFunc(got, func(c intake.Counted) bool { return c.Outcome == "new" })
		got[n].N--
	}
	want := []intake.Counted{
		{Outcome: "late", N: 1}, {Outcome: "new", N: 2}, {Outcome: "refused", Code: "envelope_malformed", N: 1},
		{Outcome: "refused", Code: "model_unknown", N: 1}, {Outcome: "replayed", N: 1},
		{Outcome: "shed", Code: "closing", Class: "all", N: 1}, {Outcome: "shed", Code: "disk_low", Class: "all", N: 1},
		{Outcome: "shed", Code: intake.CodeNewcomers, Class: "new", N: 1},
	}
	if !slices.Equal(got, want) {
		t.Errorf("counted %v\nwanted  %v", got, want)
	}
	if commits.failed != 0 || commits.commits == 0 || commits.reports != 5 {
		t.Errorf("%d commits of %d reports, %d failed; wanted 5 reports", commits.commits, commits.reports, commits.failed)
	}
	w.noneWaits(t)
}

// While a transaction waits for its turn, it is told how many reports wait behind it, and for how long the first does.
func TestWaitingReportsAreTold(t *testing.T) {
	w := newWorld(t)
	release := w.hold(t)
	var group sync.WaitGroup
	for n := range 3 {
		group.Go(func() {
			if _, err := w.Receive(ctx, saying(t, n+1, 1)); err != nil {
				t.Error(err)
			}
		})
	}
	w.isStoring(t) // the first is taken out of the queue, and the others may be with it
	release()
	group.Wait()
	w.noneWaits(t)
}

// isStoring returns once a report was taken out of the queue and has no answer.
func (w *world) isStoring(t *testing.T) {
	t.Helper()
	w.waiting(t, func(_ int, storing bool) bool { return storing })
}

// waiting returns once it is so, of how many are in the queue and whether others that were taken out of it are being stored.
func (w *world) waiting(t *testing.T, so func(queued int, storing bool) bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(time.Millisecond) {
		queued, oldest := w.Waiting()
		if so(queued, oldest > 0) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d wait, and the oldest that is being stored since %s", queued, oldest)
		}
	}
}

// noneWaits fails if reports go on waiting although all are answered; the committer says that none does a moment after its last answer.
func (w *world) noneWaits(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for queued, oldest := w.Waiting(); queued != 0 || oldest != 0; queued, oldest = w.Waiting() {
		if time.Now().After(deadline) {
			t.Fatalf("all are answered, and %d wait, for %s", queued, oldest)
		}
		time.Sleep(time.Millisecond)
	}
}

// A report that nobody can have seen by now is stored, and told as such.
func TestImplausibleReportsAreTold(t *testing.T) {
	for published, want := range map[time.Time]bool{storetest.Now.Add(-time.Hour): true, storetest.Now.AddDate(-1, 0, 0): false} {
		a := arrival(silent, 1)
		a.Report.Answers["observed_hours"] = probe.Int(30)
		a.Rule.Published = map[string]time.Time{patched: published}
		out := settle.Settle(storetest.Now, []intake.Arrival{a}, intake.Loaded{})
		if r := out.Results[0]; r.Implausible != want || r.Refused != nil || r.Receipt.Stored != intake.StoredNew {
			t.Errorf("published %s: %+v", published, r)
		}
	}
}
