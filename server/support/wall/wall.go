// SPDX-License-Identifier: Apache-2.0

// Package wall is the store as the public pages may read it where small numbers are not shown.
//
// Parties: a door that everybody may enter gets a viewer from Of, and no other. It promises that behind the wall there are what is
// published and signed, how rollouts stand, the numbers of package cells, and of installations one that is asked for by its
// reference; and that reasons come without the counts in them. It refuses figures, their copies, lists of installations, who
// counts, and what was made from what, however it is asked: that is a fault of the program, and ends the request.
package wall

import (
	"context"

	"landed/manifests/report"
	"landed/server/fleet"
)

// Of narrows a viewer to what everybody may see where nothing below a threshold is shown.
func Of(v fleet.Viewer, threshold int64) fleet.Viewer { return viewer{v, threshold} }

type viewer struct {
	of        fleet.Viewer
	threshold int64
}

// View implements fleet.Viewer.
func (v viewer) View(ctx context.Context, fn func(fleet.Tx) error) error {
	return v.of.View(ctx, func(tx fleet.Tx) error { return fn(narrow{of: tx, threshold: v.threshold}) })
}

// Refusal is the fault of a program that asks for what is not behind the wall.
type Refusal string

// Error says what was asked for.
func (r Refusal) Error() string {
	return "the public pages asked for " + string(r) + ", which they are not given"
}

// narrow is a transaction behind the wall: what it does not have is nil in fleet.Tx, and a fault of whoever asks for it.
type narrow struct {
	fleet.Tx
	of        fleet.Tx
	threshold int64
}

// What is published and signed is read as it is.
func (t narrow) Packages() fleet.Packages      { return t.of.Packages() }
func (t narrow) Releases() fleet.Releases      { return t.of.Releases() }
func (t narrow) Metadata() fleet.MetadataFiles { return t.of.Metadata() }
func (t narrow) Models() fleet.Models          { return t.of.Models() }
func (t narrow) Channels() fleet.Channels      { return t.of.Channels() }
func (t narrow) Holders() fleet.Holders        { return t.of.Holders() }
func (t narrow) Epochs() fleet.Epochs          { return t.of.Epochs() }
func (t narrow) Statements() fleet.Statements  { return t.of.Statements() }

// Changes are those of published metadata: each is asked for by its id.
func (t narrow) Changes() fleet.Changes { return changes{of: t.of.Changes()} }

// KnownIssues are the rules for single installations, and what is said to those.
func (t narrow) KnownIssues() fleet.KnownIssues { return known{of: t.of.KnownIssues()} }

// Rollouts are as they stand, without what they know of handsets.
func (t narrow) Rollouts() fleet.Rollouts { return rollouts{of: t.of.Rollouts()} }

// Audit is when what was done, without the reasons, which name counts.
func (t narrow) Audit() fleet.Audit { return audit{of: t.of.Audit()} }

// Installations and Reports are those of one reference.
func (t narrow) Installations() fleet.Installations { return installations{of: t.of.Installations()} }
func (t narrow) Reports() fleet.Reports             { return reports{of: t.of.Reports()} }

// PublicCells are the numbers for everybody.
func (t narrow) PublicCells() fleet.PublicCells {
	return publicCells{of: t.of.PublicCells(), threshold: t.threshold}
}

// Counts refuses.
func (t narrow) Counts() fleet.CountsTable { panic(Refusal("figures")) }

// History refuses.
func (t narrow) History() fleet.History { panic(Refusal("copies of figures")) }

// Admissions refuses.
func (t narrow) Admissions() fleet.Admissions { panic(Refusal("who counts")) }

// Quarantines refuses.
func (t narrow) Quarantines() fleet.Quarantines { panic(Refusal("what is left out")) }

// Outages refuses.
func (t narrow) Outages() fleet.Outages { panic(Refusal("outages")) }

type changes struct {
	fleet.Changes
	of fleet.Changes
}

// Get implements fleet.Changes.
func (c changes) Get(ctx context.Context, id string) (fleet.Change, error) { return c.of.Get(ctx, id) }

type known struct {
	fleet.KnownIssues
	of fleet.KnownIssues
}

// Standing implements fleet.KnownIssues.
func (k known) Standing(ctx context.Context, ended int) ([]fleet.KnownIssue, error) {
	return k.of.Standing(ctx, ended)
}

type publicCells struct {
	fleet.PublicCells
	of        fleet.PublicCells
	threshold int64
}

// Shown implements fleet.PublicCells; of two thresholds the higher one hides.
func (c publicCells) Shown(ctx context.Context, threshold int64) ([]fleet.PublicCell, error) {
	return c.of.Shown(ctx, max(threshold, c.threshold))
}

// Past implements fleet.PublicCells.
func (c publicCells) Past(ctx context.Context, threshold int64, model string) ([]fleet.PublicCell, error) {
	return c.of.Past(ctx, max(threshold, c.threshold), model)
}

type installations struct {
	fleet.Installations
	of fleet.Installations
}

// Get implements fleet.Installations.
func (i installations) Get(ctx context.Context, ref report.Reference) (fleet.Installation, error) {
	return i.of.Get(ctx, ref)
}

// Of implements fleet.Installations, of one reference.
func (i installations) Of(ctx context.Context, refs ...report.Reference) (map[report.Reference][]fleet.Installation, error) {
	if len(refs) > 1 {
		panic(Refusal("many installations"))
	}
	return i.of.Of(ctx, refs...)
}

type reports struct {
	fleet.Reports
	of fleet.Reports
}

// Get implements fleet.Reports.
func (r reports) Get(ctx context.Context, ref report.Reference, id string) (fleet.StoredReport, error) {
	return r.of.Get(ctx, ref, id)
}

// Page implements fleet.Reports.
func (r reports) Page(ctx context.Context, ref report.Reference, before, limit int) ([]fleet.StoredReport, int, error) {
	return r.of.Page(ctx, ref, before, limit)
}

// First implements fleet.Reports.
func (r reports) First(ctx context.Context, ref report.Reference) (fleet.StoredReport, error) {
	return r.of.First(ctx, ref)
}
