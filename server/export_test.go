// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"time"

	"landed/server/fleet"
	"landed/server/rooms"
	"landed/server/store"
)

func init() { lookFor = 2 * time.Minute }

// Database is the database that the server uses.
func (s *Server) Database() store.Database { return s.db }

// Kill ends the server as the end of its process would: it gives nothing back in its cluster.
func (s *Server) Kill() error {
	s.cluster.Kill()
	return s.Close()
}

// Member is its id in the cluster, and why it is not live there.
func (s *Server) Member() (id string, fault error) { return s.cluster.ID(), s.cluster.Fault() }

// Rooms are those of the server.
func (s *Server) Rooms() *rooms.Rooms { return s.rooms }

// Looping says if it does the periodic work.
func (s *Server) Looping() bool { _, mine := looping(context.Background(), s.cluster); return mine }

// LookAgain names the causes for which the server is not ready now, however lately it was looked.
func (s *Server) LookAgain(ctx context.Context) (names []string) {
	for _, c := range s.look(ctx) {
		names = append(names, c.Name)
	}
	return names
}

// CountAgain has the metrics read the figures again, as they do after a minute.
func (s *Server) CountAgain() {
	s.cells.mu.Lock()
	defer s.cells.mu.Unlock()
	s.cells.looked = time.Time{}
}

// WatchVouchers is what a Tick tells of vouchers, and what the metrics say of them.
func WatchVouchers(c Config, store fleet.Viewer) (tell func(context.Context) error, last func(context.Context) map[string]time.Time) {
	w := &voucherWatch{cfg: &c, store: store}
	return w.tell, w.last
}

// Leases are what the metrics say of them.
func (s *Server) Leases(ctx context.Context) map[string]bool { return s.standing(ctx).Leases }
