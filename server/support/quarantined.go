// SPDX-License-Identifier: Apache-2.0

package support

import (
	"slices"
	"time"

	"landed/server/fleet"
)

// Quarantined are the figures of installations that are left out of all others, by when they were first heard of. Zeros
// where nothing is left out.
type Quarantined struct {
	Counted
	// From the first time that they were first heard of, and before the last one; missing if nothing is left out.
	From *time.Time `json:"from,omitempty"`
	To   *time.Time `json:"to,omitempty"`
}

// ProvenWith is what Proven would be with them.
func (f Figures) ProvenWith() int64 { return f.Proven + f.Quarantined.Proven }

// JudgedWith is what Judged would be with them.
func (f Figures) JudgedWith() int64 { return f.Judged + f.Quarantined.Judged }

// InstallationsWith is what Installations would be with them.
func (f Figures) InstallationsWith() int64 { return f.Installations + f.Quarantined.Installations }

// leaving gives f what is left out of it: by are their figures, and all the quarantines of their models.
func (f Figures) leaving(by Figures, all []fleet.Quarantine) Figures {
	f.Quarantined = Quarantined{Counted: figuresOf(by)}
	f.Quarantined.ProvenInterval = nil // a flood is no sample
	for _, q := range all {
		f.Quarantined.from(q.From.UTC(), q.Until().UTC())
	}
	return f
}

// from widens the time to another one.
func (q *Quarantined) from(from, to time.Time) {
	if q.From == nil || from.Before(*q.From) {
		q.From = &from
	}
	if q.To == nil || to.After(*q.To) {
		q.To = &to
	}
}

// and adds what is left out of another model.
func (q *Quarantined) and(other Quarantined) {
	if other.From != nil && other.To != nil {
		q.from(*other.From, *other.To)
	}
	q.Installations += other.Installations
	q.Unmet += other.Unmet
	q.Running += other.Running
	q.Failed += other.Failed
	q.Lost += other.Lost
	q.Judged += other.Judged
	q.Proven += other.Proven
	q.Opposite += other.Opposite
}

// quarantinesOn are those that hold for a model.
func (snap *snapshot) quarantinesOn(device string) (all []fleet.Quarantine) {
	for _, q := range snap.quarantines {
		if q.Lifted.IsZero() && (q.Model == "" || q.Model == device) {
			all = append(all, q)
		}
	}
	return all
}

// anyQuarantined says if anybody is left out of any of cells.
func anyQuarantined(cells []fleet.Counts) bool {
	return slices.ContainsFunc(cells, func(c fleet.Counts) bool { return c.Quarantined.Installations > 0 })
}

// quarantined are cells of those alone that are left out.
func quarantined(cells []fleet.Counts) (all []fleet.Counts) {
	for _, c := range cells {
		all = append(all, fleet.Counts{Release: c.Release, Model: c.Model, Channel: c.Channel, Figures: c.Quarantined})
	}
	return all
}
