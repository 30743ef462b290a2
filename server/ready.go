// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/render"
	"landed/server/repo"
)

// The causes for which a server is not ready.
const (
	causeDisk     = "disk"     // too little is free, or the reserve for halts is missing
	causeDatabase = "database" // its control half does not answer, or cannot be written
	causeReports  = "reports"  // the file of the reports is missing or damaged, or cannot be written; halts go on without it
	causeFeed     = "feed"     // the folder cannot be written, or what is stored is not published
	causeLegacy   = "legacy"   // phones with the updaters of others are not given what was signed; handsets are
	causeCluster  = "cluster"  // others on the same database do not wait for it: it lacks what is stored, or was not heard of
	causeClock    = "clock"    // it jumped, or lies behind what was published
	causeExpiry   = "expiry"   // what handsets poll has expired, or will soon

	causeRestore     = "restore"     // nobody has said what a restored database lost, so nothing but halts is published
	causeConnections = "connections" // all places are taken, so that handsets are kept away
)

var causes = []string{
	causeDisk, causeDatabase, causeReports, causeFeed, causeLegacy, causeCluster, causeRestore, causeConnections, causeClock, causeExpiry,
}

// cause is one reason not to be ready, with its name.
type cause struct {
	Name   string `json:"name"`
	Detail string `json:"detail"`
}

// readiness looks at most once a second, whoever asks: a look writes to the disk.
type readiness struct {
	damage damageWatch

	mu    sync.Mutex
	at    time.Time
	found []cause
	told  string // the names that the log knows of
}

// lookEvery bounds how often it is looked.
const lookEvery = time.Second

// lookFor is how long one look waits for the database. Tests give it longer, on a machine with much to do.
var lookFor = 3 * time.Second

// damageWatch bounds how often damage is told.
type damageWatch struct {
	mu   sync.Mutex
	told map[string]time.Time // by the code of the error
}

func (d *damageWatch) due(now time.Time, err error) bool {
	code := ""
	if e, ok := errors.AsType[*fleet.Error](err); ok {
		code = e.Code
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if last, ok := d.told[code]; ok && now.Sub(last) < time.Minute {
		return false
	}
	if d.told == nil {
		d.told = map[string]time.Time{}
	}
	d.told[code] = now
	return true
}

// notReady are the causes of now; none if the server is ready.
func (s *Server) notReady(ctx context.Context) []cause {
	r := &s.readiness
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.at.IsZero() && time.Since(r.at) < lookEvery {
		return r.found
	}
	r.found, r.at = s.look(context.WithoutCancel(ctx)), time.Now()
	var names []string
	for _, c := range r.found {
		names = append(names, c.Name)
	}
	if now := strings.Join(slices.Compact(names), ", "); now != r.told {
		r.told = now
		if now == "" {
			s.cfg.Log.InfoContext(ctx, "ready again")
		} else {
			s.cfg.Log.ErrorContext(ctx, "not ready", "causes", now, "detail", detailOf(r.found))
		}
	}
	return r.found
}

func (s *Server) look(ctx context.Context) (found []cause) {
	add := func(name, format string, args ...any) {
		found = append(found, cause{name, fmt.Sprintf(format, args...)})
	}
	for _, fault := range s.room.Faults() {
		add(causeDisk, "%s", fault)
	}
	if s.cluster != nil {
		if err := s.cluster.Fault(); err != nil {
			add(causeCluster, "the other servers on this database do not wait for this one: %s; it serves what it has", repo.Why(err))
		}
	}
	if since := s.Crowd.Since(); !since.IsZero() {
		add(causeConnections, "for %s who came found all places for connections taken, and reports are kept away; no stage of "+
			"a rollout counts that time. Halts go on where the console has an address of its own, or reserved places",
			s.cfg.Now().Sub(since).Round(time.Minute))
	}
	wait, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	if err := s.db.Ready(wait); err != nil {
		add(causeDatabase, "%s", repo.Why(err))
		return append(found, s.lookAtClock(time.Time{})...) // the others need it
	}
	if err := s.db.ReportsReady(wait); err != nil {
		add(causeReports, "%s", repo.Why(err))
	}
	feed := s.rooms.Repo
	if err := feed.FolderFault(ctx); err != nil {
		add(causeFeed, "the feed folder is not there whole, or cannot be written: %s", repo.Why(err))
	}
	if err := feed.Failing(); err != nil {
		add(causeFeed, "the last publication was not done: %s", repo.Why(err))
	} else if _, err := s.rooms.Rollouts.Unpublished(); err != nil {
		add(causeFeed, "a change of the rollouts is stored and not published: %s", repo.Why(err))
	}
	if err := (repo.Shelf{Repo: feed}).Fault(); err != nil {
		add(causeLegacy, "phones with the updaters of others are not given all that was signed for them, handsets are: %s", repo.Why(err))
	}
	if line, unnamed, err := s.rooms.Recovery.Newest(wait); err != nil {
		add(causeDatabase, "%s", repo.Why(err))
	} else if unnamed {
		add(causeRestore, "the database was %s, and nobody has said what was lost with that; nothing but halts is published until "+
			"somebody does: otactl restore name --until TIME --reason WHY", line.Reason)
	}
	state, err := feed.State(ctx)
	if err != nil {
		add(causeDatabase, "%s", repo.Why(err))
		return found
	}
	found = append(found, s.lookAtClock(state.At(tufrepo.Timestamp))...)
	return append(found, s.expiry.look(state)...)
}

func detailOf(found []cause) string {
	var all []string
	for _, c := range found {
		all = append(all, c.Name+": "+c.Detail)
	}
	return strings.Join(all, "; ")
}

// ready answers "ready", or 503 with every cause by its name.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	found := s.notReady(r.Context())
	if len(found) == 0 {
		_, _ = w.Write([]byte("ready\n"))
		return
	}
	render.WriteProblem(w, r, render.Problem{
		Status: http.StatusServiceUnavailable, Title: http.StatusText(http.StatusServiceUnavailable), Code: "not_ready",
		Detail: render.Sentence("not ready: " + detailOf(found)), Request: w.Header().Get(render.RequestID),
		More: map[string]any{"causes": found},
	})
}
