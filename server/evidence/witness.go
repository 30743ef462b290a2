// SPDX-License-Identifier: Apache-2.0

package evidence

import (
	"cmp"
	"context"
	"slices"

	"landed/manifests/report"
	"landed/server/fleet"
)

// Witnesses loads what the witness handsets of a rollout's model say of its release.
func Witnesses(ctx context.Context, tx fleet.Tx, r fleet.Rollout) (fleet.Witnesses, error) {
	sizes, err := tx.Statements().Sizes(ctx)
	if err != nil || sizes[r.Model] == 0 { // most models have none, and this is asked at each tick
		return fleet.Witnesses{}, err
	}
	s, err := new(Reader).Open(ctx, tx)
	if err != nil {
		return fleet.Witnesses{}, err
	}
	return s.Witnesses(r)
}

// Witnesses is what the witness handsets of a rollout's model say of its release.
func (s *Snapshot) Witnesses(r fleet.Rollout) (w fleet.Witnesses, err error) {
	if s.sizes[r.Model] == 0 {
		return w, nil
	}
	vouched, err := s.Vouched(r.Model)
	if err != nil {
		return w, err
	}
	of := map[report.Reference]fleet.Witness{}
	for _, v := range vouched {
		if v.Withdrawn != nil {
			continue
		}
		one := of[v.Installation]
		one.Ref, one.Vouched = v.Installation, append(one.Vouched, fleet.Span{From: v.From, Until: v.Until})
		of[v.Installation] = one
	}
	refs := make([]report.Reference, 0, len(of))
	for ref := range of {
		refs = append(refs, ref)
	}
	states, err := s.tx.Installations().Of(s.ctx, refs...)
	if err != nil {
		return w, err
	}
	suspended, err := s.tx.Statements().Suspended(s.ctx, r.ID)
	if err != nil {
		return w, err
	}
	for ref, one := range of {
		one.Suspended = slices.Contains(suspended, string(ref))
		for _, state := range states[ref] {
			if state.Release == r.Release && state.Model == r.Model && state.Channel == r.Channel {
				one.Kind, one.Leaked, one.Current, one.Last = state.Kind, state.Leaked, state.Current, state.Last
			}
		}
		w.All = append(w.All, one)
	}
	slices.SortFunc(w.All, func(a, b fleet.Witness) int { return cmp.Compare(a.Ref, b.Ref) })
	return w, nil
}
