// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"landed/server/fleet"
	"landed/server/httplimit"
)

// public serves strangers within bounds, and gives the address.
func (h *house) public(b httplimit.Bounds) string {
	h.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		h.t.Fatal(err)
	}
	b.Crowd = h.Crowd
	s := &http.Server{Handler: h.Public()}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(httplimit.Connections(b, l, s, slog.New(slog.DiscardHandler))) }()
	h.t.Cleanup(func() {
		s.Close()
		<-ended
	})
	return l.Addr().String()
}

// stall opens connections that begin to send a report and do not go on. end lets go of them. They stop within its head: for
// a body there are some seconds by no clock of a test.
func (h *house) stall(addr string, n int) (end func()) {
	h.t.Helper()
	var all []net.Conn
	for range n {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			h.t.Fatal(err)
		}
		all = append(all, conn)
		_, _ = io.WriteString(conn, "POST /v1/reports HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n")
	}
	end = func() {
		for _, conn := range all {
			conn.Close()
		}
	}
	h.t.Cleanup(end)
	return end
}

// until waits for what another goroutine does.
func (h *house) until(what string, is func() bool) {
	h.t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			h.t.Fatalf("it is not so after a minute: %s", what)
		}
	}
}

func (h *house) outages() (all []fleet.Outage) {
	h.t.Helper()
	if err := h.db.View(h.t.Context(), func(tx fleet.Tx) (err error) {
		all, err = tx.Outages().Since(context.Background(), time.Time{})
		return err
	}); err != nil {
		h.t.Fatal(err)
	}
	return all
}

// TestTakenConnections: while strangers hold all connections, so that reports are kept away, no stage soaks, and the server
// says so; it is over when they go.
func TestTakenConnections(t *testing.T) {
	h, clock := onHand(t)
	addr := h.public(httplimit.Bounds{Total: 8})
	h.goesOn(clock, time.Minute)
	h.wantReadyz("")
	end := h.stall(addr, 9)
	h.until("one waits", func() bool { return h.Crowd.Sums().Away > 0 })
	h.goesOn(clock, 30*time.Second)
	h.wantReadyz("") // a handset still waits
	h.goesOn(clock, 30*time.Second)
	h.goesOn(clock, 9*time.Minute)
	h.wantReadyz("connections")
	at := func(minutes int) time.Time { return testNow.Add(time.Duration(minutes) * time.Minute) }
	want := fleet.Outage{Cause: fleet.OutageConnections, From: at(1), To: at(11)}
	if got := h.outages(); len(got) != 1 || got[0] != want {
		t.Errorf("outages %v, wanted %v", got, want)
	}
	if waits := h.untouched(h.rollout(), "taken"); !strings.Contains(
		waits,
		"since 10 minutes in which no reports could come do not count",
	) {
		t.Errorf("waits until %s", waits)
	}
	end()
	h.until("places are free", func() bool { // then no more time is counted
		was := h.Crowd.Sums().Taken
		clock.pass(time.Microsecond)
		return h.Crowd.Sums().Taken == was
	})
	h.goesOn(clock, 2*time.Minute)
	h.wantReadyz("")
	if got := h.outages(); len(got) != 1 || got[0].To.After(at(12)) {
		t.Errorf("after they went: %v", got)
	}
}

// TestSecondsOfAMinuteAreNoOutage: who takes all connections for a few seconds of each minute has others wait for a moment, and stops no
// stage.
func TestSecondsOfAMinuteAreNoOutage(t *testing.T) {
	h, clock := onHand(t)
	addr := h.public(httplimit.Bounds{Total: 8})
	for range 5 {
		away := h.Crowd.Sums().Away
		end := h.stall(addr, 9)
		h.until("one waits", func() bool { return h.Crowd.Sums().Away > away })
		clock.pass(7 * time.Second)
		end()
		h.until("places are free", func() bool { // then no more time is counted
			was := h.Crowd.Sums().Taken
			clock.pass(time.Microsecond)
			return h.Crowd.Sums().Taken == was
		})
		h.goesOn(clock, 53*time.Second)
		h.wantReadyz("")
	}
	if got := h.outages(); len(got) != 0 {
		t.Errorf("outages %v", got)
	}
}

// TestOneNetworkIsNoOutage: who has all that one network may have keeps nobody else away.
func TestOneNetworkIsNoOutage(t *testing.T) {
	h, clock := onHand(t)
	addr := h.public(httplimit.Bounds{Total: 8, PerNetwork: 2, Exempt: func(netip.Addr) bool { return false }})
	h.stall(addr, 2)
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if text, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(text), "HTTP/1.1 503") {
		t.Fatalf("the third of its network: %q, %v", text, err)
	}
	h.goesOn(clock, 5*time.Minute)
	h.wantReadyz("")
	if got := h.outages(); len(got) != 0 {
		t.Errorf("outages %v", got)
	}
}
