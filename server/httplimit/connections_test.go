// SPDX-License-Identifier: Apache-2.0

package httplimit

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// record is a log that may be read while others write it.
type record struct {
	mu   sync.Mutex
	text strings.Builder
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// limited serves "ok" to at most n connections at a time; /hold is answered when let is closed.
func limited(t *testing.T, n int) (addr string, let chan struct{}, log *record) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	let, log = make(chan struct{}), &record{}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hold" {
			_ = http.NewResponseController(w).Flush()
			<-let
		}
		_, _ = io.WriteString(w, "ok")
	})}
	ended := make(chan error, 1)
	go func() {
		ended <- server.Serve(Connections(Bounds{Total: n}, l, server, slog.New(slog.NewTextHandler(log, nil))))
	}()
	t.Cleanup(func() {
		server.Close()
		<-ended
	})
	return l.Addr().String(), let, log
}

// visitor is one connection.
type visitor struct {
	t *testing.T
	net.Conn
	from *bufio.Reader
}

func visit(t *testing.T, addr string) *visitor {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	return &visitor{t, conn, bufio.NewReader(conn)}
}

// ask sends a request and waits for the head of its answer.
func (v *visitor) ask(path string) *http.Response {
	v.t.Helper()
	fmt.Fprintf(v, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
	resp, err := http.ReadResponse(v.from, nil)
	if err != nil {
		v.t.Fatalf("%s: %v", path, err)
	}
	return resp
}

// try is ask for a connection that the server may have closed: nil if it has.
func (v *visitor) try(path string) *http.Response {
	fmt.Fprintf(v, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
	resp, err := http.ReadResponse(v.from, nil)
	if err != nil {
		return nil
	}
	return resp
}

func (v *visitor) finish(resp *http.Response) {
	v.t.Helper()
	if text, err := io.ReadAll(resp.Body); string(text) != "ok" || err != nil {
		v.t.Errorf("the answer is %q, %v", text, err)
	}
}

// Those who only wait for a next request make room for who comes.
func TestIdleConnectionsMakeRoom(t *testing.T) {
	addr, _, log := limited(t, 2)
	begun := time.Now()
	for range 5 {
		v := visit(t, addr)
		v.finish(v.ask("/"))
	}
	n, most := strings.Count(log.String(), "all connections are taken"), 1+int(time.Since(begun)/sayAgain)
	if n < 1 || n > most {
		t.Errorf("the log says %d times that all are taken, wanted once a minute: %s", n, log)
	}
}

// While all are at work a new one waits, and is served when one of them ends.
func TestBusyConnectionsAreWaitedFor(t *testing.T) {
	addr, let, log := limited(t, 8)
	var busy []*visitor
	var answers []*http.Response
	for range 8 {
		v := visit(t, addr)
		busy, answers = append(busy, v), append(answers, v.ask("/hold"))
	}
	late := visit(t, addr)
	served := make(chan struct{})
	go func() {
		defer close(served) // also when ask ends the test
		late.finish(late.ask("/"))
	}()
	select {
	case <-served:
		t.Error("a ninth connection was served beside eight")
	case <-time.After(30 * time.Millisecond): // it cannot be proven that it never would be
	}
	close(let)
	for i, v := range busy {
		v.finish(answers[i])
	}
	<-served
	if !strings.Contains(log.String(), "connections=8") {
		t.Errorf("the log does not say how many are open: %s", log)
	}
	// There is room again, so connections are kept. The one that takes the last place is closed before it can ask again.
	for deadline := time.Now().Add(2 * time.Minute); ; {
		v := visit(t, addr)
		if resp := v.ask("/"); !resp.Close {
			v.finish(resp)
			if again := v.try("/"); again != nil {
				v.finish(again)
				return
			}
		}
		v.Close()
		if time.Now().After(deadline) {
			t.Fatal("every answer still ends its connection")
		}
	}
}

// A listener that waits for room ends with its server.
func TestFullListenerCloses(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := Connections(Bounds{Total: 1}, l, &http.Server{}, slog.New(slog.DiscardHandler))
	go net.Dial("tcp", l.Addr().String())
	conn, err := b.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, plain := conn.(io.ReaderFrom); !plain {
		t.Errorf("connections are %T: files would not leave by sendfile", conn)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := b.Accept()
		ended <- err
	}()
	for range 2 {
		b.Close()
	}
	if err := <-ended; err == nil {
		t.Error("a closed listener accepted")
	}
}
