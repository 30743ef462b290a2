// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"time"

	"landed/manifests/report"
)

// Viewer reads in a read-only transaction. Of each half it sees one state, as of when fn read it first: whoever holds one
// half against the other reads control first, and may find more in the reports than control knows of yet.
type Viewer interface {
	View(ctx context.Context, fn func(Tx) error) error
}

// Store reads and writes. When Update, UpdateReports or Intake returns nil, what fn wrote is on disk; when it returns an
// error, nothing of it happened, unless the error is Busy and says that the answer was lost (database_unsure): then it may
// have. Each writes one half and may read the other; to write the other one is Forbidden (wrong_half).
// Neither waits for the other, and Update needs nothing of the reports unless fn reads them: whatever strangers do to
// these, a halt is stored. What changes both is two transactions, control first, so that what was decided is on record
// before anything follows from it; whoever is cut off between them does the second again.
type Store interface {
	Viewer
	Update(ctx context.Context, fn func(Tx) error) error        // writes ControlTx and Seals
	UpdateReports(ctx context.Context, fn func(Tx) error) error // writes ReportsTx, alone
	// Intake writes ReportsTx beside other calls of Intake, in this process and in others, where the engine can; where it
	// cannot they queue. Nobody else changes an installation that fn asked Installations.Of for until it ends, and fn puts
	// no other ones (Forbidden, not_asked); nor does it merge figures. fn may be run again from its start if somebody else
	// was first with a new installation: what it keeps outside of the transaction is of its last run.
	Intake(ctx context.Context, fn func(Tx) error) error
}

// Tx is one transaction over both halves of the store, of which at most one is written. It must not be used after fn
// returns. What reads reports that are missing or damaged gets an error of the kind Damaged.
type Tx interface {
	ControlTx
	ReportsTx
	Seals() Seals
}

// ControlTx is what people decide and sign: few rows that change seldom. It names no installation but the handsets of
// labs, for which their keepers vouch.
type ControlTx interface {
	Packages() Packages
	Releases() Releases
	Changes() Changes
	Metadata() MetadataFiles
	Rollouts() Rollouts
	Models() Models
	Channels() Channels
	Holders() Holders
	Admissions() Admissions
	Quarantines() Quarantines
	Statements() Statements
	Epochs() Epochs
	Retentions() Retentions
	KnownIssues() KnownIssues
	Audit() Audit
	Tokens() Tokens
	Proposals() Proposals
	Outages() Outages
	Leases() Leases
	Members() Members
	Tallies() Tallies
}

// ReportsTx is what handsets say and what it adds up to: many rows that change all the time. Of the other half it
// knows names alone.
type ReportsTx interface {
	Installations() Installations
	Reports() Reports
	Counts() CountsTable
	Provisional() Provisional
	Walks() Walks
	Cuts() Cuts
	History() History
	PublicCells() PublicCells
	TallyPieces() TallyPieces
}

// Packages keeps uploaded packages. A PackageRef without Model or Channel means the only package of those bytes;
// Conflict if there are several.
type Packages interface {
	// Put adds p. The same content for the same model and channel again is no error; Conflict if the same model,
	// variant, channel and build exist with other content.
	Put(ctx context.Context, p Package) error
	Get(ctx context.Context, ref PackageRef) (Package, error)       // NotFound
	BySHA256(ctx context.Context, sha256 string) ([]Package, error) // all with these bytes, by model and channel
	List(ctx context.Context) ([]Package, error)                    // newest first
	// Remove takes a package out. If no other one has its content, it notes that this is left over. It does not ask
	// who names it. A Put of the same content takes the note back. NotFound.
	Remove(ctx context.Context, ref PackageRef) error
	Leftovers(ctx context.Context) ([]string, error) // SHA-256 of contents that are still to be deleted, in order
	// the content is deleted; to forget what is not left over is a success
	Forget(ctx context.Context, sha256 string) error
	// Incoming notes that a content is about to get its name in the blob store, for ttl: until then nobody deletes it. Busy
	// (content_deleting) while somebody does.
	Incoming(ctx context.Context, sha256, note string, ttl time.Duration) error
	// Arrived takes a note back, in the transaction that names its content. Busy (upload_late) if it ran out meanwhile.
	Arrived(ctx context.Context, sha256, note string) error
	// Deleting says that a content is left over, and nobody but the caller deletes it or has it coming until ttl is over.
	Deleting(ctx context.Context, sha256 string, ttl time.Duration) (bool, error)
}

// Releases keeps releases by name.
type Releases interface {
	Create(ctx context.Context, r Release) error // Conflict if the name or the counter is taken
	Get(ctx context.Context, name string) (Release, error)
	Save(ctx context.Context, r Release, from ReleaseState) error // Conflict if it was not in from
	List(ctx context.Context) ([]Release, error)                  // newest first
	// Conflict if it was not in from; frees name and counter
	Delete(ctx context.Context, name string, from ReleaseState) error
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
	// Conflict if r.Revision is not the stored one; stores Revision+1
	Save(ctx context.Context, r Rollout) error
	List(ctx context.Context) ([]Rollout, error)                           // by release, model
	OfModel(ctx context.Context, model, channel string) ([]Rollout, error) // newest counter first; channel "" is every one
}

// Models keeps the devices that this server serves.
type Models interface {
	Put(ctx context.Context, m Model) error                        // adds m, or replaces the one of its device
	Get(ctx context.Context, device string) (Model, error)         // NotFound
	List(ctx context.Context) ([]Model, error)                     // by device, retired ones too
	Retire(ctx context.Context, device string, at time.Time) error // NotFound; of a retired one the first time stays
}

// Channels keeps the channels of this server.
type Channels interface {
	Put(ctx context.Context, c Channel) error                    // adds c, or replaces the one of its name
	Get(ctx context.Context, name string) (Channel, error)       // NotFound
	List(ctx context.Context) ([]Channel, error)                 // by name, retired ones too
	Retire(ctx context.Context, name string, at time.Time) error // NotFound; of a retired one the first time stays
}

// Holders keeps the names of the people who hold offline keys. Nothing follows from them: who may sign, metadata says.
type Holders interface {
	Put(ctx context.Context, names map[string]string) error // by key id; adds or replaces
	All(ctx context.Context) (map[string]string, error)     // by key id
}

// Admissions keeps the entries by which installations were admitted to the counted fleet. Nothing in it is changed.
type Admissions interface {
	Put(ctx context.Context, a Admission) error
	List(ctx context.Context) ([]Admission, error) // in their order
}

// Quarantines keeps the entries by which installations are out of the figures.
type Quarantines interface {
	Put(ctx context.Context, q Quarantine) error // adds q, or replaces the one of its id: what holds is lifted
	Get(ctx context.Context, id string) (Quarantine, error)
	List(ctx context.Context) ([]Quarantine, error) // oldest first, lifted ones too
	// Written lists their ids as they are on record: each when it was made, and again when it changed.
	Written(ctx context.Context) ([]string, error)
}

// Statements keeps what observers and witnesses signed. Nothing in it is changed or deleted.
type Statements interface {
	// Put adds one. The same again, also with another signature, is no error, and the first stays.
	Put(ctx context.Context, s Statement) error
	Get(ctx context.Context, id string) (Statement, error)          // NotFound
	OfModel(ctx context.Context, model string) ([]Statement, error) // as they came
	List(ctx context.Context) ([]Statement, error)                  // as they came
	Sizes(ctx context.Context) (map[string]int, error)              // how many there are, by model; none of a model without
	// Suspend overrules witnesses, by their references, for one rollout. One that is suspended already stays so.
	Suspend(ctx context.Context, rollout, by string, at time.Time, refs ...string) error
	Suspended(ctx context.Context, rollout string) ([]string, error) // in order
}

// Epochs keeps the evidence epoch of each model and channel.
type Epochs interface {
	// Put adds e, or replaces the one of its model and channel. Conflict (epoch_falls) if e.N is not larger than that.
	Put(ctx context.Context, e Epoch) error
	Of(ctx context.Context, model, channel string) (Epoch, error) // N 0 if nobody ever asked
	List(ctx context.Context) ([]Epoch, error)                    // by model, then channel
}

// Installations keeps what each installation has shown of each release.
type Installations interface {
	// Get returns the current state of an installation with its newest report, opened again from its envelope.
	Get(ctx context.Context, ref report.Reference) (Installation, error) // NotFound
	// Of returns every state of these installations, the current one first, without the bodies of reports: of Newest
	// only ID and Seq are there. Who is not known is not in the map.
	Of(ctx context.Context, refs ...report.Reference) (map[report.Reference][]Installation, error)
	// Put inserts or replaces states by Ref and Release. Of Newest only the ID is kept: the report itself must have
	// been appended to Reports. One state of an installation is current: who moves it on puts both.
	Put(ctx context.Context, states ...Installation) error
	// Alarming lists up to limit states of a release and model whose verdict is of the kind Bad, newest report
	// first, as Of does.
	Alarming(ctx context.Context, release, model string, limit int) ([]Installation, error)
	// Walk lists up to limit states of a release, current or not, in the order of their references, from the
	// first that follows after; each as Get does. No state is left when it lists none.
	Walk(ctx context.Context, release string, after report.Reference, limit int) ([]Installation, error)
	// Refs lists up to limit installations in the order of their references, from the first that follows after.
	Refs(ctx context.Context, after report.Reference, limit int) ([]report.Reference, error)
	// Muster says how many of each model and channel are of the counted fleet at a time, and may be. A model and a channel
	// that are not "" leave the others out. It reads every installation: it is for the start of a rollout, for people and
	// for what runs daily, and never within Update, for which halts wait.
	Muster(ctx context.Context, model, channel string, at time.Time) ([]Muster, error)
	// Heard says of the next limit installations, in the order of their references, how many were silent for how long at a time:
	// by release, model and channel, in that of their names. It goes on from last, which is "" when there are no more. All of them
	// are millions of rows that are read nowhere else: by one transaction for all of them, writers' logs would grow for a minute.
	Heard(ctx context.Context, at time.Time, after report.Reference, limit int) (some []HeardOf, last report.Reference, err error)
	// Covered is how many installations of a model, "" of any, were first heard of in [from, to), and how many of them
	// leaked or failed in a way that speaks against the update. It reads every installation: never within Update.
	Covered(ctx context.Context, model string, from, to time.Time) (n, bad int64, err error)
}

// ReportID names one report of one installation. Seq is its sequence number, 0 if only the id is known: the id of a
// version 1 report was its handset's choice, and may come back under another number.
type ReportID struct {
	Ref report.Reference
	Seq int64
	ID  string
}

// ReportSeq is one sequence number of one installation.
type ReportSeq struct {
	Ref report.Reference
	Seq int64
}

// Reports keeps every report ever acknowledged. Nothing in it is changed or deleted, but that bodies are dropped which a
// cut has closed: then StoredReport is what is left.
type Reports interface {
	// Append stores reports in their order; one whose id by its installation is there already under its number is left
	// out (a replay). added says how many were stored.
	Append(ctx context.Context, reports ...StoredReport) (added int, err error)
	Get(ctx context.Context, ref report.Reference, id string) (StoredReport, error) // NotFound
	// Stored returns those of ids that are stored, as they were asked for.
	Stored(ctx context.Context, ids ...ReportID) (map[ReportID]StoredReport, error)
	// Sequences returns those of seqs that a stored report carries.
	Sequences(ctx context.Context, seqs ...ReportSeq) (map[ReportSeq]bool, error)
	Of(ctx context.Context, ref report.Reference) ([]StoredReport, error) // by sequence, then as they came
	// Page returns, in the order of Of, the last limit of the first before reports of an installation; of all, if
	// before is 0 or more than there are. from is how many stand before the page.
	Page(ctx context.Context, ref report.Reference, before, limit int) (page []StoredReport, from int, err error)
	Arrived(ctx context.Context, ref report.Reference) ([]StoredReport, error) // as they came
	First(ctx context.Context, ref report.Reference) (StoredReport, error)     // that came first; NotFound
}

// CountsTable keeps the maintained figures. Those of a release count what was shown of it; totals count each
// installation once, by its current state. Lists are in the order of release, model and channel; what was never
// counted is not in them. Figures are those of no particular time: Figures.At tells what they are at one.
type CountsTable interface {
	// Move takes a state of an installation out of the cells of from and into those of to; nil means
	// that there was, or is, none. It is called in the transaction that puts to.
	Move(ctx context.Context, from, to *Installation) error
	Of(ctx context.Context, release, model, channel string) (Counts, error) // zeros if nothing was counted
	Total(ctx context.Context, model, channel string) (Counts, error)       // zeros if nothing was counted
	OfRelease(ctx context.Context, release string) ([]Counts, error)        // on every model and channel
	OfModel(ctx context.Context, model string) ([]Counts, error)            // of every release and channel, without totals
	Totals(ctx context.Context) ([]Counts, error)                           // of every model and channel
	// of every release, model and channel, without totals
	List(ctx context.Context) ([]Counts, error)
	// Uncounted is how many reports are stored of installations that are of no counted fleet, whatever they speak of.
	Uncounted(ctx context.Context) (int64, error)
	// Merge bounds how many figures by age there are: those of days and hours that are long past become one. It is to be
	// called from time to time, and writes once a day. A time before that of an earlier call, after a clock that was ahead,
	// has them counted again from the installations.
	Merge(ctx context.Context, now time.Time) error
}

// Walks keeps how far long walks over installations have come.
type Walks interface {
	At(ctx context.Context, name string) (report.Reference, error) // where it stopped, "" before the first
	Put(ctx context.Context, name string, after report.Reference) error
	End(ctx context.Context, name string) error // to end what was never begun is a success
}

// Audit is the append-only trail.
type Audit interface {
	Append(ctx context.Context, e AuditEntry) error
	List(ctx context.Context, before int64, limit int) ([]AuditEntry, error) // newest first; before 0 means from the end
	OfSubject(ctx context.Context, subject string, limit int) ([]AuditEntry, error)
	// Acts are the newest lines of a subject, "" of all, without those of ActionLook.
	Acts(ctx context.Context, subject string, limit int) ([]AuditEntry, error)
}

// Tokens keeps who may enter.
type Tokens interface {
	Put(ctx context.Context, t Token) error // Conflict if the name is taken
	ByHash(ctx context.Context, hash []byte) (Token, error)
	List(ctx context.Context) ([]Token, error)
	Delete(ctx context.Context, name string) error
}
