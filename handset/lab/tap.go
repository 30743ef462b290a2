// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
)

// tap is the laboratory's access point: handsets reach the service through it, and it writes down the bytes that pass,
// as they pass. It opens nothing: what is encrypted stays so, and that is how it is told apart.
type tap struct {
	listener net.Listener
	to       string // host and port of the service

	mu       sync.Mutex
	capture  bytes.Buffer // all that went to the service
	sent     int          // connections on which something went
	clear    int          // of these, those that could be read
	readable []string     // the first lines of those
	open     int          // connections that pass now
	closed   *sync.Cond   // on mu: one of them ended
}

func newTap(service string) (*tap, error) {
	u, err := url.Parse(service)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	t := &tap{listener: l, to: u.Host}
	t.closed = sync.NewCond(&t.mu)
	go t.run()
	return t, nil
}

func (t *tap) address() string { return t.listener.Addr().String() }

func (t *tap) close() error { return t.listener.Close() }

func (t *tap) run() {
	for {
		from, err := t.listener.Accept()
		if err != nil {
			return // closed
		}
		t.opened(+1)
		go t.pass(from)
	}
}

func (t *tap) opened(by int) {
	t.mu.Lock()
	t.open += by
	t.mu.Unlock()
	t.closed.Broadcast()
}

// wait returns once no connection passes.
func (t *tap) wait() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.open > 0 {
		t.closed.Wait()
	}
}

// pass copies one connection both ways, and keeps what the handset sent.
func (t *tap) pass(from net.Conn) {
	defer t.opened(-1)
	defer from.Close()
	to, err := net.Dial("tcp", t.to)
	if err != nil {
		return
	}
	defer to.Close()
	go func() {
		_, _ = io.Copy(from, to)
		from.Close()
	}()
	var seen bytes.Buffer
	_, _ = io.Copy(io.MultiWriter(to, &seen), from)
	t.note(seen.Bytes())
}

// note says of what a handset sent whether anybody on the way could read it: it is a request of HTTP.
func (t *tap) note(sent []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(sent) == 0 {
		return
	}
	t.sent++
	fmt.Fprintf(&t.capture, "--- connection %d, %d bytes\n%s\n", t.sent, len(sent), sent)
	if r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(sent))); err == nil {
		t.clear++
		t.readable = append(t.readable, fmt.Sprintf("%s %.80s in clear", r.Method, r.URL.Path))
	}
}

// seen is what passed so far: the connections with content, and those of them that could be read.
func (t *tap) seen() (sent, clear int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sent, t.clear
}

// sum is the SHA-256 of the capture, in hex, and the capture itself.
func (t *tap) sum() (digest string, capture []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	sum := sha256.Sum256(t.capture.Bytes())
	return hex.EncodeToString(sum[:]), bytes.Clone(t.capture.Bytes())
}
