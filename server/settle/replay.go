// SPDX-License-Identifier: Apache-2.0

package settle

import (
	"context"
	"fmt"
	"slices"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/manifests/report/envelope"
	"landed/server/fleet"
)

// Rules says what a published release is judged by on a model.
type Rules interface {
	Of(ctx context.Context, release, model string) (effect.Standard, error)
}

// Replayer has stored reports come in again.
type Replayer struct {
	Rules Rules
	By    Control
	// Sealed says that all rows are covered by a head: their signatures were verified when they came in, and fsck verifies
	// them, so they are not verified once more, which is most of what a replay costs.
	Sealed bool
}

// Begin is an installation before the first report that is replayed: new, or as a cut settled it.
func (p Replayer) Begin(ctx context.Context, of History) (*Handset, error) {
	h := &Handset{Loaded: &Loaded{Control: p.By}}
	if of.Holds == nil {
		return h, nil
	}
	s, err := ReadSettled(of.Holds.State)
	if err != nil {
		return nil, err
	}
	rows := UpTo(of.Rows, of.Holds.UpTo)
	if len(rows) == 0 || len(s.States) == 0 || s.Rows != RowsDigest(rows) {
		return nil, fmt.Errorf("its %d reports up to row %d are not those that cut %d settled", len(rows), of.Holds.UpTo, of.Holds.Cut)
	}
	first, err := p.Open(rows[0].Envelope)
	if err != nil {
		return nil, fmt.Errorf("its first report, which stays: %w", err)
	}
	h.First, h.sequences, h.envelopes = first.Build, map[int64]bool{}, map[string][]byte{}
	for _, r := range rows {
		h.sequences[r.Seq] = true
	}
	h.lived = len(p.By.Admissions)
	if n := slices.IndexFunc(p.By.Admissions, func(a fleet.Admission) bool { return a.N > s.lived }); n >= 0 {
		h.lived = n
	}
	for _, one := range s.States {
		if err := p.hold(ctx, h, of.Ref, rows, one); err != nil {
			return nil, err
		}
	}
	if h.Current == nil {
		return nil, ErrSettled
	}
	h.Reckon()
	return h, nil
}

// hold adds a state that a cut settled. Its newest report stays, and is judged again.
func (p Replayer) hold(ctx context.Context, h *Handset, ref report.Reference, rows []fleet.StoredReport, one held) error {
	n := slices.IndexFunc(rows, func(r fleet.StoredReport) bool { return r.N == one.newest })
	if n < 0 || rows[n].Dropped() {
		return fmt.Errorf("its newest report about %s, row %d, is gone, and stays whatever is dropped", one.Release, one.newest)
	}
	r, err := p.Open(rows[n].Envelope)
	if err != nil {
		return err
	}
	rule, err := p.Rules.Of(ctx, r.Release, r.Model)
	if err != nil {
		return err
	}
	is := one.Installation
	is.Ref, is.Newest = ref, r
	Judge(&is, h.First, rule)
	s := &State{Is: is}
	if h.States = append(h.States, s); is.Current {
		h.Current, h.Newest = s, Arrival{Envelope: rows[n].Envelope, Report: r, Ref: ref, Rule: rule}
	}
	return nil
}

// Replayed has rows come in again upon h.
func (p Replayer) Replayed(ctx context.Context, h *Handset, ref report.Reference, rows []fleet.StoredReport) error {
	for _, s := range rows {
		if s.Dropped() {
			return fmt.Errorf("its report in row %d was dropped, and no cut Settled it", s.N)
		}
		r, err := p.Open(s.Envelope)
		if err != nil {
			return err
		}
		standard, err := p.Rules.Of(ctx, r.Release, r.Model)
		if err != nil {
			return err
		}
		h.Again(s.At, Arrival{Envelope: s.Envelope, Report: r, Ref: ref, Rule: standard})
	}
	return nil
}

// Open reads a stored report.
func (p Replayer) Open(text []byte) (report.Report, error) {
	if p.Sealed {
		if parts, ok := envelope.Split(text); ok {
			return parts.Report()
		}
	}
	r, _, err := envelope.Open(text)
	return r, err
}
