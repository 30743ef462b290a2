// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"time"

	"landed/manifests/report"
)

// ProvisionalReport is a report that is kept for now: of an installation that is of no counted fleet, when as many of
// those were stored as may be. It was opened when it came, and stands in no figure and no tree.
type ProvisionalReport struct {
	Slot     int64 // where it is kept, from 1
	Ref      report.Reference
	Seq      int64
	ID       string
	At       time.Time // when it came
	Envelope []byte    // DSSE, as signed
}

// Key names the report.
func (p ProvisionalReport) Key() ReportID { return ReportID{Ref: p.Ref, Seq: p.Seq, ID: p.ID} }

// Provisional keeps reports that may be let go of, in slots without a gap.
type Provisional interface {
	Size(ctx context.Context) (int64, error) // how many are kept: their slots are 1 to that
	// Of lists those of some installations, without envelopes.
	Of(ctx context.Context, refs ...report.Reference) ([]ProvisionalReport, error)
	// Put keeps a report in its slot, in the place of what is there. Conflict if it is kept in another slot.
	Put(ctx context.Context, p ProvisionalReport) error
	// Oldest lists up to limit from the first that follows after, as they came; of one moment, those of an installation by
	// their numbers.
	Oldest(ctx context.Context, after ProvisionalReport, limit int) ([]ProvisionalReport, error)
	// Take takes reports out, and says how many were there. The last ones fill their slots.
	Take(ctx context.Context, keys ...ReportID) (int64, error)
}
