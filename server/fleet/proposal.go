// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"time"
)

// Proposal is what one person wants done, and may not do alone.
type Proposal struct {
	ID        string // 16 hex digits
	Action    string // as in the audit trail: "rollout.resume" …
	Subject   string // such as the id of a rollout
	Arguments []byte // JSON that the action wrote, to be carried out as it stands
	Digest    string // SHA-256 of action, subject and arguments, in hex
	Revision  int64  // of the subject when it was proposed: it is void once that changed
	By        string // name of the token
	Reason    string
	At        time.Time
	Expires   time.Time
}

// Proposals keeps what waits for a second person. What was carried out, withdrawn or has expired is not kept: the audit
// trail tells of it.
type Proposals interface {
	Put(ctx context.Context, p Proposal) error                         // Conflict if the id is taken
	Get(ctx context.Context, id string) (Proposal, error)              // NotFound
	List(ctx context.Context) ([]Proposal, error)                      // oldest first
	OfSubject(ctx context.Context, subject string) ([]Proposal, error) // oldest first
	Remove(ctx context.Context, id string) error                       // NotFound
}
