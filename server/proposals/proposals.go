// SPDX-License-Identifier: Apache-2.0

// Package proposals keeps what one person wants done until a second person wants it too.
//
// Parties: a room that must not do something by one person's word asks [Desk.Second] in the transaction in which it
// would do it, and tells the desk with [Desk.Carry] how it is done later; people propose by asking for the thing itself,
// approve by asking for the same or by the proposal's id, and withdraw.
//
// It promises that a proposal is carried out once at most, within a day, as it was proposed, and only while its subject
// is as it was then; that the two are two persons as far as tokens tell (see [Desk.Second]); and that the audit trail names
// both. It refuses to hold up what makes a fleet safer: nobody asks it before a halt. Who has a shell on the server, or
// two tokens that are older than a day, is two persons to it.
package proposals

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"landed/server/fleet"
)

// Policy says what takes a second person. The zero Policy asks for none.
type Policy struct {
	Leaks bool // to resume a rollout after a leak, or after a witness showed the opposite of what is promised
	// To start or widen a rollout above this share, in hundredths of a percent, or with stages that one person wrote;
	// 0: never.
	Share int
}

// Validate returns what is wrong.
func (p Policy) Validate() error {
	if p.Share < 0 || p.Share > 10_000 {
		return fmt.Errorf("the share above which a rollout takes a second person is %d; wanted 1 to 10000 hundredths of a percent, "+
			"or 0 for never", p.Share)
	}
	return nil
}

const (
	// Life is how long a proposal waits.
	Life = 24 * time.Hour
	// Young is how long a token counts as its maker's.
	Young = 24 * time.Hour
	// MaxOpen is how many proposals may wait.
	MaxOpen = 200
	// Shell is who made a token at the server itself; no token may be called so.
	Shell = "otad"
)

// The actions of the audit trail. Their subject is that of the proposal.
const (
	ActionPropose  = "proposal.make"
	ActionWithdraw = "proposal.withdraw"
)

// Wish is something that takes two persons.
type Wish struct {
	Action, Subject string
	Arguments       any   // JSON; two wishes with the same action, subject and arguments are the same
	Revision        int64 // of the subject now
	By, Reason      string
}

// Do carries out what p proposes, by the way on which it was asked for first: it asks Second again. by is who approves.
type Do func(ctx context.Context, p fleet.Proposal, by, reason string) error

// Desk is where proposals wait. It may be used by many goroutines.
type Desk struct {
	Store  fleet.Store
	Now    func() time.Time
	Random io.Reader // nil: crypto/rand

	mu sync.Mutex
	do map[string]Do
}

// Carry tells how an action is carried out.
func (d *Desk) Carry(action string, do Do) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.do == nil {
		d.do = map[string]Do{}
	}
	d.do[action] = do
}

// Waiting says that something is proposed, and waits for a second person. The transaction that met it is to be committed.
type Waiting struct {
	Proposal fleet.Proposal
	err      *fleet.Error
}

// Code is that of every Waiting.
const Code = "second_person"

func waiting(p fleet.Proposal) *Waiting {
	return &Waiting{p, fleet.Errorf(fleet.Proposed, Code, "nothing is done yet: %s of %s waits for a second person until %s "+
		"UTC. She asks for the same, or approves it: otactl approve %s", p.Action, p.Subject, p.Expires.UTC().Format(time.DateTime), p.ID)}
}

// Error gives the words.
func (w *Waiting) Error() string { return w.err.Error() }

// Unwrap gives the error that doors know.
func (w *Waiting) Unwrap() error { return w.err }

// Extend gives the proposal to programs.
func (w *Waiting) Extend() map[string]any { return map[string]any{"proposal": w.Proposal.ID} }

// approving is the key of the proposal that a context is about.
type approving struct{}

// Approve carries a proposal out as it was made, by the word of a second person. reason may be empty.
func (d *Desk) Approve(ctx context.Context, id, by, reason string) (p fleet.Proposal, err error) {
	if err := d.Store.View(ctx, func(tx fleet.Tx) (err error) {
		p, err = open(ctx, tx, id, d.Now())
		return err
	}); err != nil {
		return p, err
	}
	d.mu.Lock()
	do := d.do[p.Action]
	d.mu.Unlock()
	if do == nil {
		return p, fleet.Errorf(fleet.Conflict, "proposal_foreign", "another release of the server proposed %s, which this one does "+
			"not know; withdraw it", p.Action)
	}
	return p, do(context.WithValue(ctx, approving{}, id), p, by, cmp.Or(strings.TrimSpace(reason), p.Reason))
}

// Approves says if ctx is that of an approval: then Second is to be asked, or Idle is the answer, even if what was proposed
// would not take two persons any more.
func Approves(ctx context.Context) bool { return ctx.Value(approving{}) != nil }

// Idle is the answer to an approval that finds nothing left to do; nil if ctx is that of none.
func Idle(ctx context.Context) error {
	if id, is := ctx.Value(approving{}).(string); is {
		return unknown(id)
	}
	return nil
}

// open is a proposal that waits.
func open(ctx context.Context, tx fleet.Tx, id string, now time.Time) (fleet.Proposal, error) {
	p, err := tx.Proposals().Get(ctx, id)
	if err == nil && !now.Before(p.Expires) {
		return p, unknown(id)
	}
	return p, err
}

func unknown(id string) error {
	return fleet.Errorf(fleet.NotFound, "proposal_unknown", "the proposal %s waits no longer: it was carried out, withdrawn or "+
		"has expired, or its subject changed since", id)
}

// Withdraw takes a proposal back; anybody who may propose may.
func (d *Desk) Withdraw(ctx context.Context, id, by, reason string) error {
	if strings.TrimSpace(reason) == "" || len(reason) > 1000 || strings.ContainsAny(reason, "\r\n") {
		return fleet.Errorf(fleet.Invalid, "reason_missing", "say in one line why it is withdrawn; it is kept in the audit trail")
	}
	now := d.Now()
	return d.Store.Update(ctx, func(tx fleet.Tx) error {
		p, err := open(ctx, tx, id, now)
		if err != nil {
			return err
		}
		if err := tx.Proposals().Remove(ctx, id); err != nil {
			return err
		}
		return tx.Audit().Append(ctx, fleet.AuditEntry{At: now, Actor: by, Action: ActionWithdraw, Subject: p.Subject,
			Reason: fmt.Sprintf("%s, proposed by %s as %s: %s", p.Action, p.By, id, reason)})
	})
}

// Waits lists the proposals that wait now, oldest first; of a subject alone, unless it is "".
func Waits(ctx context.Context, tx fleet.Tx, subject string, now time.Time) (waits []fleet.Proposal, err error) {
	all, err := tx.Proposals().List(ctx)
	if subject != "" {
		all, err = tx.Proposals().OfSubject(ctx, subject)
	}
	for _, p := range all {
		if now.Before(p.Expires) {
			waits = append(waits, p)
		}
	}
	return waits, err
}

// digest is what two equal wishes share.
func (w Wish) digest() (arguments []byte, sum string, err error) {
	if arguments, err = json.Marshal(w.Arguments); err != nil {
		return nil, "", err
	}
	text, err := json.Marshal([]string{w.Action, w.Subject, string(arguments)})
	hash := sha256.Sum256(text)
	return arguments, hex.EncodeToString(hash[:]), err
}

func (d *Desk) id() (string, error) {
	raw, from := make([]byte, 8), d.Random
	if from == nil {
		from = rand.Reader
	}
	_, err := io.ReadFull(from, raw)
	return hex.EncodeToString(raw), err
}
