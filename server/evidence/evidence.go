// SPDX-License-Identifier: Apache-2.0

// Package evidence takes in what observers and witnesses sign, and reads what it adds up to.
//
// Parties. Whoever holds an engineer's token hands a statement in: what counts is who signed it, and the token only keeps
// strangers from filling the store. Pages and the interface of release engineers read what observers found of a build;
// package grounds reads what the witnesses of a model say of a rollout.
//
// Promises. Whose statements count, the published top-level targets says, at the time of reading: when a key leaves its
// role, what it signed counts no more, and when it comes back, it does again. A statement is kept as it was signed, with
// a line of the audit trail, and nothing is ever changed or deleted. It may be handed in again.
//
// Refusals. A signature by nobody whom the feed names for it, a build that was not published for the model, a test or a
// voucher of the future, and the withdrawal of what is not known here or was signed by others.
package evidence

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"landed/manifests"
	"landed/manifests/evidence"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/published"
)

// Room takes statements in.
type Room struct {
	Store fleet.Store
	Now   func() time.Time
}

// The actions in the audit trail.
const (
	ActionAdd      = "evidence.add"
	ActionVouch    = "witness.vouch"
	ActionWithdraw = "evidence.withdraw"
	ActionRevoke   = "witness.revoke"
)

// ahead is how far the clock of whoever signs may be before that of this server.
const ahead = time.Hour

// Add checks an envelope and keeps it. One that is here already is no error: added says if it is new.
func (r *Room) Add(ctx context.Context, envelope []byte, by string) (stored fleet.Statement, added bool, err error) {
	s, err := evidence.Parse(envelope)
	if err != nil {
		return stored, false, &fleet.Error{Kind: fleet.Invalid, Code: "statement", Msg: fleet.InOneLine(err)}
	}
	err = r.Store.Update(ctx, func(tx fleet.Tx) error {
		a := adding{ctx: ctx, tx: tx, s: s, now: r.Now()}
		stored = fleet.Statement{ID: s.ID, Signer: s.Signer, Envelope: envelope, By: by, At: a.now}
		action, why, err := a.check(&stored)
		if err != nil {
			return err
		}
		before, err := tx.Statements().Get(ctx, s.ID)
		if err == nil {
			stored = before
			return nil
		}
		if !fleet.Is(err, fleet.NotFound) {
			return err
		}
		added = true
		return errors.Join(tx.Statements().Put(ctx, stored), tx.Audit().Append(ctx, fleet.AuditEntry{At: a.now, Actor: by,
			Action: action, Subject: stored.Model, Reason: why}))
	})
	return stored, added && err == nil, err
}

// adding is one statement that is looked at.
type adding struct {
	ctx     context.Context
	tx      fleet.Tx
	s       evidence.Statement
	now     time.Time
	targets tufrepo.Info
}

// check fills in what the statement is about, and says how it is called in the audit trail, and why it was made.
func (a *adding) check(into *fleet.Statement) (action, why string, err error) {
	if a.targets, err = targets(a.ctx, a.tx); err != nil {
		return "", "", err
	}
	if s := a.s; s.At().After(a.now.Add(ahead)) && s.Voucher == nil {
		return "", "", fleet.Errorf(fleet.Invalid, "statement_early", "the statement is of %s UTC, and it is %s here; look at the "+
			"clock of whoever signed it", s.At().Format(time.DateTime), a.now.UTC().Format(time.DateTime))
	}
	switch s := a.s; {
	case s.Observation != nil:
		o := s.Observation
		into.Kind, into.Model, into.Subject = fleet.StatementObservation, o.Model, o.Build
		why = fmt.Sprintf("%s %s, release %s, statement %s", o.Kind, o.Verdict, o.Release, s.ID)
		return ActionAdd, why, a.observation(*o)
	case s.Voucher != nil:
		v := s.Voucher
		into.Kind, into.Model, into.Subject = fleet.StatementVoucher, v.Model, string(v.Installation)
		why = fmt.Sprintf("%s until %s, statement %s", v.Installation, v.Until.Format(time.DateOnly), s.ID)
		return ActionVouch, why, a.voucher(*v)
	default:
		w := s.Withdrawal
		into.Kind, into.Subject = fleet.StatementWithdrawal, w.Statement
		earlier, err := a.tx.Statements().Get(a.ctx, w.Statement)
		if err != nil {
			return "", "", err
		}
		into.Model = earlier.Model
		action = ActionWithdraw
		if earlier.Kind == fleet.StatementVoucher {
			action = ActionRevoke
		}
		return action, fmt.Sprintf("statement %s: %s", w.Statement, w.Reason), a.withdrawal(earlier)
	}
}

func (a *adding) observation(o evidence.Observation) error {
	if err := a.signedIn(tufrepo.Observers, a.targets.OutsidersOf(tufrepo.Observers).Keys); err != nil {
		return err
	}
	all, err := published.Load(a.ctx, a.tx)
	if err != nil {
		return err
	}
	for _, r := range all.Known() {
		if r.Name == o.Release && slices.ContainsFunc(r.Packages, func(p fleet.Package) bool {
			return p.Model == o.Model && p.SHA256 == o.Package && p.Build.Fingerprint == o.Build
		}) {
			return nil
		}
	}
	return fleet.Errorf(fleet.Invalid, "build_unknown", "no published release %s has, for %s, the package with SHA-256 %.12s… "+
		"and the build %s; look again at what was installed", o.Release, o.Model, o.Package, o.Build)
}

func (a *adding) voucher(v evidence.Voucher) error {
	if err := a.signedIn("witnesses of "+v.Model, a.targets.WitnessesFor(roleOf(v.Model))); err != nil {
		return err
	}
	if !a.now.Before(v.Until) || v.From.After(a.now.Add(ahead)) {
		return fleet.Errorf(fleet.Invalid, "voucher_time", "the voucher holds from %s until %s UTC, and it is %s here",
			v.From.Format(time.DateTime), v.Until.Format(time.DateTime), a.now.UTC().Format(time.DateTime))
	}
	return nil
}

// withdrawal lets an observation be taken back by who signed it, and a voucher by any witness's key of its model.
func (a *adding) withdrawal(earlier fleet.Statement) error {
	switch earlier.Kind {
	case fleet.StatementVoucher:
		return a.signedIn("witnesses of "+earlier.Model, a.targets.WitnessesFor(roleOf(earlier.Model)))
	case fleet.StatementObservation:
		if err := a.signedIn(tufrepo.Observers, a.targets.OutsidersOf(tufrepo.Observers).Keys); err != nil {
			return err
		}
		if a.s.Signer == earlier.Signer {
			return nil
		}
		return fleet.Errorf(fleet.Forbidden, "other_signer", "statement %.12s… was signed by key %.8s; only with that can it be "+
			"taken back", earlier.ID, earlier.Signer)
	}
	return fleet.Errorf(fleet.Invalid, "withdrawn", "statement %.12s… takes another one back; that cannot be undone. Sign what "+
		"holds now", earlier.ID)
}

// signedIn wants the statement to be signed by one of the keys of a role.
func (a *adding) signedIn(role string, keys []tufrepo.Key) error {
	if a.s.SignedBy(keys) {
		return nil
	}
	names, err := a.tx.Holders().All(a.ctx)
	if err != nil {
		return err
	}
	var ids []string
	for _, k := range keys {
		ids = append(ids, k.ID())
	}
	if slices.Contains(ids, a.s.Signer) {
		return fleet.Errorf(fleet.Invalid, "signature", "the signature is not by key %.8s, which the statement names; the file was "+
			"changed on its way", a.s.Signer)
	}
	who := "there is nobody: no key stands there yet (otasign rotate --role observers, or witnesses)"
	if len(ids) > 0 {
		who = "they are " + strings.Join(tufrepo.People(names, ids), ", ")
	}
	return fleet.Errorf(fleet.Forbidden, "not_listed", "key %.8s is not one of the %s in the published targets; %s", a.s.Signer,
		role, who)
}

// targets are the top-level ones that are published; zero before the first.
func targets(ctx context.Context, tx fleet.Tx) (tufrepo.Info, error) {
	m, err := tx.Metadata().Latest(ctx, tufrepo.Targets)
	if fleet.Is(err, fleet.NotFound) {
		return tufrepo.Info{}, nil
	}
	if err != nil {
		return tufrepo.Info{}, err
	}
	info, err := tufrepo.Read(m.Bytes)
	if err != nil {
		return info, fmt.Errorf("published targets: %w", err)
	}
	return info, nil
}

func roleOf(device string) string { return manifests.Model{Device: device}.Role() }
