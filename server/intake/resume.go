// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"fmt"
	"slices"

	"landed/manifests/report"
	"landed/manifests/report/envelope"
	"landed/server/fleet"
)

// historyOf loads what is kept of an installation.
func historyOf(ctx context.Context, tx fleet.ReportsTx, ref report.Reference) (history, error) {
	all, err := historiesOf(ctx, tx, ref)
	if err != nil {
		return history{}, err
	}
	return all[0], nil
}

func historiesOf(ctx context.Context, tx fleet.ReportsTx, refs ...report.Reference) ([]history, error) {
	holding, err := tx.Cuts().Holding(ctx, refs...)
	if err != nil {
		return nil, err
	}
	all := make([]history, len(refs))
	for n, ref := range refs {
		all[n].ref = ref
		if all[n].rows, err = tx.Reports().Arrived(ctx, ref); err != nil {
			return nil, err
		}
		if one, ok := holding[ref]; ok {
			all[n].holds = &one
		}
	}
	return all, nil
}

// begin is an installation before the first report that is replayed: new, or as a cut settled it.
func (p replayer) begin(ctx context.Context, of history) (*handset, error) {
	h := &handset{loaded: &Loaded{Control: p.by}}
	if of.holds == nil {
		return h, nil
	}
	s, err := readSettled(of.holds.State)
	if err != nil {
		return nil, err
	}
	rows := upTo(of.rows, of.holds.UpTo)
	if len(rows) == 0 || len(s.states) == 0 || s.rows != rowsDigest(rows) {
		return nil, fmt.Errorf("its %d reports up to row %d are not those that cut %d settled", len(rows), of.holds.UpTo, of.holds.Cut)
	}
	first, err := p.open(rows[0].Envelope)
	if err != nil {
		return nil, fmt.Errorf("its first report, which stays: %w", err)
	}
	h.first, h.sequences, h.envelopes = first.Build, map[int64]bool{}, map[string][]byte{}
	for _, r := range rows {
		h.sequences[r.Seq] = true
	}
	h.lived = len(p.by.Admissions)
	if n := slices.IndexFunc(p.by.Admissions, func(a fleet.Admission) bool { return a.N > s.lived }); n >= 0 {
		h.lived = n
	}
	for _, one := range s.states {
		if err := p.hold(ctx, h, of.ref, rows, one); err != nil {
			return nil, err
		}
	}
	if h.current == nil {
		return nil, errSettled
	}
	h.reckon()
	return h, nil
}

// hold adds a state that a cut settled. Its newest report stays, and is judged again.
func (p replayer) hold(ctx context.Context, h *handset, ref report.Reference, rows []fleet.StoredReport, one held) error {
	n := slices.IndexFunc(rows, func(r fleet.StoredReport) bool { return r.N == one.newest })
	if n < 0 || rows[n].Dropped() {
		return fmt.Errorf("its newest report about %s, row %d, is gone, and stays whatever is dropped", one.Release, one.newest)
	}
	r, err := p.open(rows[n].Envelope)
	if err != nil {
		return err
	}
	rule, err := p.rules.Of(ctx, r.Release, r.Model)
	if err != nil {
		return err
	}
	is := one.Installation
	is.Ref, is.Newest = ref, r
	judge(&is, h.first, rule)
	s := &state{is: is}
	if h.states = append(h.states, s); is.Current {
		h.current, h.newest = s, Arrival{Envelope: rows[n].Envelope, Report: r, Ref: ref, Rule: rule}
	}
	return nil
}

// replayed has rows come in again upon h.
func (p replayer) replayed(ctx context.Context, h *handset, ref report.Reference, rows []fleet.StoredReport) error {
	for _, s := range rows {
		if s.Dropped() {
			return fmt.Errorf("its report in row %d was dropped, and no cut settled it", s.N)
		}
		r, err := p.open(s.Envelope)
		if err != nil {
			return err
		}
		standard, err := p.rules.Of(ctx, r.Release, r.Model)
		if err != nil {
			return err
		}
		h.again(s.At, Arrival{Envelope: s.Envelope, Report: r, Ref: ref, Rule: standard})
	}
	return nil
}

// open reads a stored report.
func (p replayer) open(text []byte) (report.Report, error) {
	if p.sealed {
		if parts, ok := envelope.Split(text); ok {
			return parts.Report()
		}
	}
	r, _, err := envelope.Open(text)
	return r, err
}
