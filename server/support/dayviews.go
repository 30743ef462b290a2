// SPDX-License-Identifier: Apache-2.0

package support

import (
	"net/http"
	"net/url"
	"slices"

	"landed/server/fleet"
)

// then is a release on one model as copies know it.
func (d describer) then(is *issue, device string, f Figures) Model {
	v := d.unreleased(device)
	v.Standing, v.Badge, v.Figures = "", "", f
	if is != nil {
		v.Release, v.Effect = is.Name, is.lex.name()
	}
	return v
}

// stood is a model under its newest release as copies know it; without one it is told as much as a series tells of it.
func (d describer) stood(snap *snapshot, device string) Model {
	is := snap.newest(device)
	if is == nil {
		return d.then(nil, device, d.allOf(sum(snap.totals[device]...)))
	}
	return d.then(is, device, snap.whole(is, device))
}

// on is the front page as it was on a day.
func (p statusPage) on(r *http.Request) (v view, err error) {
	err = p.evidence.on(r, func(snap *snapshot, day *Day) error {
		s := &Status{Schema: 1, Models: []Model{}, Releases: []ReleaseLink{}, Asked: asked{links: p.says.links}}
		s.On = day.at(p.says, "/", "/status")
		for _, is := range snap.releases {
			s.Releases = append(s.Releases, p.says.linkTo(is))
		}
		if len(snap.releases) > 0 {
			s.Release = releaseView(snap.releases[0])
		}
		for _, device := range snap.models {
			s.Models = append(s.Models, p.says.stood(snap, device))
		}
		s.Totals, s.SilentFor = p.says.together(s.Models), snap.silence[""]
		s.Headline = p.locale.Say("day.headline", day)
		s.data.first = s.Headline
		v = s
		return nil
	})
	return v, err
}

// on is the page of a release as it was on a day.
func (p releasePages) on(r *http.Request) (v view, err error) {
	name := r.PathValue("name")
	if err := p.known(r.Context(), name); err != nil {
		return nil, err
	}
	err = p.evidence.on(r, func(snap *snapshot, day *Day) error {
		if slices.ContainsFunc(snap.unreadable, func(is *issue) bool { return is.Name == name }) {
			return unreadableRelease()
		}
		is := snap.release(name)
		if is == nil {
			return fleet.Errorf(fleet.NotFound, "day_before_release", "on that day this release was not published yet")
		}
		page := &ReleasePage{
			Schema: 1, Release: releaseView(is), Claims: clean(is.lex.words.Shown), Limits: clean(is.lex.words.Limits),
			Models: []Model{}, Told: is.lex.told(), Notes: notes(is.Release.Release, p.locale.Tag),
			Answers: answers(is.Release.Release, p.locale.Tag),
			On:      day.at(p.says, "/releases/"+url.PathEscape(name), "/releases/"+url.PathEscape(name)),
		}
		for _, device := range is.models {
			page.Models = append(page.Models, p.says.then(is, device, snap.own(is, device)))
		}
		page.Totals, page.SilentFor = p.says.together(page.Models), snap.silence[name]
		page.Line = p.locale.Say("chapter.line", page.Totals)
		v = page
		return nil
	})
	return v, err
}

// on is the page of a model as it was on a day.
func (p modelPages) on(r *http.Request) (v view, err error) {
	known, ok := p.lineup.catalogue().ByRole(r.PathValue("role"))
	if !ok {
		return nil, unknownModel()
	}
	err = p.evidence.on(r, func(snap *snapshot, day *Day) error {
		is := snap.newest(known.Device)
		if !slices.Contains(snap.models, known.Device) {
			return fleet.Errorf(fleet.NotFound, "day_before_release", "on that day no release was published for this model yet")
		}
		page := &ModelPage{
			Schema: 1, Model: p.says.stood(snap, known.Device), Chapters: []Chapter{}, Plans: []Plan{}, Timeline: []Event{},
			Packages: []Package{}, Told: p.says.words.plain.told(), Outside: Lab{Builds: []LabBuild{}, Witnesses: []LabWitnesses{}},
			Notes: []Note{}, Answers: []Answer{},
		}
		if is != nil {
			page.Release, page.Migration, page.Told = releaseView(is), is.AskOn(known.Device).Migration, is.lex.told()
			page.Limits, page.Notes = clean(is.lex.words.Limits), notes(is.Release.Release, p.locale.Tag)
			page.Answers = answers(is.Release.Release, p.locale.Tag)
		}
		at := "/models/" + url.PathEscape(page.Role)
		page.On = day.at(p.says, at, at)
		page.SilentFor = silentFor(day.At, snap.totals[known.Device]...)
		for _, each := range slices.Backward(snap.of[known.Device]) {
			m := p.says.then(each, known.Device, snap.own(each, known.Device))
			page.Chapters = append(page.Chapters, Chapter{ReleaseLink: p.says.linkTo(each), Line: p.locale.Say("chapter.line", m),
				Rollouts: []Rollout{}})
		}
		v = page
		return nil
	})
	return v, err
}
