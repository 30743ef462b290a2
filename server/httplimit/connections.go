// SPDX-License-Identifier: Apache-2.0

package httplimit

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Bounds are how many connections of a listener may be open at a time.
type Bounds struct {
	Total      int                   // of all; 1 or more
	Reserved   int                   // of those: kept for what Reserve lets through; less than Total
	PerNetwork int                   // from one network (see Network); 0: no bound
	Exempt     func(netip.Addr) bool // peers whose network is not bounded; nil: loopback
	Crowd      *Crowd                // is told when all that are not reserved are taken; nil: nobody is
}

// limit is a listener that has at most so many connections open at a time. When all that are not reserved are taken,
// those that only wait for a next request are closed, and every answer ends its connection, until a quarter is free
// again. Who comes meanwhile gets a reserved place, if there are any, where only what they are kept for is answered;
// once those are taken too, the rest wait in the queue of the kernel.
//
// The connections that it gives are those of the kernel and no wrappers, so that files still leave by
// sendfile: it is the server that says when one has ended.
type limit struct {
	net.Listener
	bounds Bounds
	server *http.Server
	log    *slog.Logger
	open   chan struct{} // holds one for each connection
	closed chan struct{}
	close  sync.Once

	patience time.Duration // reservedPatience

	mu     sync.Mutex
	places map[net.Conn]*place
	from   map[netip.Prefix]int // connections by network: in memory, and nowhere else
	public int                  // connections in places that are not reserved
	tight  bool                 // keep-alive is off
	told   time.Time            // when the log last said so
}

// place is what a connection has been given.
type place struct {
	network  netip.Prefix // zero: not counted
	reserved bool
	patience *time.Timer // of a reserved place, until a request is there
	crowd    *Crowd
}

type placeKey struct{}

// reservedPatience is how long a connection may keep a reserved place without a whole head of a request.
const reservedPatience = 2 * time.Second

// Connections bounds the connections of server that come from l. It takes the server's ConnState and ConnContext.
func Connections(bounds Bounds, l net.Listener, server *http.Server, log *slog.Logger) net.Listener {
	b := &limit{
		Listener: l, bounds: bounds, server: server, log: log, open: make(chan struct{}, bounds.Total),
		closed: make(chan struct{}), patience: reservedPatience, places: map[net.Conn]*place{}, from: map[netip.Prefix]int{},
	}
	if b.bounds.Exempt == nil {
		b.bounds.Exempt = netip.Addr.IsLoopback
	}
	server.ConnState = func(c net.Conn, s http.ConnState) {
		if s == http.StateClosed || s == http.StateHijacked {
			b.leave(c)
			<-b.open
		}
	}
	server.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		b.mu.Lock()
		defer b.mu.Unlock()
		if p := b.places[c]; p != nil && p.reserved {
			return context.WithValue(ctx, placeKey{}, p)
		}
		return ctx
	}
	return b
}

// Accept implements net.Listener.
func (b *limit) Accept() (net.Conn, error) {
	for {
		select {
		case b.open <- struct{}{}:
		default:
			b.tighten()
			if !b.wait() {
				return nil, net.ErrClosed
			}
		}
		conn, err := b.Listener.Accept()
		if err != nil {
			<-b.open
			return nil, err
		}
		if b.enter(conn) {
			return conn, nil
		}
		turnAway(conn)
		<-b.open
	}
}

// wait waits for a place, as does who comes; false if the listener is closed before there is one.
func (b *limit) wait() bool {
	b.bounds.Crowd.wait(true)
	defer b.bounds.Crowd.wait(false)
	select {
	case b.open <- struct{}{}:
		return true
	case <-b.closed:
		return false
	}
}

// enter gives a connection its place; false if its network has all that it may have.
func (b *limit) enter(conn net.Conn) bool {
	p := &place{crowd: b.bounds.Crowd}
	peer := addrOf(conn.RemoteAddr())
	if b.bounds.PerNetwork > 0 && peer.IsValid() && !b.bounds.Exempt(peer) {
		p.network = Network(peer)
	}
	b.mu.Lock()
	if p.network.IsValid() && b.from[p.network] >= b.bounds.PerNetwork {
		b.mu.Unlock()
		return false
	}
	p.reserved = b.bounds.Reserved > 0 && b.public >= b.bounds.Total-b.bounds.Reserved
	if p.network.IsValid() {
		b.from[p.network]++
	}
	if !p.reserved {
		b.public++
	} else {
		p.patience = time.AfterFunc(b.patience, func() { conn.Close() })
	}
	b.places[conn] = p
	b.bounds.Crowd.fill(b.public >= b.bounds.Total-b.bounds.Reserved)
	b.mu.Unlock()
	if p.reserved {
		b.tighten()
	}
	return true
}

// leave takes a place back.
func (b *limit) leave(conn net.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.places[conn]
	if p == nil {
		return
	}
	delete(b.places, conn)
	if p.network.IsValid() {
		if b.from[p.network]--; b.from[p.network] == 0 {
			delete(b.from, p.network)
		}
	}
	if p.reserved {
		p.patience.Stop()
	} else {
		b.public--
		b.bounds.Crowd.fill(b.public >= b.bounds.Total-b.bounds.Reserved)
	}
	if room := b.bounds.Total - b.bounds.Reserved; b.tight && b.public < room && b.public <= max(1, room*3/4) {
		b.tight = false
		b.server.SetKeepAlivesEnabled(true)
	}
}

// turnAway tells a client to come later. An empty send buffer holds it: nothing is waited for.
func turnAway(conn net.Conn) {
	_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = conn.Write([]byte("HTTP/1.1 503 Service Unavailable\r\nRetry-After: " + comeBack +
		"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
	_ = conn.Close()
}

// Close implements net.Listener.
func (b *limit) Close() error {
	b.close.Do(func() { close(b.closed) })
	return b.Listener.Close()
}

// sayAgain is how often the log repeats that all connections are taken.
const sayAgain = time.Minute

func (b *limit) tighten() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tight = true
	b.server.SetKeepAlivesEnabled(false) // closes the idle ones too
	if now := time.Now(); now.Sub(b.told) > sayAgain {
		b.told = now
		b.log.Warn("all connections are taken; new ones wait until others end", "connections", b.bounds.Total,
			"reserved", b.bounds.Reserved)
	}
}
