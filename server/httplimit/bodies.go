// SPDX-License-Identifier: Apache-2.0

// Package httplimit bounds what connections may cost: how long a body may take to arrive, how long an
// answer may take to be read, how many connections may be open, and how many of them one network may have.
//
// Parties: clients of any kind and speed; package server, which wraps its handler with Bodies, Answers and Reserve;
// whoever listens, with Connections and ErrorLog. It promises that a line that moves is never cut, that one
// that stands still is, that files still leave by sendfile, and that the network of a client is known in memory alone,
// while it is being counted: nothing about an address is written. It refuses whoever comes from a network that has all
// that it may have, and says when to come again; anybody else who finds no room waits.
package httplimit

import (
	"io"
	"net/http"
	"os"
	"time"
)

// How long a sender may take. Bodies are small, but for packages: those may take hours, as long
// as they do not stand still.
const (
	bodyTime    = 15 * time.Second
	uploadPause = time.Minute
)

// Bodies bounds how long a body may take to arrive, so that senders who never finish do not use up the
// connections of those who do. Those that isUpload names may take as long as they like while they move. Once a body is
// whole, its handler may take as long as it likes.
//
// The body is put into a copy of the request: net/http must find its own where it was, or it reads on, for a client that
// waits to be told to send, before a refusal goes out.
func Bodies(isUpload func(*http.Request) bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength == 0 {
			next.ServeHTTP(w, r)
			return
		}
		in := &incoming{ReadCloser: r.Body, rc: http.NewResponseController(w), waits: r.Header.Get("Expect") != ""}
		if isUpload(r) {
			in.pause = uploadPause
		} else {
			_ = in.rc.SetReadDeadline(time.Now().Add(bodyTime)) // a recorder in a test has none
		}
		own := *r
		own.Body = in
		next.ServeHTTP(w, &own)
	})
}

// incoming is a body on its way in.
type incoming struct {
	io.ReadCloser
	rc    *http.ResponseController
	pause time.Duration // how long it may stand still; 0: it has one time for all of it
	till  time.Time     // of one that nobody wants any more; zero if it is wanted
	waits bool          // its sender waits to be told to send
	ended bool
}

// Read implements io.Reader.
func (b *incoming) Read(p []byte) (int, error) {
	b.waits = false
	switch {
	case !b.till.IsZero() && time.Now().After(b.till):
		return 0, os.ErrDeadlineExceeded
	case b.till.IsZero() && b.pause > 0:
		_ = b.rc.SetReadDeadline(time.Now().Add(b.pause))
	}
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF && !b.ended {
		b.ended = true
		_ = b.rc.SetReadDeadline(time.Time{}) // or net/http takes the client for gone while its handler works
	}
	return n, err
}

// Drain reads for a while what is still coming, and throws it away: to close the connection on somebody who is
// sending resets it, and the answer that says why is lost. Of a sender who waits to be told to send, nothing is read.
func (b *incoming) Drain(d time.Duration) {
	if b.waits || b.ended {
		return
	}
	b.till = time.Now().Add(d)
	if b.rc.SetReadDeadline(b.till) == nil {
		_, _ = io.Copy(io.Discard, b)
	}
}
