// SPDX-License-Identifier: Apache-2.0

package httplimit

import (
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// limit is a listener that has at most so many connections open at a time. When all are taken, those that
// only wait for a next request are closed, and every answer ends its connection, until a quarter is free
// again. Who comes meanwhile waits in the queue of the kernel.
//
// The connections that it gives are those of the kernel and no wrappers, so that files still leave by
// sendfile: it is the server that says when one has ended.
type limit struct {
	net.Listener
	server *http.Server
	log    *slog.Logger
	open   chan struct{} // holds one for each connection
	closed chan struct{}
	close  sync.Once

	mu    sync.Mutex
	tight bool      // keep-alive is off
	told  time.Time // when the log last said so
}

// Connections bounds the connections of server that come from l. It takes the server's ConnState.
func Connections(n int, l net.Listener, server *http.Server, log *slog.Logger) net.Listener {
	b := &limit{Listener: l, server: server, log: log, open: make(chan struct{}, n), closed: make(chan struct{})}
	server.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateClosed || s == http.StateHijacked {
			<-b.open
			b.loosen()
		}
	}
	return b
}

// Accept implements net.Listener.
func (b *limit) Accept() (net.Conn, error) {
	select {
	case b.open <- struct{}{}:
	default:
		b.tighten()
		select {
		case b.open <- struct{}{}:
		case <-b.closed:
			return nil, net.ErrClosed
		}
	}
	conn, err := b.Listener.Accept()
	if err != nil {
		<-b.open
	}
	return conn, err
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
		b.log.Warn("all connections are taken; new ones wait until others end", "connections", cap(b.open))
	}
}

func (b *limit) loosen() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tight && len(b.open) <= max(1, cap(b.open)*3/4) {
		b.tight = false
		b.server.SetKeepAlivesEnabled(true)
	}
}
