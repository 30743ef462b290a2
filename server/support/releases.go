// SPDX-License-Identifier: Apache-2.0

package support

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"

	"landed/manifests/release"
	"landed/server/fleet"
	"landed/server/known"
	"landed/server/published"
	"landed/web"
)

// ReleaseList is every published release, newest first: the page /releases and its JSON.
type ReleaseList struct {
	Schema   int           `json:"schema"` // 1
	Releases []ReleaseLine `json:"releases"`
	// As on /status.json.
	Unreadable []UnreadableRelease `json:"unreadable,omitempty"`

	Outlined bool `json:"-"` // small numbers are not shown

	title string
}

// ReleaseLine is a release in one line.
type ReleaseLine struct {
	ReleaseLink
	Models []ModelLink `json:"models"`
	Line   string      `json:"line"` // how it stands, in words
}

// ModelLink is the way to the page of a model.
type ModelLink struct {
	Model   string `json:"model"`
	Role    string `json:"role"`
	Product string `json:"product"`
}

// ReleasePage is one release on all its models, with its own figures: what was shown of it, by handsets that moved on
// to a later one too. It is the page /releases/{name} and its JSON.
type ReleasePage struct {
	Schema  int      `json:"schema"` // 1
	Release *Release `json:"release"`
	Claims  string   `json:"claims"` // what is claimed of a proven handset, "" for nothing
	Limits  string   `json:"limits"` // what the release says nothing about
	Line    string   `json:"line"`   // how it stands, in words
	Models  []Model  `json:"models"` // as on /status.json
	Totals  Figures  `json:"totals"`
	Told    Told     `json:"told"` // what a handset tells
	Notes   []Note   `json:"notes"`
	Answers []Answer `json:"questions"`
	// Of those whose newest report is about this release, as on /status.json.
	SilentFor *SilentFor `json:"silent_for"`
	Known     *Known     `json:"known_issues,omitempty"` // of the release; missing from a day that is over
	Past      *Past      `json:"-"`                      // /releases/{name}/series.json has it
	On        *Day       `json:"on,omitempty"`           // of which day it is; missing if it is of now

	explained map[string][]known.Count // by model
}

// Note is the release note in one language.
type Note struct {
	Lang string `json:"lang"`
	Text string `json:"text"`
}

// Answer is a question of the public and its answer, in one language.
type Answer struct {
	Lang     string `json:"lang"`
	Question string `json:"question"`
	Answer   string `json:"answer"`
}

// releasePages show the releases, all of them in a line each, or one on all its models.
type releasePages struct {
	evidence *evidence
	says     describer
	locale   *web.Locale
}

func (p releasePages) list(r *http.Request) (view, error) {
	snap, err := p.evidence.snapshot(r.Context())
	if err != nil {
		return nil, err
	}
	v := &ReleaseList{Schema: 1, Releases: []ReleaseLine{}, title: p.locale.Say("releases.title", nil)}
	v.Unreadable = p.says.unreadable(snap)
	for _, is := range snap.releases {
		page := p.page(snap, is)
		line := ReleaseLine{ReleaseLink: p.says.linkTo(is), Models: []ModelLink{}, Line: page.Line}
		for _, m := range page.Models {
			line.Models = append(line.Models, ModelLink{m.Model, m.Role, m.Product})
		}
		v.Releases = append(v.Releases, line)
	}
	return v, nil
}

func (p releasePages) show(r *http.Request) (view, error) {
	name := r.PathValue("name")
	if err := p.known(r.Context(), name); err != nil { // before any figures are read
		return nil, err
	}
	var v *ReleasePage
	err := p.evidence.with(r.Context(), func(tx fleet.Tx, snap *snapshot) error {
		if slices.ContainsFunc(snap.unreadable, func(is *issue) bool { return is.Name == name }) {
			return unreadableRelease()
		}
		is := snap.release(name)
		if is == nil {
			return unknownRelease()
		}
		v = p.page(snap, is)
		if err := p.explain(r.Context(), tx, snap, is, v); err != nil {
			return err
		}
		past, err := p.says.chronicle().releaseSeries(r.Context(), tx, snap, p.evidence.now(), is, v.Totals)
		if err == nil {
			v.SilentFor = cmp.Or(snap.silentUnder(is, p.evidence.now()), past.SilentFor)
			v.Past = p.says.chronicle().past(past, v.Totals.Claims(), "/releases/"+url.PathEscape(is.Name)+"/series.json")
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// known refuses names of which nothing is published.
func (p releasePages) known(ctx context.Context, name string) error {
	return p.evidence.releases(ctx, func(_ fleet.Tx, all published.Releases) error {
		if slices.ContainsFunc(all.Readable, func(r published.Release) bool { return r.Name == name }) ||
			slices.ContainsFunc(all.Unreadable, func(u published.Unreadable) bool { return u.Name == name }) {
			return nil
		}
		return unknownRelease()
	})
}

func unreadableRelease() error {
	return fleet.Errorf(fleet.NotFound, "release_unreadable", "this release is published, and this server cannot read "+
		"it; its log says why")
}

func unknownRelease() error {
	return fleet.Errorf(fleet.NotFound, "release_unknown", "no release of that name is published; /releases lists them")
}

// explain says what is known of a release, and how many that explains.
func (p releasePages) explain(ctx context.Context, tx fleet.Tx, snap *snapshot, is *issue, v *ReleasePage) (err error) {
	v.Known, v.explained, err = p.says.knownOf(ctx, tx, snap, is, is.models...)
	return err
}

func (p releasePages) page(snap *snapshot, is *issue) *ReleasePage {
	v := &ReleasePage{
		Schema: 1, Release: releaseView(is), Claims: clean(is.lex.words.Shown), Limits: clean(is.lex.words.Limits),
		Models: []Model{}, Told: is.lex.told(),
		Notes: notes(is.Release.Release, p.locale.Tag), Answers: answers(is.Release.Release, p.locale.Tag),
	}
	for _, device := range is.models {
		v.Models = append(v.Models, p.says.model(snap, is, device, snap.own(is, device)))
	}
	v.Totals = p.says.together(v.Models)
	v.Line = p.locale.Say("release.line", lineOf(v))
	return v
}

// lineData counts models of a release by how they stand.
type lineData struct {
	Models, Offered, Shown, Stopped, Adverse int64
	Figures
}

func lineOf(v *ReleasePage) lineData {
	d := lineData{Models: int64(len(v.Models)), Figures: v.Totals}
	for _, m := range v.Models {
		if len(m.Rollouts) > 0 {
			d.Offered++
		}
		switch m.Standing {
		case Shown:
			d.Shown++
		case Halted:
			d.Stopped++
		case Leaking:
			d.Adverse++
		}
	}
	return d
}

func notes(r release.Release, mine string) []Note {
	out := []Note{}
	for _, tag := range first(mine, r.Languages()) {
		out = append(out, Note{tag, clean(r.Notes[tag])})
	}
	return out
}

// first puts the language of the reader before the others.
func first(mine string, tags []string) []string {
	tags = slices.Clone(tags)
	slices.SortStableFunc(tags, func(a, b string) int {
		switch mine {
		case a:
			return -1
		case b:
			return 1
		}
		return 0
	})
	return tags
}

func answers(r release.Release, mine string) []Answer {
	out := []Answer{}
	for _, tag := range first(mine, r.Languages()) {
		for _, q := range r.Questions {
			out = append(out, Answer{tag, clean(q.Question[tag]), clean(q.Answer[tag])})
		}
	}
	return out
}

// Doc is the title of the page in the browser.
func (v *ReleasePage) Doc() string { return v.On.before(v.Release.Name) }

// Full says that the cards of so many models hold all there is to say.
func (v *ReleasePage) Full(n int) bool { return n <= fullList }

// Doc is the title of the page in the browser.
func (v *ReleaseList) Doc() string { return v.title }
