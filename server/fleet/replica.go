// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"time"
)

// Lease is the right to do alone what only one replica may do at a time. It ends when it runs out, by the clock of the
// database, or is given back.
type Lease struct {
	Name   string
	Holder string    // the id of a member; "" if nobody has it
	Token  int64     // grows each time the lease is taken by another, or taken again
	Until  time.Time // by the clock of the database
}

// LeaseLost is the code of what was refused because its lease was taken by another.
const LeaseLost = "lease_lost"

// Leases keeps who holds which lease. Nobody compares clocks: what has run out is decided in the database, by its own.
type Leases interface {
	// Take gives a lease to holder for ttl, or gives it longer if it is holder's already; ok is false while it is
	// another's. One whose end lies further ahead than ttl was given under a clock that was ahead, and has run out.
	Take(ctx context.Context, name, holder string, ttl time.Duration) (l Lease, ok bool, err error)
	GiveBack(ctx context.Context, l Lease) error // to give back what another has is a success
	// Check is Busy (lease_lost) unless l is still its holder's, under the same token. That it ran out is no fault: nobody
	// took it. In a transaction that writes, nobody takes it before that is committed.
	Check(ctx context.Context, l Lease) error
	List(ctx context.Context) ([]Lease, error) // by name; those that were given back too
}

// Member is a replica: one of several servers on one database.
type Member struct {
	ID       string    // drawn at its start
	Program  string    // version of the program
	Protocol int64     // of what replicas agree on, as [Protocol]
	Joined   time.Time // by the clock of the database, as Until
	Until    time.Time
	Beats    int64 // how often it was heard of
	Prepared int64 // version of the timestamp whose files it has
	Served   int64 // version of the timestamp that it serves
	Highest  int64 // the highest version that it ever had
	Live     bool  // a publication waits for it; only read
}

// Protocol is the number of what replicas agree on. One who speaks another does not become a member beside this one.
const Protocol = 1

// MayReturn is for how long a server that is not heard of may come back without starting anew, and with that in the program
// that it ran. So long at least it is among the members.
const MayReturn = 24 * time.Hour

// Feed is how far the feed of the whole cluster is.
type Feed struct {
	Stored   int64 // version of the newest timestamp that is stored; 0 before the first
	Released int64 // version of the newest that may be served
	Changes  int64 // number of the newest line of the audit trail
}

// Members keeps the replicas, and which version of the feed all of them may serve.
type Members interface {
	// Beat stores m, live for ttl from now on; not live with a ttl of 0. Joined stays, Beats grows, Highest never falls.
	Beat(ctx context.Context, m Member, ttl time.Duration) error
	// Get is one by its id, NotFound if nobody knows it.
	Get(ctx context.Context, id string) (Member, error)
	List(ctx context.Context) ([]Member, error) // by id, with those that are not live
	// Forget lets go of those that were not heard of for so long and have seen nothing above a version.
	Forget(ctx context.Context, silent time.Duration, version int64) error
	// Release lets every replica serve a version of the timestamp. It never goes back, unless what is stored did.
	Release(ctx context.Context, version int64) error
	// Feed tells how far the feed is. Of a database where nobody released anything all that is stored is released.
	Feed(ctx context.Context) (Feed, error)
}
