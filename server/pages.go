// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/rand"
	"math/big"

	cellrule "landed/server/cells"
	"landed/server/cells/keeper"
	"landed/server/fleet"
	"landed/server/history"
	"landed/server/intake"
	"landed/server/retain"
	"landed/server/support"
)

// openPages opens the pages for staff, and those for everybody.
func openPages(s *Server) (err error) {
	c := support.Config{
		View: s.db, Version: s.db.Version, Catalogue: s.rooms.Lineup.Catalogue, Now: s.cfg.Now, Log: s.cfg.Log, Language: s.cfg.Language,
		PublicPath: s.cfg.PublicPath, Base: s.cfg.BaseURL, OpenReports: s.cfg.OpenReports, Notice: s.cfg.Notice,
		Distrusted: s.uptime.Distrusted,
		Halting: func(ctx context.Context, r fleet.Rollout) bool {
			return s.rooms.Rollouts.Standing(ctx, r).State == fleet.RolloutHalting
		},
	}
	if s.support, err = support.New(c); err != nil {
		return err
	}
	s.public = s.support
	if c.Threshold = s.cfg.SmallCells; c.Threshold > 0 {
		s.public, err = support.New(c)
	}
	return err
}

// keepers are those of what was: of old reports, of older figures, and of when reports could come.
func keepers(s *Server, kept fleet.Store, rules *intake.Rules) {
	s.uptime.Asked, s.uptime.Crowded = s.intake.Pressure.Since, s.Crowd.Spells
	s.retain = retain.New(retain.Config{Store: kept, Settler: intake.Cutter{Rules: rules}, Now: s.cfg.Now, Log: s.cfg.Log,
		HasRoom: s.room.ForReport, Distrusted: s.uptime.Distrusted, Program: s.cfg.Program,
		Idle: func() bool { waits, oldest := s.intake.Waiting(); return waits == 0 && oldest == 0 }})
	s.history = history.New(history.Config{Store: kept, Now: s.cfg.Now, Log: s.cfg.Log, HasRoom: s.room.ForReport,
		Distrusted: s.uptime.Distrusted,
		Fleet:      func(ctx context.Context, tx fleet.Tx) (fleet.Counts, error) { return s.support.Fleet(ctx, tx) }})
	s.numbers = keeper.New(keeper.Config{Store: kept, Threshold: s.cfg.SmallCells, Now: s.cfg.Now, Draw: draw,
		Exact:   func(ctx context.Context, tx fleet.Tx) ([]cellrule.Exact, error) { return s.support.Exact(ctx, tx) },
		HasRoom: s.room.ForReport, Distrusted: s.uptime.Distrusted})
}

// draw is a number from 0 to below n that nobody can guess.
func draw(n int64) int64 {
	got, err := rand.Int(rand.Reader, big.NewInt(n))
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	return got.Int64()
}
