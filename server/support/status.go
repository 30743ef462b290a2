// SPDX-License-Identifier: Apache-2.0

package support

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"landed/manifests"
	"landed/server/fleet"
)

// Status is every model under the newest release that has it: the page / and /status.json.
type Status struct {
	Schema   int           `json:"schema"`   // 1
	Release  *Release      `json:"release"`  // the newest of all
	Headline string        `json:"headline"` // one or two sentences in plain words, computed from the figures
	Models   []Model       `json:"models"`   // in the order of the catalogue
	Totals   Figures       `json:"totals"`   // of all models together, whatever release each stands under
	Releases []ReleaseLink `json:"releases"` // newest first

	Asked  asked    `json:"-"` // which of the models the page lists
	Limits []string `json:"-"` // what the effects say nothing about
	data   headlineData
}

// Release is what the page says of a release.
type Release struct {
	Name    string    `json:"name"`
	Counter int64     `json:"counter"`
	Effect  string    `json:"effect"` // its name, "" if it claims none
	At      time.Time `json:"at"`     // when it was made
}

// ReleaseLink is the way to the page of a release.
type ReleaseLink struct {
	Release
	Path string `json:"path"`
}

// Model is a release on one model.
type Model struct {
	Model    string   `json:"model"`   // ro.product.device
	Role     string   `json:"role"`    // as in the paths
	Product  string   `json:"product"` // the name on the box
	Numbers  []string `json:"numbers"` // model numbers, as on its label
	Release  string   `json:"release"` // under which it stands here, "" before the first
	Effect   string   `json:"effect"`  // of that release, "" if it claims none
	Standing Standing `json:"standing"`
	Say      string   `json:"say"` // what a support person can say
	Figures
	Rollouts []Rollout `json:"rollouts"`

	Badge   string `json:"-"` // the standing in words
	Stopped bool   `json:"-"` // an earlier release was halted, and this one is not offered yet
}

func (s *Support) status(r *http.Request) (view, error) {
	var snap *snapshot
	err := s.view.View(r.Context(), func(tx fleet.Tx) (err error) {
		snap, err = s.snapshot(r.Context(), tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	v := &Status{Schema: 1, Models: []Model{}, Releases: []ReleaseLink{}, Asked: askedOf(r.URL.Query())}
	for _, is := range snap.releases {
		v.Releases = append(v.Releases, linkTo(is))
	}
	for _, device := range snap.models {
		is := snap.newest(device)
		v.Models = append(v.Models, s.modelView(snap, is, device, snap.whole(is, device)))
		if limits := is.lex.words.Limits; limits != "" && !slices.Contains(v.Limits, limits) {
			v.Limits = append(v.Limits, limits)
		}
	}
	v.Totals = s.together(v.Models)
	if len(snap.releases) == 0 {
		v.Headline = s.words.Say("headline.no_release", nil)
		v.data.first = v.Headline
		return v, nil
	}
	v.Release = releaseView(snap.releases[0])
	v.data = headline(v)
	if claim := claimOf(snap); claim != "" {
		v.data.Claim = claim
	}
	v.data.first = s.words.Say(v.data.key(), v.data)
	v.Headline = v.data.first
	if v.data.NotShown > 0 {
		v.Headline += " " + s.words.Say("headline.not_shown", v.data)
	}
	return v, nil
}

// claimOf is what is claimed of a proven handset, "" if models stand under different effects.
func claimOf(snap *snapshot) (claim string) {
	for _, device := range snap.models {
		shown := snap.newest(device).lex.words.Shown
		if shown != "" && claim != "" && shown != claim {
			return ""
		}
		if shown != "" {
			claim = shown
		}
	}
	return clean(claim)
}

func releaseView(is *issue) *Release {
	return &Release{is.Name, is.Counter, is.lex.name(), is.At.UTC()}
}

func linkTo(is *issue) ReleaseLink {
	return ReleaseLink{*releaseView(is), "/releases/" + url.PathEscape(is.Name)}
}

// modelOf is what is known of a device, whatever is released for it.
func (s *Support) modelOf(device string) Model {
	v := Model{
		Model: device, Role: strings.ToLower(device), Product: device, Numbers: []string{}, Standing: NotOffered,
		Figures: s.plainWords.figures(), Rollouts: []Rollout{},
	}
	if m, ok := s.listedModel(device); ok {
		v.Role, v.Product, v.Numbers = m.Role(), clean(m.Product), numbers(m.Model)
	}
	v.Badge = s.words.Say("standing."+string(v.Standing), nil)
	return v
}

// modelView is a release on one model, its channels together.
func (s *Support) modelView(snap *snapshot, is *issue, device string, f Figures) Model {
	v := s.modelOf(device)
	v.Release, v.Effect, v.Figures = is.Name, is.lex.name(), f
	for _, r := range is.rollouts {
		if r.Model == device {
			v.Rollouts = append(v.Rollouts, s.rolloutView(is.lex, r, cellOf(snap.cellsOf(is, device), r.Channel)))
		}
	}
	v.Standing = standing(v.Figures, v.Rollouts, snap.retired[device])
	v.Badge = s.words.Say("standing."+string(v.Standing), nil)
	if worst := v.Adverse(); v.Standing == Leaking && worst != nil {
		v.Badge = worst.Name
	}
	earlier := snap.haltedBefore(is, device)
	v.Stopped = v.Standing == NotOffered && earlier != ""
	v.Say = s.sayOf(is, v, earlier)
	return v
}

// haltedBefore names the newest release before is that was halted on a model, "" for none.
func (snap *snapshot) haltedBefore(is *issue, device string) string {
	for _, older := range snap.of[device] {
		halted := func(r fleet.Rollout) bool { return r.Model == device && r.State == fleet.RolloutHalted }
		if older.Counter < is.Counter && slices.ContainsFunc(older.rollouts, halted) {
			return older.Name
		}
	}
	return ""
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
