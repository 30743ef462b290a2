// SPDX-License-Identifier: Apache-2.0

// Package release takes a release from the engineer's draft to the feed.
//
// Parties: release engineers write and stage; offline signers receive a request and send back
// signatures; package repo publishes. It promises that all faults come at once, that a change is
// published when every role of it has its threshold, and at once, and that a version which people
// were asked to sign is never used for other content. It refuses to count one key twice, a change
// that would take back what was published since, and to give up what is published.
package release

import (
	"context"
	"io"
	"time"

	"landed/server/blob"
	"landed/server/fleet"
	"landed/server/lineup"
	"landed/server/repo"
)

// Config is what Releases are given. All fields are needed.
type Config struct {
	Store  fleet.Store
	Blobs  blob.Store // packages, which csigs are held against
	Repo   *repo.Repo
	Lineup *lineup.Lineup
	Life   time.Duration // of a model role when it is staged for signing
	Random io.Reader     // for the ids of changes
	Base   string        // address of the server as phones reach it, for those of other updaters; "" if it was not told
}

// Releases takes releases in and has them signed. Its methods may be called from any number of
// goroutines.
type Releases struct{ cfg Config }

// New makes the room.
func New(c Config) *Releases { return &Releases{c} }

func (rs *Releases) audit(ctx context.Context, tx fleet.Tx, actor, action, subject, reason string) error {
	return tx.Audit().Append(ctx, fleet.AuditEntry{At: rs.cfg.Repo.Now(), Actor: actor, Action: action,
		Subject: subject, Reason: reason})
}
