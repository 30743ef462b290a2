// SPDX-License-Identifier: Apache-2.0

//go:build unix

package e2e

import (
	"io"
	"net"
	"net/url"
	"path/filepath"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// tunnel is the way of one server to the database, by TCP. It can be cut: then connections end and are refused, or nothing
// that is sent arrives any more.
type tunnel struct {
	to string // the socket of the database server
	at string // where it listens

	mu       sync.Mutex
	listener net.Listener // nil while connections are refused
	open     map[net.Conn]bool
	hole     chan struct{} // closed when what is sent arrives again; nil if it does
}

// tunnel NAME: NAME becomes an address of the story's database by way of the test.
func throughTunnel(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: tunnel NAME")
	}
	direct, err := url.Parse(ts.Getenv("OTAD_DATABASE"))
	ts.Check(err)
	host := "127.0.0.1"
	if canBeStrange() { // where nobody else is given a port while this one's is not taken
		host = strange.String()
	}
	t := &tunnel{to: filepath.Join(direct.Query().Get("host"), ".s.PGSQL.5432"), at: net.JoinHostPort(host, "0"), open: map[net.Conn]bool{}}
	ts.Check(t.listen())
	ts.Defer(func() { t.refuse(); t.pass() })
	replicasOf(ts).tunnel = t
	ts.Setenv(args[0], "postgres://landed@"+t.at+direct.Path+"?sslmode=disable")
}

// cut NAME refused|silent: the way of a server to the database is cut. cut NAME no: it is whole again.
func cut(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: cut NAME refused|silent|no")
	}
	r := replicasOf(ts)
	one := r.named(ts, args[0])
	switch args[1] {
	case "refused":
		r.setAway(one, true)
		r.tunnel.refuse()
	case "silent":
		r.setAway(one, true)
		r.tunnel.silence()
	case "no":
		r.tunnel.pass()
		ts.Check(r.tunnel.listen())
	default:
		ts.Fatalf("cut: no way %q", args[1])
	}
}

func (t *tunnel) listen() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.listener != nil {
		return nil
	}
	l, err := net.Listen("tcp", t.at)
	if err != nil {
		return err
	}
	t.listener, t.at = l, l.Addr().String()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go t.serve(conn)
		}
	}()
	return nil
}

func (t *tunnel) serve(conn net.Conn) {
	defer conn.Close()
	t.wait()
	on, err := net.Dial("unix", t.to)
	if err != nil {
		return
	}
	defer on.Close()
	t.mu.Lock()
	t.open[conn], t.open[on] = true, true
	t.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { t.copy(on, conn) })
	both.Go(func() { t.copy(conn, on) })
	both.Wait()
	t.mu.Lock()
	delete(t.open, conn)
	delete(t.open, on)
	t.mu.Unlock()
}

// copy hands on what arrives, and nothing while it is silent.
func (t *tunnel) copy(to io.WriteCloser, from io.ReadCloser) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		t.wait()
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// wait ends at once unless it is silent.
func (t *tunnel) wait() {
	t.mu.Lock()
	hole := t.hole
	t.mu.Unlock()
	if hole != nil {
		<-hole
	}
}

func (t *tunnel) silence() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.hole == nil {
		t.hole = make(chan struct{})
	}
}

func (t *tunnel) refuse() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.listener != nil {
		_ = t.listener.Close()
		t.listener = nil
	}
	for conn := range t.open {
		_ = conn.Close()
	}
}

func (t *tunnel) pass() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.hole != nil {
		close(t.hole)
		t.hole = nil
	}
}
