// SPDX-License-Identifier: Apache-2.0

// Package retain drops the bodies of old reports, as people ruled for a release, and nothing that anything needs.
//
// Parties: release engineers rule for how long the reports about a release are kept (Set); the loop of the server calls Tick,
// which makes a cut and then drops what it closed; package intake says how an installation stands at a cut, and which of its
// reports nothing needs any more.
//
// It promises that nothing is dropped before a cut is on the audit trail, and that line is sealed: with the row up to which
// it goes and the Merkle root over the states that it settled; that what is left of a report keeps every head true, and
// answers whoever sends it again; that the first report of each installation stays, its newest about each release, and all that
// speaks against a release; and that whatever ends the program, the next Tick goes on. It refuses rules that are
// shorter than what is decided by reports, and releases that are still rolled out.
package retain

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"landed/server/fleet"
)

// Least is the shortest rule. Who is counted was heard of within 28 days, silence and losses are told within 16, and figures
// by age are kept for eight weeks: nothing that is decided looks further back.
const Least = 90 * 24 * time.Hour

// Settler is what package intake knows of installations.
type Settler interface {
	// Settle is how installations stood at a cut, of those of which it may drop something.
	Settle(ctx context.Context, tx fleet.Tx, c fleet.Cut, refs ...Reference) ([]fleet.Settled, error)
	// Droppable are the rows of an installation whose bodies a cut lets go; s is how it stood at that cut, or at a later one.
	Droppable(ctx context.Context, tx fleet.Tx, c fleet.Cut, s fleet.Settled) ([]int64, error)
	// Reckoned says if what was decided of who counts is applied to every installation.
	Reckoned(ctx context.Context, tx fleet.Tx) (bool, error)
}

// Config is what a Room needs. All fields are needed, unless they say otherwise.
type Config struct {
	Store      fleet.Store
	Settler    Settler
	Now        func() time.Time
	Log        *slog.Logger
	HasRoom    func() error // of the disk; nil: it always has
	Distrusted func() bool  // if the clock is not believed: nothing is dropped by it; nil: it always is
	Idle       func() bool  // if no report waits, and more may be done at once; nil: it never is
	// Program is the version of this one. While another server of the database runs another one, no body goes: an older
	// program would take what is left of a report for a report.
	Program string
}

// Room is where retention is ruled. Its methods may be called from any number of goroutines.
type Room struct {
	Config
	paces paces
}

// New makes a Room.
func New(c Config) *Room { return &Room{Config: c, paces: startingPace()} }

// ActionRetain is that of the line of the trail by which a rule is made.
const ActionRetain = "release.retain"

// Wish is a rule that somebody wants.
type Wish struct {
	Release    string
	Keep       time.Duration // whole days; 0: for ever
	By, Reason string
	Sure       bool // she knows that what is dropped does not come back
}

// Set rules for how long the bodies of reports about a release are kept.
func (r *Room) Set(ctx context.Context, w Wish) (fleet.Retention, error) {
	rule := fleet.Retention{Release: w.Release, Keep: w.Keep, At: r.Now().UTC(), By: w.By, Reason: w.Reason}
	if strings.TrimSpace(w.Reason) == "" || len(w.Reason) > 1000 || strings.ContainsAny(w.Reason, "\r\n") {
		return rule, fleet.Errorf(fleet.Invalid, "reason_missing", "say in one line why; it stays on the audit trail")
	}
	if w.Keep != 0 && w.Keep < Least || w.Keep%(24*time.Hour) != 0 {
		return rule, fleet.Errorf(
			fleet.Invalid,
			"retention_short",
			"reports are to be kept for %s; wanted whole days, at least %s, or "+
				"ever: who counts, who is silent and who is lost is told by reports of the last weeks",
			days(w.Keep),
			days(Least),
		)
	}
	return rule, r.Store.Update(ctx, func(tx fleet.Tx) error {
		was, err := ruled(ctx, tx, w.Release)
		if err != nil {
			return err
		}
		if w.Keep != 0 {
			if err := r.allowed(ctx, tx, w, was.Keep); err != nil {
				return err
			}
		}
		if err := tx.Retentions().Put(ctx, rule); err != nil {
			return err
		}
		return tx.Audit().Append(ctx, fleet.AuditEntry{At: rule.At, Actor: w.By, Action: ActionRetain, Subject: w.Release,
			Reason: fmt.Sprintf("reports are kept for %s, before: for %s: %s", days(w.Keep), days(was.Keep), w.Reason)})
	})
}

// allowed says why a rule that drops something is not made now.
func (r *Room) allowed(ctx context.Context, tx fleet.Tx, w Wish, was time.Duration) error {
	release, err := tx.Releases().Get(ctx, w.Release)
	if err != nil {
		return err
	}
	if release.State != fleet.ReleasePublished {
		return fleet.Errorf(fleet.Conflict, "retention_unpublished", "%s is not published: there are no reports about it", w.Release)
	}
	why, err := goes(ctx, tx, w.Release)
	if err != nil {
		return err
	}
	if why != "" {
		return fleet.Errorf(
			fleet.Conflict,
			"retention_running",
			"%s: its reports are evidence that somebody may still decide by. Rule once "+
				"all its rollouts are finished or halted",
			why,
		)
	}
	if head, _, err := tx.Seals().Latest(ctx, fleet.TreeReports); err != nil || head.Size == 0 {
		if err != nil {
			return err
		}
		return fleet.Errorf(
			fleet.Conflict,
			"retention_unsealed",
			"no report is sealed yet, and only what is sealed may be dropped; the "+
				"server seals within a minute: try again",
		)
	}
	if !w.Sure && (was == 0 || w.Keep < was) {
		return fleet.Errorf(
			fleet.Conflict,
			"retention_sure",
			"the bodies of reports about %s that are older than %s would be dropped, now "+
				"and from now on, and never come back: what each of these said cannot be looked up or judged again; only what followed from "+
				"it stays. The first of each handset stays, its newest about each release, "+
				"and all that speaks against the release. Say that you are sure "+
				"(otactl: --yes)",
			w.Release,
			days(w.Keep),
		)
	}
	return nil
}

// goes says which rollout of a release is not over; "" if all are, and there is one.
func goes(ctx context.Context, tx fleet.ControlTx, release string) (why string, err error) {
	all, err := tx.Rollouts().List(ctx)
	if err != nil {
		return "", err
	}
	none := true
	for _, one := range all {
		if one.Release != release {
			continue
		}
		none = false
		if one.State != fleet.RolloutFinished && one.State != fleet.RolloutHalted {
			return fmt.Sprintf("the rollout %s is %s", one.ID, one.State), nil
		}
	}
	if none {
		return "no rollout of " + release + " has begun", nil
	}
	return "", nil
}

// ruled is the rule of a release; one that keeps for ever if there is none.
func ruled(ctx context.Context, tx fleet.ControlTx, release string) (fleet.Retention, error) {
	all, err := tx.Retentions().List(ctx)
	for _, one := range all {
		if one.Release == release {
			return one, err
		}
	}
	return fleet.Retention{Release: release}, err
}

// List are all rules, and all cuts.
func (r *Room) List(ctx context.Context) (rules []fleet.Retention, cuts []fleet.Cut, err error) {
	err = r.Store.View(ctx, func(tx fleet.Tx) error {
		if rules, err = tx.Retentions().List(ctx); err != nil {
			return err
		}
		cuts, err = tx.Cuts().List(ctx)
		return err
	})
	return rules, cuts, err
}

func days(keep time.Duration) string {
	switch {
	case keep == 0:
		return "ever"
	case keep%(24*time.Hour) != 0:
		return keep.String()
	}
	return fmt.Sprintf("%d days", keep/(24*time.Hour))
}
