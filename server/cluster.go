// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"

	"landed/server/cluster"
	"landed/server/intake"
	"landed/server/repo"
	"landed/server/store"
)

// shared says if other servers may have the database open, once its address is known.
func (c Config) shared() bool { return !c.ReadOnly && (c.Store != nil || store.OnServer(c.Database)) }

// joinCluster makes the part of s in the cluster, which is nil if it is alone.
func joinCluster(ctx context.Context, s *Server, rules *intake.Rules) (repo.Cluster, error) {
	if !s.cfg.shared() {
		return nil, nil
	}
	s.cluster = cluster.New(cluster.Config{Store: s.store, Program: s.cfg.Program, Log: s.cfg.Log, Times: s.cfg.Cluster,
		Changed: func(ctx context.Context) {
			rules.Invalidate() // another server may have published a release
			if err := s.rooms.Lineup.Refresh(ctx); err != nil {
				s.cfg.Log.WarnContext(ctx, "models and channels could not be read again; the next tick tries", "err", err)
			}
		},
		Restore: func(ctx context.Context) error { return s.rooms.Restore(ctx) },
	})
	return s.cluster, s.cluster.Join(ctx)
}

// startCluster has s heard of, once its rooms are open.
func startCluster(ctx context.Context, s *Server) error {
	if s.cluster == nil {
		return nil
	}
	s.opened(s.cluster.Close)
	s.feed.Newest(s.cluster.Newest)
	return s.cluster.Start(ctx)
}

// looping says if the server of this part does the periodic work, and under which context.
func looping(ctx context.Context, part *cluster.Cluster) (context.Context, bool) {
	if part == nil {
		return ctx, true
	}
	return part.Holding(ctx, cluster.Loop)
}

// Due tells when periodic work fell to this server, because the one that did it is gone: it is not to wait for its time.
func (s *Server) Due() <-chan struct{} {
	if s.cluster == nil {
		return nil
	}
	return s.cluster.Gained()
}

// alone is how something is done by one server of a cluster at a time; nil for one that is alone.
func alone(part *cluster.Cluster, name string) func(context.Context, func(context.Context) error) error {
	if part == nil {
		return nil
	}
	return func(ctx context.Context, fn func(context.Context) error) error { return part.Alone(ctx, name, fn) }
}
