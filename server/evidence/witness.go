// SPDX-License-Identifier: Apache-2.0

package evidence

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"landed/manifests/report"
	"landed/server/fleet"
)

// Witnesses loads what the witness handsets of a rollout's model say of its release. What they signed comes from signed.
func Witnesses(ctx context.Context, tx fleet.Tx, signed *Reader, r fleet.Rollout) (fleet.Witnesses, error) {
	sizes, err := tx.Statements().Sizes(ctx)
	if err != nil || sizes[r.Model] == 0 { // most models have none, and this is asked at each tick
		return fleet.Witnesses{}, err
	}
	s, err := signed.Open(ctx, tx)
	if err != nil {
		return fleet.Witnesses{}, err
	}
	return s.Witnesses(r)
}

// Witnesses is what the witness handsets of a rollout's model say of its release.
func (s *Snapshot) Witnesses(r fleet.Rollout) (fleet.Witnesses, error) {
	all, err := s.WitnessesOf(r)
	return all[r.ID], err
}

// WitnessesOf is that of many rollouts, by id; those of models without a witness are not in it, and cost nothing. What
// all witnesses say is read at once.
func (s *Snapshot) WitnessesOf(rollouts ...fleet.Rollout) (map[string]fleet.Witnesses, error) {
	vouched, refs := map[string]map[report.Reference]fleet.Witness{}, []report.Reference{}
	for _, r := range rollouts {
		if _, done := vouched[r.Model]; done || s.sizes[r.Model] == 0 {
			continue
		}
		of, err := s.vouchedFor(r.Model)
		if err != nil {
			return nil, err
		}
		vouched[r.Model] = of
		refs = slices.AppendSeq(refs, maps.Keys(of))
	}
	if len(refs) == 0 {
		return nil, nil
	}
	states, err := s.tx.Installations().Of(s.ctx, refs...)
	if err != nil {
		return nil, err
	}
	all := map[string]fleet.Witnesses{}
	for _, r := range rollouts {
		if len(vouched[r.Model]) == 0 {
			continue
		}
		if all[r.ID], err = s.saying(r, vouched[r.Model], states); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// vouchedFor are the handsets of a model that somebody vouches for, or did; who took that back is left out.
func (s *Snapshot) vouchedFor(device string) (map[report.Reference]fleet.Witness, error) {
	vouched, err := s.Vouched(device)
	of := map[report.Reference]fleet.Witness{}
	for _, v := range vouched {
		if v.Withdrawn != nil {
			continue
		}
		one := of[v.Installation]
		one.Ref, one.Vouched = v.Installation, append(one.Vouched, fleet.Span{From: v.From, Until: v.Until})
		of[v.Installation] = one
	}
	return of, err
}

// first is when the first report of a witness about a release came; zero where nothing depends on it.
func (s *Snapshot) first(w fleet.Witness, release string) (at time.Time, err error) {
	if !w.Leaked || slices.ContainsFunc(w.Vouched, func(span fleet.Span) bool { return span.Covers(w.Last) }) {
		return at, nil
	}
	all, err := s.tx.Reports().Arrived(s.ctx, w.Ref)
	if n := slices.IndexFunc(all, func(r fleet.StoredReport) bool { return r.Release == release }); n >= 0 {
		at = all[n].At
	}
	return at, err
}

// saying is what witnesses say of the release of a rollout, in the order of their references.
func (s *Snapshot) saying(
	r fleet.Rollout, of map[report.Reference]fleet.Witness, states map[report.Reference][]fleet.Installation,
) (w fleet.Witnesses, err error) {
	suspended, err := s.tx.Statements().Suspended(s.ctx, r.ID)
	if err != nil {
		return w, err
	}
	w.Started = r.Started
	for ref, one := range of {
		one.Suspended = slices.Contains(suspended, string(ref))
		for _, state := range states[ref] {
			if state.Release != r.Release || state.Model != r.Model {
				continue
			}
			// It is the same build on every channel: what is bad there is bad here.
			one.Kind, one.Leaked, one.Last = state.Kind, state.Leaked, state.Last
			one.Current = state.Current && state.Channel == r.Channel
			if one.First, err = s.first(one, r.Release); err != nil {
				return w, err
			}
		}
		w.All = append(w.All, one)
	}
	slices.SortFunc(w.All, func(a, b fleet.Witness) int { return cmp.Compare(a.Ref, b.Ref) })
	return w, nil
}
