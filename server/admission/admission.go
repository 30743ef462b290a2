// SPDX-License-Identifier: Apache-2.0

// Package admission says who is taken into the counted fleet, and who is taken out of the figures.
//
// Parties: the server's loop calls Tick; release engineers vouch for a fleet (Admit), look at it (Show), and take a flood
// out (Quarantine, Lift). Package intake applies what is decided here to every installation.
//
// It promises that every decision is an entry, stored and on the audit trail with its numbers before anything follows from
// it; that whoever is admitted was drawn by a key that was made when the candidates were known; that no more than one
// percent of a counted fleet is admitted, or one installation where that is less, until a person vouches for it again;
// and that a quarantine goes by when installations were first heard of, and never by what they say. Reports come in
// meanwhile. It refuses decisions without a reason.
package admission

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"landed/server/fleet"
	"landed/server/proposals"
)

// Config is what an Admission needs.
type Config struct {
	Store  fleet.Store
	Now    func() time.Time
	Random io.Reader // for keys and ids
	Log    *slog.Logger
	// Apply brings every installation in line with what was decided, and does nothing if that is done. What it leaves
	// undone it does when it is called again.
	Apply func(context.Context) error
	// Desk keeps what waits for a second person, where Policy wants one: to take bad reports out of the figures, as it is to
	// resume a rollout after a leak. nil: one person is enough.
	Desk   *proposals.Desk
	Policy proposals.Policy
	// Alone, if set, runs fn while no other server on this database admits.
	Alone func(ctx context.Context, fn func(ctx context.Context) error) error
}

// Admission decides who counts. Its methods may be called from any number of goroutines.
type Admission struct {
	Config
	deciding sync.Mutex // one admission at a time: two would fill the same places twice
	ticking  sync.Mutex // for last
	last     time.Time  // when Tick looked last
}

// alone runs fn while nobody else admits.
func (a *Admission) alone(ctx context.Context, fn func(ctx context.Context) error) error {
	a.deciding.Lock()
	defer a.deciding.Unlock()
	if a.Alone == nil {
		return fn(ctx)
	}
	return a.Alone(ctx, fn)
}

// New makes an Admission.
func New(c Config) *Admission {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	a := &Admission{Config: c}
	a.carry()
	return a
}

// The actions on the audit trail.
const (
	ActionAdmit      = "fleet.admit"
	ActionQuarantine = "reports.quarantine"
	ActionLift       = "reports.lift"
)

// loop is the name under which the program itself admits.
const loop = "landed"

// applyWithin is how long a person waits for every installation; what is left then is done behind her.
const applyWithin = 15 * time.Second

// apply applies what was decided, and says if that is done.
func (a *Admission) apply(ctx context.Context) (done bool, err error) {
	if a.Apply == nil {
		return false, nil
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), applyWithin)
	defer cancel()
	err = a.Apply(bounded)
	if errors.Is(err, context.DeadlineExceeded) {
		return false, nil
	}
	return err == nil, err
}

// reasoned refuses a decision without a reason.
func reasoned(reason string) error {
	if strings.TrimSpace(reason) == "" {
		return fleet.Errorf(fleet.Invalid, "reason_missing", "a reason is wanted: it stays on the audit trail")
	}
	return nil
}

// Shown is how the installations of a model and channel stand with their counted fleet, and what is proven of them.
type Shown struct {
	fleet.Muster
	Judged, Proven         int64 // of all that are not quarantined
	JudgedWith, ProvenWith int64 // what these would be with those that are
}

// Show is how the installations of every model and channel stand.
func (a *Admission) Show(ctx context.Context) (all []Shown, err error) {
	err = a.Store.View(ctx, func(tx fleet.Tx) error {
		of, err := tx.Installations().Muster(ctx, "", "", a.Now())
		if err != nil {
			return err
		}
		totals, err := tx.Counts().Totals(ctx)
		for _, m := range of {
			one := Shown{Muster: m}
			for _, c := range totals {
				if c.Model == m.Model && c.Channel == m.Channel {
					one.Judged, one.Proven = c.Judged(), c.Proven()
					one.JudgedWith, one.ProvenWith = one.Judged+c.Quarantined.Judged(), one.Proven+c.Quarantined.Proven()
				}
			}
			all = append(all, one)
		}
		return err
	})
	return all, err
}
