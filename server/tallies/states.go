// SPDX-License-Identifier: Apache-2.0

package tallies

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	"landed/manifests/report"
	"landed/manifests/tally"
	"landed/server/fleet"
	"landed/server/recount"
)

// atOnce bounds how many installations are looked at together.
const atOnce = 500

// states goes through every installation: what it finds must be what the maintained figures say.
func (m *moment) states(ctx context.Context, tx fleet.Tx) error {
	counter, reports := recount.NewCounter(m.at, tally.Schema), int64(0)
	for after := report.Reference(""); ; {
		refs, err := tx.Installations().Refs(ctx, after, atOnce)
		if err != nil {
			return err
		}
		if len(refs) == 0 {
			break
		}
		after = refs[len(refs)-1]
		all, err := tx.Installations().Of(ctx, refs...)
		if err != nil {
			return err
		}
		var ids []fleet.ReportID
		for _, ref := range refs {
			for _, i := range all[ref] {
				ids = append(ids, newestOf(i))
			}
		}
		rows, err := tx.Reports().Stored(ctx, ids...)
		if err != nil {
			return err
		}
		for _, ref := range refs {
			for _, i := range all[ref] {
				if i.Current {
					reports += i.Reports
				}
				counter.Add(i)
				if err := m.place(i, rows[newestOf(i)]); err != nil {
					return err
				}
			}
		}
	}
	if n := slices.IndexFunc(m.heads, func(h tally.Head) bool { return h.Tree == string(fleet.TreeReports) }); n >= 0 &&
		m.heads[n].Size < reports {
		return errNotNow // other servers have stored reports that cannot be sealed yet
	}
	again := counter.Figures()
	m.figures.HearFigures(again)
	return m.borneOut(again)
}

func newestOf(i fleet.Installation) fleet.ReportID {
	return fleet.ReportID{Ref: i.Ref, Seq: i.Newest.Seq, ID: i.Newest.ID}
}

// place adds a state to what the tally commits to.
func (m *moment) place(i fleet.Installation, newest fleet.StoredReport) error {
	if newest.N == 0 {
		return fmt.Errorf("the newest report of installation %s about %s is not stored; run \"otad fsck\"", i.Ref, i.Release)
	}
	return m.book.state(recount.LeafOf(i, m.at, newestLeaf(newest)), i.Newest.Seq, i.Newest.ID)
}

// newestLeaf is the hash of the leaf of a report in the tree of the reports.
func newestLeaf(r fleet.StoredReport) []byte {
	sum := r.Sum
	if !r.Dropped() {
		of := sha256.Sum256(r.Envelope)
		sum = of[:]
	}
	return tally.ReportLeaf(r.N, fleet.Hour(r.At), sum)
}

// borneOut holds the maintained figures against those that were counted again.
func (m *moment) borneOut(again recount.Figures) error {
	have, err := recount.Cells(m.figures, m.releases.Readable, m.rollouts)
	if err != nil {
		return err
	}
	want, err := recount.Cells(again, m.releases.Readable, m.rollouts)
	if err == nil {
		err = recount.Differ(have, want)
	}
	if err == nil {
		err = recount.Differ(recount.Models(m.figures, m.releases.Readable, m.rollouts),
			recount.Models(again, m.releases.Readable, m.rollouts))
	}
	if err != nil {
		return fmt.Errorf("the figures do not follow from the installations; run \"otad fsck\": %w", err)
	}
	return nil
}
