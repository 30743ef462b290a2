// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"maps"

	"landed/server/cells"
	"landed/server/fleet"
)

// Fleet are the figures of all models together as the first page has them now, for who keeps copies of them.
func (s *Support) Fleet(ctx context.Context, tx fleet.Tx) (fleet.Counts, error) {
	snap, err := s.any.status.evidence.load(ctx, tx)
	if err != nil {
		return fleet.Counts{}, err
	}
	var models []Model
	for _, device := range snap.models {
		models = append(models, s.any.status.says.today(snap, device))
	}
	all := s.any.status.says.together(models)
	c := fleet.Counts{Figures: all.counts(), Counted: fleet.NewFigures(), Quarantined: fleet.NewFigures()}
	if all.carries != nil {
		c.Counted = all.carries.counts()
	}
	return c, nil
}

// Exact is how many installations of each model are of which kind, for who keeps the numbers for the public: those that carry
// what is said, under the release where the public sees the model stand.
func (s *Support) Exact(ctx context.Context, tx fleet.Tx) (all []cells.Exact, err error) {
	snap, err := s.any.status.evidence.load(ctx, tx)
	if err != nil {
		return nil, err
	}
	snap.public = &publicCells{}
	for _, device := range snap.models {
		m := s.any.status.says.today(snap, device)
		f := m.Carry()
		all = append(all, cells.Exact{Model: device, Release: m.Release, Kinds: f.Kinds, Opposite: f.Opposite > 0})
	}
	return all, nil
}

// counts are what f was made of. Who is silent is no part of it.
func (f Figures) counts() fleet.Figures {
	c := fleet.NewFigures()
	c.Installations, c.Lost = f.Installations, f.Lost
	maps.Copy(c.Verdicts, f.Verdicts)
	maps.Copy(c.Kinds, f.Kinds)
	maps.Copy(c.Progress, f.Progress)
	maps.Copy(c.Before, f.Before)
	maps.Copy(c.Causes, f.Causes)
	return c
}
