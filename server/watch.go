// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"sync"
	"time"

	"landed/server/cluster"
	"landed/server/scrub"
)

// watchEvery is how often the running server does the cheap half of Check.
const watchEvery = time.Hour

// Watch looks at what is stored, beside everything else, until ctx ends: every content once a day, and every hour the
// pages of the database, the rows that were recorded, and the figures. What it finds is a line at level ERROR.
func (s *Server) Watch(ctx context.Context) {
	var group sync.WaitGroup
	group.Go(scrubbing(ctx, s))
	t := time.NewTicker(watchEvery)
	defer t.Stop()
	for {
		s.Look(ctx)
		select {
		case <-ctx.Done():
			group.Wait()
			return
		case <-t.C:
		}
	}
}

func scrubbing(ctx context.Context, s *Server) func() {
	scrubber := scrub.Scrubber{Blobs: s.blobs, Repo: s.rooms.Repo, Log: s.cfg.Log}
	return func() {
		if s.cluster == nil {
			scrubber.Run(ctx)
			return
		}
		s.cluster.While(ctx, cluster.Scrub, scrubber.Run)
	}
}

// Look does the cheap half of Check once, and says how many faults there are.
func (s *Server) Look(ctx context.Context) (faults int) {
	for _, check := range []func(context.Context) ([]string, error){
		func(ctx context.Context) ([]string, error) { return s.db.Integrity(ctx, true) }, s.db.CheckRecords, s.db.Recount,
	} {
		found, err := check(ctx)
		if err != nil && ctx.Err() == nil {
			found = append(found, err.Error())
		}
		for n, f := range found {
			if n == 10 {
				s.cfg.Log.ErrorContext(ctx, "more is wrong with what is stored; run \"otad fsck\"", "more", len(found)-n)
				break
			}
			s.cfg.Log.ErrorContext(ctx, "what is stored is not as it was written; run \"otad fsck\"", "fault", f)
		}
		faults += len(found)
	}
	return faults
}
