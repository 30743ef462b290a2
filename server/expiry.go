// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"fmt"
	"strings"
	"time"

	"landed/manifests/tufrepo"
	"landed/server/repo"
)

// lookAtExpiry wants more than a quarter of its life left to what this server renews at half of it, and any life at all to
// what people sign: of that, they are told well before.
func (s *Server) lookAtExpiry(state repo.State) (found []cause) {
	now := s.cfg.Now()
	look := func(role string, life time.Duration, whom string) {
		if state.Version(role) == 0 {
			return
		}
		at, word := state.Info(role).Expires, "expires"
		if !at.After(now) {
			word = "expired"
		} else if at.Sub(now) > life/4 {
			return
		}
		found = append(found, cause{causeExpiry, fmt.Sprintf("the %s of the feed %s at %s; %s get nothing after that", role, word,
			at.UTC().Format(time.DateTime), whom)})
	}
	look(tufrepo.Timestamp, s.cfg.Expiry.Timestamp, "handsets")
	look(tufrepo.Snapshot, s.cfg.Expiry.Snapshot, "handsets")
	look(tufrepo.Root, 0, "handsets")
	look(tufrepo.Targets, 0, "handsets")
	for _, model := range state.Models() {
		look(model, 0, "handsets of this model")
		look(tufrepo.OffersRole(model), s.cfg.Expiry.Offers, "handsets of this model")
	}
	return found
}

// tellExpiry writes a line when something of the feed begins to expire, or expired, whoever watches; and one when that is
// over.
func (s *Server) tellExpiry(ctx context.Context) error {
	state, err := s.rooms.Repo.State(ctx)
	if err != nil {
		return err
	}
	var words []string
	for _, c := range s.lookAtExpiry(state) {
		words = append(words, c.Detail)
	}
	now := strings.Join(words, "; ")
	switch {
	case now == s.expiring:
	case now == "":
		s.cfg.Log.InfoContext(ctx, "nothing of the feed expires soon any more")
	default:
		s.cfg.Log.ErrorContext(ctx, "signatures expire", "what", now)
	}
	s.expiring = now
	return nil
}

// expiries are when each role of the served feed expires.
func (s *Server) expiries() map[string]time.Time {
	served, ok := s.rooms.Repo.Served()
	if !ok {
		return nil
	}
	all := map[string]time.Time{}
	roles := []string{tufrepo.Root, tufrepo.Targets, tufrepo.Snapshot, tufrepo.Timestamp}
	for _, model := range served.Models() {
		roles = append(roles, model, tufrepo.OffersRole(model))
	}
	for _, role := range roles {
		if served.Version(role) > 0 {
			all[role] = served.Info(role).Expires
		}
	}
	return all
}
