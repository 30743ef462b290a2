// SPDX-License-Identifier: Apache-2.0

package proposals

import (
	"context"
	"errors"
	"fmt"
	"time"

	"landed/server/fleet"
)

// Second says who proposed w, if somebody did and the one who asks now is another person: then w may be done, in tx, and
// the proposal is gone with its commit. Else w is proposed, and the error is a *[Waiting]: tx is to be committed, so that
// the proposal is kept, and the error answered.
//
// Persons are told apart by their tokens. One that was made in the last day counts as its maker's, and that of nobody if
// its maker has none any more; the proposal of a token that was withdrawn since is void.
func (d *Desk) Second(ctx context.Context, tx fleet.Tx, w Wish) (first string, err error) {
	now := d.Now()
	arguments, sum, err := w.digest()
	if err != nil {
		return "", err
	}
	tokens, err := tokensOf(ctx, tx)
	if err != nil {
		return "", err
	}
	all, err := tx.Proposals().List(ctx)
	if err != nil {
		return "", err
	}
	approves, _ := ctx.Value(approving{}).(string)
	left := 0
	for _, p := range all {
		void := !now.Before(p.Expires) || p.Digest == sum && (p.Revision != w.Revision || !tokens.made(p))
		switch {
		case void && approves == "":
			if err := tx.Proposals().Remove(ctx, p.ID); err != nil {
				return "", err
			}
		case void || p.Digest != sum || approves != "" && approves != p.ID:
			left++
		case p.By == w.By && approves == "":
			return "", waiting(p) // she asked once more
		default:
			if err := tokens.differ(p.By, w.By, now); err != nil {
				return "", err
			}
			return p.By, tx.Proposals().Remove(ctx, p.ID)
		}
	}
	if approves != "" {
		return "", unknown(approves)
	}
	if left >= MaxOpen {
		return "", fleet.Errorf(fleet.Conflict, "proposals_many", "%d proposals wait for a second person already; have them approved or "+
			"withdrawn first", left)
	}
	return "", d.propose(ctx, tx, w, arguments, sum, now)
}

func (d *Desk) propose(ctx context.Context, tx fleet.Tx, w Wish, arguments []byte, sum string, now time.Time) error {
	id, err := d.id()
	if err != nil {
		return err
	}
	p := fleet.Proposal{ID: id, Action: w.Action, Subject: w.Subject, Arguments: arguments, Digest: sum, Revision: w.Revision,
		By: w.By, Reason: w.Reason, At: now, Expires: now.Add(Life)}
	if err := tx.Proposals().Put(ctx, p); err != nil {
		return err
	}
	if err := tx.Audit().Append(ctx, fleet.AuditEntry{At: now, Actor: w.By, Action: ActionPropose, Subject: w.Subject,
		Reason: fmt.Sprintf("%s, as %s: %s", w.Action, id, w.Reason)}); err != nil {
		return err
	}
	return waiting(p)
}

// Words are the reason of what two persons did, for the audit trail.
func Words(reason, first, second string) string {
	return fmt.Sprintf("%s (proposed by %s, approved by %s)", reason, first, second)
}

// Proposes says if err is a Waiting: then nothing but a proposal is to be committed.
func Proposes(err error) bool {
	_, is := errors.AsType[*Waiting](err)
	return is
}

// tokens are all that let anybody in, by name.
type tokens map[string]fleet.Token

func tokensOf(ctx context.Context, tx fleet.Tx) (tokens, error) {
	all, err := tx.Tokens().List(ctx)
	by := tokens{}
	for _, t := range all {
		by[t.Name] = t
	}
	return by, err
}

// made says if the token with which p was proposed still lets its owner in, and is not another one of its name.
func (t tokens) made(p fleet.Proposal) bool {
	token, ok := t[p.By]
	return ok && !token.At.After(p.At)
}

// differ says why two names are not those of two persons; nil if they are.
func (t tokens) differ(first, second string, now time.Time) error {
	a, b := t.person(first, now), t.person(second, now)
	switch {
	case first == second:
		return fleet.Errorf(fleet.Forbidden, "same_person", "%s proposed it herself; it takes a second person", first)
	case b == "" || a == "":
		return fleet.Errorf(fleet.Forbidden, "token_young", "the tokens of %s and %s are not known to be those of two persons: one of "+
			"them was made in the last day, by somebody who has none any more; it counts a day after it was made", first, second)
	case a == b:
		return fleet.Errorf(fleet.Forbidden, "token_young", "the tokens of %s and %s count as those of one person, %s, who made a token "+
			"in the last day; it counts by itself a day after it was made", first, second, a)
	}
	return nil
}

// person is whom a token counts as: whoever made it in the last day. "" if that is not known.
func (t tokens) person(name string, now time.Time) string {
	for range len(t) + 1 {
		token, ok := t[name]
		switch {
		case !ok:
			return ""
		case now.Sub(token.At) >= Young, token.By == Shell, token.By == "":
			return name
		}
		name = token.By
	}
	return "" // they made one another
}
