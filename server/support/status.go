// SPDX-License-Identifier: Apache-2.0

package support

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"landed/manifests"
	"landed/server/fleet"
)

// Status is the newest release on every model: the page / and /status.json.
type Status struct {
	Schema   int      `json:"schema"` // 1
	Release  *Release `json:"release"`
	Headline string   `json:"headline"` // one or two sentences in plain words, computed from the figures
	Models   []Model  `json:"models"`   // in the order of the catalogue
	Totals   Figures  `json:"totals"`

	Asked asked `json:"-"` // which of the models the page lists
	data  headlineData
}

// Release is what the page says of a release.
type Release struct {
	Name    string    `json:"name"`
	Counter int64     `json:"counter"`
	Effect  string    `json:"effect"`
	At      time.Time `json:"at"` // when it was made
}

// Model is a release on one model.
type Model struct {
	Model    string   `json:"model"`   // ro.product.device
	Role     string   `json:"role"`    // as in the paths
	Product  string   `json:"product"` // the name on the box
	Numbers  []string `json:"numbers"` // model numbers, as on its label
	Standing Standing `json:"standing"`
	Say      string   `json:"say"` // what a support person can say
	Figures
	Rollouts []Rollout `json:"rollouts"`
}

// snapshot is all that the pages need of one release, read in one transaction.
type snapshot struct {
	release  fleet.Release
	source   manifests.Release
	cells    []fleet.Counts  // of this release
	rollouts []fleet.Rollout // of this release
	models   []string        // devices it goes to, in the order of the catalogue
	retired  map[string]bool // those of them that were given up
}

func (s *Support) status(r *http.Request) (view, error) {
	var snap *snapshot
	err := s.view.View(r.Context(), func(tx fleet.Tx) (err error) {
		snap, err = s.newest(r.Context(), tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	v := &Status{Schema: 1, Models: []Model{}, Totals: figures(), Asked: askedOf(r.URL.Query())}
	if snap == nil {
		v.Headline, v.data.first = s.words.Say("headline.no_release", nil), s.words.Say("headline.no_release", nil)
		return v, nil
	}
	v.Release = releaseView(snap)
	v.Totals = figures(snap.cells...)
	for _, device := range snap.models {
		v.Models = append(v.Models, s.modelView(snap, device))
	}
	v.data = headline(v)
	v.data.first = s.words.Say(v.data.key(), v.data)
	v.Headline = v.data.first
	if v.data.NotShown > 0 {
		v.Headline += " " + s.words.Say("headline.not_shown", v.data)
	}
	return v, nil
}

// newest loads the newest published release, or nil before the first.
func (s *Support) newest(ctx context.Context, tx fleet.Tx) (*snapshot, error) {
	releases, err := tx.Releases().List(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(releases, func(r fleet.Release) bool { return r.State == fleet.ReleasePublished })
	if i < 0 {
		return nil, nil
	}
	return s.snapshot(ctx, tx, releases[i])
}

func (s *Support) snapshot(ctx context.Context, tx fleet.Tx, release fleet.Release) (*snapshot, error) {
	source, err := s.source(release)
	if err != nil {
		return nil, err
	}
	cells, err := tx.Counts().List(ctx)
	if err != nil {
		return nil, err
	}
	rollouts, err := tx.Rollouts().List(ctx)
	if err != nil {
		return nil, err
	}
	snap := &snapshot{
		release: release, source: source, retired: map[string]bool{},
		cells:    slices.DeleteFunc(cells, func(c fleet.Counts) bool { return c.Release != release.Name }),
		rollouts: slices.DeleteFunc(rollouts, func(r fleet.Rollout) bool { return r.Release != release.Name }),
	}
	devices := map[string]bool{}
	for _, c := range snap.cells {
		devices[c.Model] = true
	}
	for _, r := range snap.rollouts {
		devices[r.Model] = true
	}
	for _, ref := range release.Packages {
		p, err := s.pkg(ctx, tx, ref)
		if err != nil {
			return nil, err
		}
		devices[p.Model] = true
	}
	retired, err := s.retired(ctx, tx)
	if err != nil {
		return nil, err
	}
	for device := range devices {
		snap.models = append(snap.models, device)
		if snap.retired[device], err = retired(s.roleOf(device)); err != nil {
			return nil, err
		}
	}
	s.order(snap.models)
	return snap, nil
}

// order sorts devices as the catalogue lists them, strangers last and by name.
func (s *Support) order(devices []string) {
	place := func(device string) int {
		if m, ok := s.models[device]; ok {
			return m.place
		}
		return len(s.models)
	}
	slices.SortFunc(devices, func(a, b string) int { return cmp.Or(place(a)-place(b), strings.Compare(a, b)) })
}

// source parses what the engineer declared; a parsed text is kept, for it is read at every poll.
func (s *Support) source(r fleet.Release) (manifests.Release, error) {
	if kept, ok := s.releases.Load(string(r.Source)); ok {
		return kept.(manifests.Release), nil
	}
	source, err := manifests.ParseRelease(r.Source)
	if err != nil {
		return manifests.Release{}, err
	}
	s.releases.Store(string(r.Source), source)
	return source, nil
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
	p.Findings = nil // large, and no concern of this door
	s.packages.Store(ref, p)
	return p, nil
}

func releaseView(snap *snapshot) *Release {
	return &Release{snap.release.Name, snap.release.Counter, snap.source.Effect.Name, snap.release.At.UTC()}
}

// modelView is the release on one model, its channels together.
func (s *Support) modelView(snap *snapshot, device string) Model {
	v := Model{Model: device, Role: strings.ToLower(device), Product: device, Numbers: []string{}, Rollouts: []Rollout{}}
	if m, ok := s.models[device]; ok {
		v.Role, v.Product, v.Numbers = m.Role(), clean(m.Product), numbers(m.Model)
	}
	var cells []fleet.Counts
	for _, c := range snap.cells {
		if c.Model == device {
			cells = append(cells, c)
		}
	}
	v.Figures = figures(cells...)
	for _, r := range snap.rollouts {
		if r.Model == device {
			v.Rollouts = append(v.Rollouts, rolloutView(s.now(), r, cellOf(cells, r.Channel)))
		}
	}
	v.Standing = standing(v.Figures, v.Rollouts, snap.retired[device])
	v.Say = s.sayOf(snap, v)
	return v
}

func numbers(m manifests.Model) []string {
	out := make([]string, 0, len(m.Numbers))
	for _, n := range m.Numbers {
		out = append(out, clean(n))
	}
	return out
}

func cellOf(cells []fleet.Counts, channel string) fleet.Counts {
	for _, c := range cells {
		if c.Channel == channel {
			return c
		}
	}
	return fleet.Counts{}
}
