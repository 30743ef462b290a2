// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql"
	"sync"
)

// sessions are those that read a half, as many as there are readers at most. One that is given back keeps its connection and
// what it has prepared for the next reader: to prepare a statement costs as much as to run it, and a page asks the same ones
// each time.
type sessions struct {
	pool  *sql.DB
	turns chan struct{} // holds a token for each session that is out

	mu     sync.Mutex
	idle   []*session // the last one that was given back last, whose pages are in its cache
	closed bool
}

func newSessions(pool *sql.DB, most int) *sessions {
	return &sessions{pool: pool, turns: make(chan struct{}, most)}
}

// begin begins a transaction that reads, as soon as a session is free. Its end gives the session back.
func (s *sessions) begin(ctx context.Context) (reading, error) {
	select {
	case s.turns <- struct{}{}:
	case <-ctx.Done():
		return reading{}, ctx.Err()
	}
	one, err := s.take(ctx)
	if err != nil {
		<-s.turns
		return reading{}, err
	}
	r, err := one.snapshot(ctx)
	end := func() {
		r.end()
		s.give(one)
		<-s.turns
	}
	if err != nil {
		end()
		return reading{}, err
	}
	return reading{r.Runner, end}, nil
}

// take is a session that is idle, or else a new one.
func (s *sessions) take(ctx context.Context) (*session, error) {
	if one := s.last(); one != nil {
		return one, nil
	}
	conn, err := s.pool.Conn(ctx)
	if err != nil {
		return nil, kind(err)
	}
	one := newSession(conn)
	one.reads = true
	return one, nil
}

// last is the one that was given back last; nil if none is idle.
func (s *sessions) last() *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.idle)
	if n == 0 {
		return nil
	}
	one := s.idle[n-1]
	s.idle = s.idle[:n-1]
	return one
}

// give keeps a session for the next, unless something went wrong in it.
func (s *sessions) give(one *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || one.worn {
		one.close()
		return
	}
	s.idle = append(s.idle, one)
}

// close closes those that are idle; each other one is closed when it is given back.
func (s *sessions) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.idle {
		one.close()
	}
	s.idle, s.closed = nil, true
}
