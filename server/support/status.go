// SPDX-License-Identifier: Apache-2.0

package support

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"time"

	"landed/server/fleet"
	"landed/web"
)

// Status is every model under the newest release that was offered to it: the page / and /status.json.
type Status struct {
	Schema   int           `json:"schema"`   // 1
	Release  *Release      `json:"release"`  // the newest of all
	Headline string        `json:"headline"` // some sentences in plain words, computed from the figures
	Models   []Model       `json:"models"`   // in the order of the catalogue
	Totals   Figures       `json:"totals"`   // of all models together, whatever release each stands under
	Releases []ReleaseLink `json:"releases"` // newest first
	// Releases that are published and cannot be read, newest first; missing if there is none.
	Unreadable []UnreadableRelease `json:"unreadable,omitempty"`
	SilentFor  *SilentFor          `json:"silent_for"` // of the whole fleet; null before figures were copied, at most an hour

	On *Day `json:"on,omitempty"` // of which day it is; missing if it is of now

	Asked  asked    `json:"-"` // which of the models the page lists
	Limits []string `json:"-"` // what the effects say nothing about
	Past   *Past    `json:"-"` // /series.json has it
	from   *moment  // when what it is made from was read; nil of a day
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

// statusPage is the front page.
type statusPage struct {
	evidence *evidence
	says     describer
	locale   *web.Locale
	models   *memory
	fronts   *fronts
}

func (p statusPage) show(r *http.Request) (view, error) {
	past := p.says.chronicle()
	of, err := p.fronts.of(r.Context(), func(f, was *front) error {
		return p.evidence.with(r.Context(), func(tx fleet.Tx, snap *snapshot) (err error) {
			f.snap = snap
			f.past, err = past.fleetSoFar(r.Context(), tx, snap, p.evidence.now(), was.past)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	status := p.page(of.snap.in(p.evidence.words))
	series := of.past.ending(status.Totals)
	status.SilentFor, status.from = cmp.Or(of.snap.silent(p.evidence.now()), series.SilentFor), &of.moment
	status.Past = past.past(series, len(of.snap.releases) > 0, "/series.json")
	return status, nil
}

// read implements earlierRead.
func (v *Status) read() *moment { return v.from }

func (p statusPage) page(snap *snapshot) *Status {
	v := &Status{Schema: 1, Models: make([]Model, 0, len(snap.models)), Releases: []ReleaseLink{}, Asked: asked{links: p.says.links}}
	v.Unreadable = p.says.unreadable(snap)
	for _, is := range snap.releases {
		v.Releases = append(v.Releases, p.says.linkTo(is))
	}
	for _, device := range snap.models {
		v.Models = append(v.Models, p.models.today(p.says, snap, device))
		if limits := snap.wordsOn(device).Limits; limits != "" && !slices.Contains(v.Limits, limits) {
			v.Limits = append(v.Limits, limits)
		}
	}
	v.Totals = p.says.together(v.Models)
	if len(snap.releases) == 0 {
		key := "headline.no_release"
		if len(snap.unreadable) > 0 {
			key = "headline.unreadable"
		}
		v.Headline = p.locale.Say(key, nil)
		v.data.first = v.Headline
		return v
	}
	v.Release = releaseView(snap.releases[0])
	v.data = headline(v)
	if claim := claimOf(snap); claim != "" {
		v.data.Claim = claim
	}
	v.data.first = p.locale.Say(v.data.key(), v.data)
	v.Headline = v.data.first
	if v.data.Shown > 0 && v.data.Spreading > 0 {
		v.Headline = p.locale.Sentences(v.Headline, p.locale.Say("headline.spreading.too", v.data))
	}
	if v.data.NotShown > 0 {
		v.Headline = p.locale.Sentences(v.Headline, p.locale.Say("headline.not_shown", v.data))
	}
	return v
}

// asking is the list that a reader asks for, of figures that were computed for all.
func (v *Status) asking(a asked) view {
	a.links = v.Asked.links
	w := *v
	w.Asked = a
	return &w
}

// claimOf is what is claimed of a proven handset, "" if models stand under different effects.
func claimOf(snap *snapshot) (claim string) {
	for _, device := range snap.models {
		shown := snap.wordsOn(device).Shown
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

func (d describer) linkTo(is *issue) ReleaseLink {
	return ReleaseLink{*releaseView(is), d.links.To("/releases/" + url.PathEscape(is.Name))}
}
