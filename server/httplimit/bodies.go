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
	"time"
)

// How long a sender may take. Bodies are small, but for packages: those may take hours, as long
// as they do not stand still.
const (
	bodyTime    = 15 * time.Second
	uploadPause = time.Minute
)

// Bodies bounds how long a body may take to arrive, so that senders who never finish do not use up the
// connections of those who do. Those that isUpload names may take as long as they like while they move.
func Bodies(isUpload func(*http.Request) bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength == 0 {
			next.ServeHTTP(w, r)
			return
		}
		rc := http.NewResponseController(w)
		if isUpload(r) {
			r.Body = &moving{r.Body, rc}
		} else {
			_ = rc.SetReadDeadline(time.Now().Add(bodyTime)) // a recorder in a test has none
		}
		next.ServeHTTP(w, r)
	})
}

// moving is a body that may take as long as it likes while it moves.
type moving struct {
	io.ReadCloser
	rc *http.ResponseController
}

// Read implements io.Reader.
func (m *moving) Read(p []byte) (int, error) {
	_ = m.rc.SetReadDeadline(time.Now().Add(uploadPause))
	return m.ReadCloser.Read(p)
}
