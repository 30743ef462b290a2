// SPDX-License-Identifier: Apache-2.0

// Package uptime knows what time it is, and when reports could come.
//
// Parties: the server goes by the time of its [Guard] and calls [Uptime.Tick]; people accept a clock that jumped. It
// promises that no jump of the clock moves the time that the server goes by before the clock has agreed with itself for
// ten minutes, or a person has said that it is right; and that whatever time the server was off, full, overloaded, out of
// places for connections or not sure of its clock is on record as an [fleet.Outage], so that no rollout counts it as
// soaked. It refuses to believe a clock that went back far without a person's word, and asks no handset what time it is.
package uptime

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// Uptime keeps on record when reports could come.
type Uptime struct {
	Store   fleet.Store // for beats, which may fail for want of space
	Control fleet.Store // for what people decide, which must not
	Guard   *Guard
	Log     *slog.Logger
	// Asked is how many reports of counted installations came since the start, and how many of them were sent away.
	Asked func() (all, away int64)
	Room  func() error // says why no report is taken for want of space; nil if they are
	// Crowded is when those who came found no place for their connection, since it was last asked.
	Crowded func() [][2]time.Time

	mu         sync.Mutex
	beat       time.Time
	all, away  int64
	full       bool // there was no room at a Tick since the beat
	distrusted bool // as it is on record
	forgot     time.Time
}

// beatEvery is how often it is noted at most that the server runs, and how finely outages are told.
const beatEvery = time.Minute

// The actions of the audit trail. Their subject is "clock".
const (
	ActionJump   = "clock.jump"
	ActionAccept = "clock.accept"
	Subject      = "clock"
)

// author is the name under which the loop itself acts.
const author = "landed"

// Start holds the clock against what is stored, and notes how long the server was off.
func (u *Uptime) Start(ctx context.Context) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	var last time.Time
	ran := true
	if err := u.Store.View(ctx, func(tx fleet.Tx) (err error) {
		if last, err = tx.Outages().Beaten(ctx); err != nil {
			return err
		}
		outages, err := tx.Outages().Since(ctx, last)
		if err != nil {
			return err
		}
		u.distrusted = fleet.Distrusted(outages)
		if last.IsZero() {
			ran = false
			last, err = newest(ctx, tx)
		}
		return err
	}); err != nil || last.IsZero() {
		return err
	}
	u.Guard.Anchor(last, u.distrusted)
	if s := u.Guard.State(); !s.Distrusted && ran && s.Now.Sub(last) > 2*beatEvery {
		u.Log.InfoContext(ctx, "the server was off; the stages of rollouts do not count that time", "from", last, "to", s.Now)
		return u.Store.Update(ctx, func(tx fleet.Tx) error {
			return tx.Outages().Add(ctx, fleet.Outage{Cause: fleet.OutageOff, From: last, To: s.Now})
		})
	}
	return nil
}

// newest is the newest time that an older program stored: of the audit trail, and of what it published.
func newest(ctx context.Context, tx fleet.Tx) (at time.Time, err error) {
	lines, err := tx.Audit().List(ctx, 0, 1)
	if err != nil {
		return at, err
	}
	for _, l := range lines {
		at = l.At
	}
	m, err := tx.Metadata().Latest(ctx, tufrepo.Timestamp)
	if fleet.Is(err, fleet.NotFound) {
		return at, nil
	}
	if m.At.After(at) {
		at = m.At
	}
	return at, err
}

// Tick notes that the server runs, what kept reports away since the last Tick, and whether the clock is believed. It
// writes once a minute, and when the clock jumped.
func (u *Uptime) Tick(ctx context.Context) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	s := u.Guard.State()
	u.full = u.full || u.Room() != nil
	switch {
	case s.Distrusted != u.distrusted:
		return u.turn(ctx, s)
	case s.Distrusted || !u.beat.IsZero() && s.Now.Sub(u.beat) < beatEvery && !s.Now.Before(u.beat):
		return nil
	}
	return u.note(ctx, s.Now)
}

// turn puts on record that the clock is distrusted, or is not any more.
func (u *Uptime) turn(ctx context.Context, s State) error {
	line := fleet.AuditEntry{At: s.Now, Actor: author, Subject: Subject, Action: ActionAccept,
		Reason: "it agreed with what passed for " + Agreeing.String()}
	o := fleet.Outage{Cause: fleet.OutageClock, From: s.Now, To: s.Now}
	if s.Distrusted {
		line.Action, line.Reason = ActionJump, s.words()
		o.From, o.To = s.At, time.Time{}
		u.Log.ErrorContext(ctx, "the clock jumped; no rollout goes on by time until it is believed", "shows", s.Wall,
			"by", s.By.Round(time.Second), "goes_by", s.Now)
	} else {
		u.Log.InfoContext(ctx, "the clock is believed again", "shows", s.Wall)
	}
	err := u.Control.Update(ctx, func(tx fleet.Tx) error {
		if err := tx.Outages().Add(ctx, o); err != nil {
			return err
		}
		return tx.Audit().Append(ctx, line)
	})
	if err == nil {
		u.distrusted, u.beat = s.Distrusted, time.Time{}
	}
	return err
}

// words say what jumped.
func (s State) words() string {
	way := "ahead"
	if s.By < 0 {
		way = "back"
	}
	return fmt.Sprintf("it shows %s and went %s by %s", s.Wall.UTC().Format(time.DateTime), way, s.By.Abs().Round(time.Second))
}

// note writes a beat, and what kept reports away since the last one.
func (u *Uptime) note(ctx context.Context, now time.Time) error {
	all, away := u.Asked()
	met := u.met(now, all, away)
	forget := now.Sub(u.forgot) >= time.Hour
	err := u.Store.Update(ctx, func(tx fleet.Tx) error {
		if err := tx.Outages().Beat(ctx, now); err != nil {
			return err
		}
		if err := u.endForeign(ctx, tx, now); err != nil {
			return err
		}
		for _, o := range met {
			if err := tx.Outages().Add(ctx, o); err != nil {
				return err
			}
		}
		if !forget {
			return nil
		}
		return u.forget(ctx, tx, now)
	})
	if err != nil {
		return fmt.Errorf("note that the server runs: %w", err)
	}
	u.beat, u.all, u.away, u.full = now, all, away, false
	if forget {
		u.forgot = now
	}
	return nil
}

// met is what kept reports away since the last beat.
func (u *Uptime) met(now time.Time, all, away int64) (found []fleet.Outage) {
	add := func(cause fleet.OutageCause, from time.Time) {
		if now.After(from) {
			found = append(found, fleet.Outage{Cause: cause, From: from, To: now})
		}
	}
	for _, spell := range u.Crowded() {
		found = append(found, fleet.Outage{Cause: fleet.OutageConnections, From: spell[0], To: spell[1]})
	}
	switch {
	case u.beat.IsZero():
	case u.full:
		add(fleet.OutageDisk, u.beat)
	case (away-u.away)*10 > all-u.all:
		add(fleet.OutageOverload, u.beat)
	}
	return found
}

// endForeign ends an outage of the clock that lasts in the table while the guard believes the clock: another hand wrote it.
func (u *Uptime) endForeign(ctx context.Context, tx fleet.Tx, now time.Time) error {
	outages, err := tx.Outages().Since(ctx, now)
	if err != nil || !fleet.Distrusted(outages) {
		return err
	}
	u.Log.ErrorContext(ctx, "the table of outages says that the clock is distrusted, and it is not: another hand than this "+
		"program's wrote that, and it is ended; run \"otad fsck\"")
	return tx.Outages().Add(ctx, fleet.Outage{Cause: fleet.OutageClock, From: now, To: now})
}

// forget lets go of what is older than every stage that still waits.
func (u *Uptime) forget(ctx context.Context, tx fleet.Tx, now time.Time) error {
	all, err := tx.Rollouts().List(ctx)
	if err != nil {
		return err
	}
	oldest := now
	for _, r := range all {
		if r.State == fleet.RolloutRunning && r.Since.Before(oldest) {
			oldest = r.Since
		}
	}
	return tx.Outages().Forget(ctx, oldest)
}

// Accept has the clock believed as it stands now, because by says so.
func (u *Uptime) Accept(ctx context.Context, by, reason string) (State, error) {
	if strings.TrimSpace(reason) == "" || len(reason) > 1000 || strings.ContainsAny(reason, "\r\n") {
		return State{}, fleet.Errorf(fleet.Invalid, "reason_missing", "say in one line why the clock is right, such as what it "+
			"was compared with; it is kept in the audit trail")
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	s := u.Guard.State()
	if !s.Distrusted {
		return s, fleet.Errorf(fleet.Conflict, "clock_believed", "the clock shows %s and is believed; there is nothing to accept",
			s.Wall.UTC().Format(time.DateTime))
	}
	until := s.Wall
	if until.Before(s.Now) {
		until = s.Now
	}
	err := u.Control.Update(ctx, func(tx fleet.Tx) error {
		if err := tx.Outages().Add(ctx, fleet.Outage{Cause: fleet.OutageClock, From: s.At, To: until}); err != nil {
			return err
		}
		if err := tx.Outages().Beat(ctx, s.Wall); err != nil {
			return err
		}
		return tx.Audit().Append(ctx, fleet.AuditEntry{At: s.Wall, Actor: by, Action: ActionAccept, Subject: Subject,
			Reason: reason + " (" + s.words() + ")"})
	})
	if err != nil {
		return s, err
	}
	u.Guard.Accept()
	u.distrusted, u.beat = false, time.Time{}
	u.Log.WarnContext(ctx, "the clock is believed because somebody said so", "shows", s.Wall, "by", by, "reason", reason)
	return u.Guard.State(), nil
}

// Distrusted says if the clock jumped and is not believed yet.
func (u *Uptime) Distrusted() bool { return u.Guard.State().Distrusted }

// State is how the clock stands.
func (u *Uptime) State() State { return u.Guard.State() }
