// SPDX-License-Identifier: Apache-2.0

package httplimit

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"time"
)

// pace is how long a reader may take. A small answer has a fixed time. A large one may take as long as it
// likes while it moves: each piece of it has a time of its own.
type pace struct {
	answer time.Duration // for an answer of at most one piece
	piece  time.Duration // for each piece of a larger one
	size   int64         // bytes of a piece
}

// slowest lets the slowest line that is of use pass, and nobody stand still. The time of a piece is long
// because the kernel says that there is room again only when a third of its send buffer is free, and a
// buffer may hold megabytes when the reader is a proxy with a slow handset behind it.
var slowest = pace{answer: time.Minute, piece: 5 * time.Minute, size: 256 << 10}

// Answers bounds how long answers may take to be read.
func Answers(next http.Handler) http.Handler { return slowest.bound(next) }

// bound bounds how long answers may take to be read, so that readers who stand still do not use up
// connections and open files. The deadline belongs to one answer: net/http lifts it before the next request.
func (p pace) bound(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := &answer{ResponseWriter: w, rc: http.NewResponseController(w), pace: p}
		next.ServeHTTP(a, r)
		a.renew() // for what net/http still has in its buffers
	})
}

// answer is a ResponseWriter that moves its deadline as bytes go out. It has all the methods that net/http
// and chi look for in the one below, so that files still leave by sendfile.
type answer struct {
	http.ResponseWriter
	rc   *http.ResponseController
	pace pace
	gone int64 // bytes given to net/http
	till time.Time
}

// renew gives what comes next its time. A ResponseWriter without a connection has no deadline.
func (a *answer) renew() {
	allowed := a.pace.answer
	if a.gone > a.pace.size {
		allowed = a.pace.piece
	}
	till := time.Now().Add(allowed)
	if till.Sub(a.till) < allowed/64 {
		return // most answers are over in no time, and to set a deadline costs more than to ask the clock
	}
	a.till = till
	_ = a.rc.SetWriteDeadline(till)
}

// Write implements io.Writer.
func (a *answer) Write(p []byte) (n int, err error) {
	for first := true; first || len(p) > 0 && err == nil; first = false {
		next := p[:min(int64(len(p)), a.pace.size)]
		a.gone += int64(len(next))
		a.renew()
		var wrote int
		wrote, err = a.ResponseWriter.Write(next)
		n, p = n+wrote, p[len(next):]
	}
	return n, err
}

// ReadFrom implements io.ReaderFrom. The kernel sends files by itself if it is given the *os.File, bare
// or with a limit, and with one limit only: so one that is there is taken off.
func (a *answer) ReadFrom(src io.Reader) (n int64, err error) {
	to, can := a.ResponseWriter.(io.ReaderFrom)
	if !can {
		return io.Copy(struct{ io.Writer }{a}, src)
	}
	limited, isLimited := src.(*io.LimitedReader)
	for {
		next := &io.LimitedReader{R: src, N: a.pace.size}
		if isLimited {
			next.R, next.N = limited.R, min(limited.N, a.pace.size)
		}
		want := next.N
		if want <= 0 {
			return n, nil
		}
		a.gone += want
		a.renew()
		sent, err := to.ReadFrom(next)
		n += sent
		if isLimited {
			limited.N -= sent
		}
		if err != nil || sent < want {
			return n, err
		}
	}
}

// FlushError is what http.ResponseController looks for.
func (a *answer) FlushError() error {
	a.renew()
	return a.rc.Flush()
}

// Flush implements http.Flusher.
func (a *answer) Flush() { _ = a.FlushError() }

// Hijack implements http.Hijacker: without it chi's wrappers would drop ReadFrom.
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) { return a.rc.Hijack() }

// Unwrap is what http.ResponseController looks for.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
