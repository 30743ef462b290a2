// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"time"

	"landed/manifests/report"
)

// Viewer reads in one consistent, read-only transaction.
type Viewer interface {
	View(ctx context.Context, fn func(Tx) error) error
}

// Store reads and writes. When Update returns nil, what fn wrote is on disk; when it
// returns an error, nothing of it happened.
type Store interface {
	Viewer
	Update(ctx context.Context, fn func(Tx) error) error
}

// Tx is one transaction, noun by noun. It must not be used after fn returns.
type Tx interface {
	Packages() Packages
	Releases() Releases
	Changes() Changes
	Metadata() MetadataFiles
	Rollouts() Rollouts
	Installations() Installations
	Reports() Reports
	Counts() CountsTable
	Audit() Audit
	Tokens() Tokens
}

// Packages keeps uploaded packages.
type Packages interface {
	// Put adds p. The same content again is no error; Conflict if the same model, variant,
	// channel and build exist with other content.
	Put(ctx context.Context, p Package) error
	Get(ctx context.Context, sha256 string) (Package, error) // NotFound
	List(ctx context.Context) ([]Package, error)             // newest first
	// Remove takes a package out, and notes that its content is left over. It does not ask who
	// names it. A Put of the same content takes the note back. NotFound.
	Remove(ctx context.Context, sha256 string) error
	Leftovers(ctx context.Context) ([]string, error) // contents of removed packages that are still to be deleted, in order
	Forget(ctx context.Context, sha256 string) error // the content is deleted; to forget what is not left over is a success
}

// Releases keeps releases by name.
type Releases interface {
	Create(ctx context.Context, r Release) error // Conflict if the name or the counter is taken
	Get(ctx context.Context, name string) (Release, error)
	Save(ctx context.Context, r Release, from ReleaseState) error     // Conflict if it was not in from
	List(ctx context.Context) ([]Release, error)                      // newest first
	Delete(ctx context.Context, name string, from ReleaseState) error // Conflict if it was not in from; frees name and counter
}

// Changes keeps staged metadata.
type Changes interface {
	Create(ctx context.Context, c Change) error
	Get(ctx context.Context, id string) (Change, error)
	Save(ctx context.Context, c Change, from ChangeState) error // Conflict if it was not in from
	Open(ctx context.Context) ([]Change, error)                 // those that wait for signatures, oldest first
	Dropped(ctx context.Context) ([]Change, error)              // those that were given up, oldest first
}

// MetadataFiles keeps published metadata: every version ever served, as signed.
type MetadataFiles interface {
	// Put adds one file. Conflict if that version of the role exists with other bytes:
	// versions are never reused.
	Put(ctx context.Context, m Metadata) error
	Get(ctx context.Context, role string, version int64) (Metadata, error)
	Latest(ctx context.Context, role string) (Metadata, error) // NotFound
	LatestAll(ctx context.Context) ([]Metadata, error)         // newest version of each role
	All(ctx context.Context, role string) ([]Metadata, error)  // every version, oldest first
}

// Rollouts keeps rollouts.
type Rollouts interface {
	Create(ctx context.Context, r Rollout) error // Conflict if the id exists
	Get(ctx context.Context, id string) (Rollout, error)
	Save(ctx context.Context, r Rollout) error                             // Conflict if r.Revision is not the stored one; stores Revision+1
	List(ctx context.Context) ([]Rollout, error)                           // by release, model
	OfModel(ctx context.Context, model, channel string) ([]Rollout, error) // newest counter first
}

// Installations keeps the newest state of each installation.
type Installations interface {
	// Get returns an installation with its newest report, opened again from its envelope.
	Get(ctx context.Context, ref report.Reference) (Installation, error) // NotFound
	// State is Get without the body of the newest report (Newest holds its ID and Seq
	// alone): what intake needs for every report, at a third of the cost.
	State(ctx context.Context, ref report.Reference) (Installation, error) // NotFound
	// Put inserts or replaces. Of Newest only the ID is kept: the report itself must have
	// been appended to Reports.
	Put(ctx context.Context, i Installation) error
	// Silent goes on where it stopped, in the order in which reports came, past at most
	// limit reports that came before the given time. It lists the installations that have
	// not reported since and still wait for the patch (verdict Unpatched). What it listed
	// it will not list again once the transaction is committed. more says that reports
	// from before that time are left. It must be called in an Update.
	Silent(ctx context.Context, before time.Time, limit int) (silent []Installation, more bool, err error)
	// Alarming lists up to limit installations of a release and model whose verdict is Leak
	// or Contradictory, newest report first, as State does.
	Alarming(ctx context.Context, release, model string, limit int) ([]Installation, error)
}

// Reports keeps every report ever acknowledged. Nothing in it is changed or deleted.
type Reports interface {
	// Append stores r; added is false if a report with this id by this installation is
	// there already (a replay).
	Append(ctx context.Context, r StoredReport) (added bool, err error)
	Get(ctx context.Context, ref report.Reference, id string) (StoredReport, error) // NotFound
	// HasSeq says if a report with this sequence number is stored.
	HasSeq(ctx context.Context, ref report.Reference, seq int64) (bool, error)
	Of(ctx context.Context, ref report.Reference) ([]StoredReport, error) // by sequence, then as they came
}

// CountsTable keeps the maintained figures.
type CountsTable interface {
	// Move takes an installation out of the cells of from and into those of to; nil means
	// that there was, or is, none. It is called in the transaction that saves to.
	Move(ctx context.Context, from, to *Installation) error
	Of(ctx context.Context, release, model, channel string) (Counts, error) // zeros if nothing was counted
	List(ctx context.Context) ([]Counts, error)
}

// Audit is the append-only trail.
type Audit interface {
	Append(ctx context.Context, e AuditEntry) error
	List(ctx context.Context, before int64, limit int) ([]AuditEntry, error) // newest first; before 0 means from the end
	OfSubject(ctx context.Context, subject string, limit int) ([]AuditEntry, error)
}

// Tokens keeps who may enter.
type Tokens interface {
	Put(ctx context.Context, t Token) error // Conflict if the name is taken
	ByHash(ctx context.Context, hash []byte) (Token, error)
	List(ctx context.Context) ([]Token, error)
	Delete(ctx context.Context, name string) error
}
