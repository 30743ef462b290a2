// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"fmt"
	"time"
)

// KnownIssue is a rule that people wrote down: what is known of the installations that it is about, in their words. It is
// withdrawn, and never changed or deleted. Package server/known says which installations those are.
type KnownIssue struct {
	ID      int64        // from 1, in the order in which they were written: the first that explains an installation counts it
	Models  []string     // ro.product.device, in order; none: every model
	Release string       // "": any
	Subject KnownSubject // by what it finds installations
	Value   string       // of the subject: a report.Cause, a Class or a report.Progress
	Text    []KnownText  // by language; English is among them
	Link    string       // https, to where more is said; "": nowhere
	Since   time.Time    // the UTC day since when it is known
	Who     KnownWho     // who is to act
	By      string
	At      time.Time
	Reason  string // may be empty
	// Once it does not hold any more; zeros while it does.
	Ended       time.Time
	EndedBy     string
	EndedReason string
}

// KnownText is what is known, in one language.
type KnownText struct {
	Lang string `json:"lang"` // BCP 47
	Text string `json:"text"`
}

// KnownSubject is by what a known issue finds installations.
type KnownSubject string

// The subjects. The maintained figures have each of them by release and model, and no two of them together.
const (
	KnownCause    KnownSubject = "cause"    // what a failure is blamed on
	KnownProgress KnownSubject = "progress" // how far the update is
	KnownClass    KnownSubject = "class"    // the verdict
)

// KnownSubjects lists them all.
var KnownSubjects = []KnownSubject{KnownCause, KnownProgress, KnownClass}

// KnownWho is who is to act on a known issue.
type KnownWho string

// Those who may have to.
const (
	KnownOwner     KnownWho = "owner" // of the handset
	KnownService   KnownWho = "service"
	KnownEngineers KnownWho = "engineers"
	KnownNobody    KnownWho = "nobody"
)

// KnownWhos lists them all.
var KnownWhos = []KnownWho{KnownOwner, KnownService, KnownEngineers, KnownNobody}

// Holds says that it was not withdrawn.
func (k KnownIssue) Holds() bool { return k.Ended.IsZero() }

// Name is the subject of its lines of the audit trail.
func (k KnownIssue) Name() string { return fmt.Sprint("known-issue ", k.ID) }

// KnownIssues keeps what people wrote down as known.
type KnownIssues interface {
	Put(ctx context.Context, k KnownIssue) error           // adds k; of one that is there, only its end changes
	Get(ctx context.Context, id int64) (KnownIssue, error) // NotFound
	List(ctx context.Context) ([]KnownIssue, error)        // by id, withdrawn ones too
	// Standing are those that hold, and so many of those that were withdrawn last; by id.
	Standing(ctx context.Context, ended int) ([]KnownIssue, error)
	Next(ctx context.Context) (id int64, err error) // that no known issue ever had
}
