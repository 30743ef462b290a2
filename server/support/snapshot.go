// SPDX-License-Identifier: Apache-2.0

package support

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"landed/server/fleet"
	"landed/server/published"
)

// snapshot is all that the pages need of the published releases, read in one transaction.
type snapshot struct {
	releases []*issue                  // newest first
	of       map[string][]*issue       // by model, newest first
	cells    map[string][]fleet.Counts // by model: of each release and channel
	totals   map[string][]fleet.Counts // by model: of its fleet, by channel
	models   []string                  // devices that any release has, in the order of the catalogue
	retired  map[string]bool           // those of them that were given up
}

// issue is a published release with its words, and what became of it.
type issue struct {
	published.Release
	lex      lexicon
	models   []string // devices that it has a package or a rollout for, in the order of the catalogue
	rollouts []fleet.Rollout
}

func (s *Support) snapshot(ctx context.Context, tx fleet.Tx) (*snapshot, error) {
	releases, err := s.published.Load(ctx, tx)
	if err != nil {
		return nil, err
	}
	rollouts, err := tx.Rollouts().List(ctx)
	if err != nil {
		return nil, err
	}
	snap := &snapshot{of: map[string][]*issue{}, retired: map[string]bool{}}
	for _, r := range releases {
		is := &issue{Release: r, lex: s.lexiconOf(r)}
		for _, p := range r.Packages {
			is.models = append(is.models, p.Model)
		}
		for _, one := range rollouts {
			if one.Release == r.Name {
				is.models, is.rollouts = append(is.models, one.Model), append(is.rollouts, one)
			}
		}
		slices.Sort(is.models)
		is.models = slices.Compact(is.models)
		s.order(is.models)
		for _, m := range is.models {
			snap.of[m] = append(snap.of[m], is)
		}
		snap.releases = append(snap.releases, is)
	}
	if snap.cells, err = byModel(tx.Counts().List(ctx)); err != nil {
		return nil, err
	}
	if snap.totals, err = byModel(tx.Counts().Totals(ctx)); err != nil {
		return nil, err
	}
	return snap, s.lineUp(ctx, tx, snap)
}

// lineUp puts the models of all releases in order, and says which were given up.
func (s *Support) lineUp(ctx context.Context, tx fleet.Tx, snap *snapshot) error {
	retired, err := s.retired(ctx, tx)
	if err != nil {
		return err
	}
	for device := range snap.of {
		snap.models = append(snap.models, device)
		if snap.retired[device], err = retired(s.roleOf(device)); err != nil {
			return err
		}
	}
	s.order(snap.models)
	return nil
}

// newest is the release under which a model stands: the newest that was offered to it, so that publishing alone erases
// nothing that was shown; before any was, the newest that has it; nil if none has.
func (snap *snapshot) newest(device string) *issue {
	all := snap.of[device]
	for _, is := range all {
		if slices.ContainsFunc(is.rollouts, func(r fleet.Rollout) bool { return r.Model == device }) {
			return is
		}
	}
	if len(all) > 0 {
		return all[0]
	}
	return nil
}

func (snap *snapshot) release(name string) *issue {
	i := slices.IndexFunc(snap.releases, func(is *issue) bool { return is.Name == name })
	if i < 0 {
		return nil
	}
	return snap.releases[i]
}

// plain says that a release claims no effect.
func (snap *snapshot) plain(name string) bool {
	is := snap.release(name)
	return is == nil || !is.lex.claims()
}

// whole are the figures of a model under its newest release, with its whole fleet.
func (snap *snapshot) whole(is *issue, device string) Figures {
	c, before := underNewest(is.Name, snap.cells[device], snap.totals[device], snap.plain)
	f := is.lex.figures(c)
	f.Unmet, f.ProvenEarlier, f.OppositeEarlier = before.unmet, before.proven, before.opposite
	return f
}

// own are the figures of a release on a model: what was shown of it, by handsets that moved on too.
func (snap *snapshot) own(is *issue, device string) Figures {
	return is.lex.figures(snap.cellsOf(is, device)...)
}

func (snap *snapshot) cellsOf(is *issue, device string) (cells []fleet.Counts) {
	for _, c := range snap.cells[device] {
		if c.Release == is.Name {
			cells = append(cells, c)
		}
	}
	return cells
}

func byModel(all []fleet.Counts, err error) (map[string][]fleet.Counts, error) {
	found := map[string][]fleet.Counts{}
	for _, c := range all {
		found[c.Model] = append(found[c.Model], c)
	}
	return found, err
}

// order sorts devices as the catalogue lists them, strangers last and by name.
func (s *Support) order(devices []string) {
	const last = 1 << 16
	place := func(device string) int {
		if m, ok := s.device(device); ok {
			return m.place
		}
		return last
	}
	slices.SortFunc(devices, func(a, b string) int { return cmp.Or(place(a)-place(b), strings.Compare(a, b)) })
}

// pkg loads a package; it never changes, so it is kept.
func (s *Support) pkg(ctx context.Context, tx fleet.Tx, ref fleet.PackageRef) (fleet.Package, error) {
	if kept, ok := s.packages.Load(ref); ok {
		return kept.(fleet.Package), nil
	}
	p, err := tx.Packages().Get(ctx, ref)
	if err != nil {
		return fleet.Package{}, err
	}
	p.Findings = nil // large, and no concern of these pages
	s.packages.Store(ref, p)
	return p, nil
}
