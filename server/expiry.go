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

// expiryWatch looks at when the metadata of the feed expires.
type expiryWatch struct {
	cfg  *Config
	repo *repo.Repo
	told string // what the log knows to expire; of Tick alone
}

// look wants more than a quarter of its life left to what this server renews at half of it, and any life at all to
// what people sign: of that, they are told well before.
func (s *expiryWatch) look(state repo.State) (found []cause) {
	now := s.cfg.Now()
	at := func(role string, life time.Duration, whom string) {
		if state.Version(role) == 0 {
			return
		}
		when, word := state.Info(role).Expires, "expires"
		if !when.After(now) {
			word = "expired"
		} else if when.Sub(now) > life/4 {
			return
		}
		found = append(found, cause{causeExpiry, fmt.Sprintf("the %s of the feed %s at %s; %s get nothing after that", role, word,
			when.UTC().Format(time.DateTime), whom)})
	}
	at(tufrepo.Timestamp, s.cfg.Expiry.Timestamp, "handsets")
	at(tufrepo.Snapshot, s.cfg.Expiry.Snapshot, "handsets")
	at(tufrepo.Root, 0, "handsets")
	at(tufrepo.Targets, 0, "handsets")
	for _, model := range state.Models() {
		at(model, 0, "handsets of this model")
		at(tufrepo.OffersRole(model), s.cfg.Expiry.Offers, "handsets of this model")
	}
	return found
}

// tell writes a line when something of the feed begins to expire, or expired, whoever watches; and one when that is
// over.
func (s *expiryWatch) tell(ctx context.Context) error {
	state, err := s.repo.State(ctx)
	if err != nil {
		return err
	}
	var words []string
	for _, c := range s.look(state) {
		words = append(words, c.Detail)
	}
	now := strings.Join(words, "; ")
	switch {
	case now == s.told:
	case now == "":
		s.cfg.Log.InfoContext(ctx, "nothing of the feed expires soon any more")
	default:
		s.cfg.Log.ErrorContext(ctx, "signatures expire", "what", now)
	}
	s.told = now
	return nil
}

// all are when each role of the served feed expires.
func (s *expiryWatch) all() map[string]time.Time {
	served, ok := s.repo.Served()
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
