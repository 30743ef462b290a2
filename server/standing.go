// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"os"
	"slices"
	"sync"
	"time"

	"landed/manifests/tufrepo"
	"landed/server/blob/s3"
	"landed/server/cluster"
	"landed/server/datadir"
	"landed/server/fleet"
	"landed/server/intake"
	"landed/server/metrics"
	"landed/server/store"
)

// standing is what the metrics show.
func (s *Server) standing(ctx context.Context) metrics.Standing {
	room := s.room.Standing()
	m := metrics.Standing{
		DiskFree: room.Free, DiskMark: room.Mark, Reserve: room.Reserve, ReserveMissing: room.ReserveMissing,
		Causes: map[string]bool{}, Failing: s.rooms.Repo.Failing() != nil,
		Database: sizes(datadir.Dir(s.cfg.DataDir).Database()),
	}
	for _, name := range causes {
		m.Causes[name] = false
	}
	for _, c := range s.notReady(ctx) {
		m.Causes[c.Name] = true
	}
	if since, err := s.rooms.Rollouts.Unpublished(); err != nil {
		m.Unpublished = time.Since(since)
	}
	if ids, err := s.rooms.Rollouts.Halting(ctx); err == nil {
		m.Halting = len(ids)
	}
	m.UncountedLimit = -1
	if u, err := s.intake.Uncounted(ctx); err == nil { // damaged reports have a metric of their own
		m.Uncounted, m.UncountedLimit, m.Provisional, m.Evicted = u.Used, u.Limit, u.Provisional, u.Evicted
	}
	m.Excess, m.Regressions = s.excess.n.Load(), s.history.Regressions()
	m.Expiries = s.expiry.all()
	m.Expires = m.Expiries[tufrepo.Timestamp]
	m.Vouchers = s.vouchers.last(ctx)
	m.Leases = map[string]bool{} // of publishing the lease is held only while it is done
	for _, name := range []string{cluster.Loop, cluster.Scrub} {
		if m.Leases[name] = true; s.cluster != nil { // who is alone holds all
			_, m.Leases[name] = s.cluster.Holding(ctx, name)
		}
	}
	traffic(s, &m)
	m.Installations, m.Counted = s.cells.of(ctx, s.db)
	return m
}

// traffic adds what handsets asked and sent.
func traffic(s *Server, m *metrics.Standing) {
	answers, bytes := s.feed.Answered()
	for _, a := range answers {
		m.Feed = append(m.Feed, metrics.FeedAnswers(a))
	}
	m.TargetBytes = bytes
	if far, ok := s.blobs.(*s3.Store); ok {
		t := far.Traffic()
		m.S3 = &metrics.S3{Requests: t.Gets, Asked: t.Asked, Came: t.Came}
	}
	for _, c := range s.intake.Tally.Counted() {
		m.Reports = append(m.Reports, metrics.Reports(c))
	}
	for _, outcome := range intake.Outcomes() { // a series that is there from the start has a rate from the first on
		none := func(r metrics.Reports) bool { return r.Outcome == outcome && r.Code == "" }
		if !slices.ContainsFunc(m.Reports, none) {
			m.Reports = append(m.Reports, metrics.Reports{Outcome: outcome})
		}
	}
	m.Implausible = s.intake.Tally.Implausible()
	m.Queued, m.Oldest = s.intake.Waiting()
	crowd := s.Crowd.Sums()
	m.Taken, m.Away = crowd.Taken, crowd.Away
}

// sizes are the bytes of the files of both halves, with what waits in their write-ahead logs. One that is not there has
// none: that is told otherwise.
func sizes(control string) map[string]int64 {
	all := map[string]int64{}
	for half, path := range map[string]string{"control": control, "reports": store.ReportsFile(control)} {
		all[half] = 0
		for _, name := range []string{path, path + "-wal"} {
			if info, err := os.Stat(name); err == nil {
				all[half] += info.Size()
			}
		}
	}
	return all
}

// countsEvery is how old the figures of the metrics may be.
const countsEvery = time.Minute

// cells are the figures by model and class. They are read once a minute at most, and only if something was stored since.
type cells struct {
	mu      sync.Mutex
	looked  time.Time // zero: never
	version int64     // of the database then
	known   []metrics.Cell
	at      time.Time // as of when they are known; zero: not yet
}

// of are the figures of now, or those of before if they cannot be read.
func (c *cells) of(ctx context.Context, db store.Database) ([]metrics.Cell, time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if !c.looked.IsZero() && now.Sub(c.looked) < countsEvery {
		return c.known, c.at
	}
	c.looked = now
	wait, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	version, err := db.Version(wait) // first: what is stored meanwhile is read again
	if err != nil {
		return c.known, c.at
	}
	if version == c.version && !c.at.IsZero() {
		c.at = now
		return c.known, c.at
	}
	if all, err := count(wait, db); err == nil {
		c.known, c.version, c.at = all, version, now
	}
	return c.known, c.at
}

func count(ctx context.Context, db fleet.Viewer) (all []metrics.Cell, err error) {
	err = db.View(ctx, func(tx fleet.Tx) error {
		totals, err := tx.Counts().Totals(ctx)
		for _, t := range totals {
			for class, n := range t.Verdicts {
				all = append(all, metrics.Cell{Model: t.Model, Class: string(class), All: n, Counted: t.Counted.Verdicts[class]})
			}
		}
		return err
	})
	return all, err
}
