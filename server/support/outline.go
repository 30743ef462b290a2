// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"net/http"
	"slices"

	"landed/manifests/effect/probe"
	"landed/server/fleet"
	"landed/web"
)

// OutlineSchema is that of pages, as programs read them, on which small numbers are not shown.
const OutlineSchema = 2

// Outline is every model as everybody may see it where small numbers are not shown: the page / and /status.json.
type Outline struct {
	Schema    int            `json:"schema"`    // OutlineSchema
	Threshold int64          `json:"threshold"` // how few installations are not told of
	Release   *Release       `json:"release"`   // the newest of all
	Headline  string         `json:"headline"`
	Models    []OutlineModel `json:"models"` // in the order of the catalogue
	Totals    OutlineTotals  `json:"totals"`
	Releases  []ReleaseLink  `json:"releases"` // newest first
	// Releases that are published and cannot be read, newest first; missing if there is none.
	Unreadable []UnreadableRelease `json:"unreadable,omitempty"`

	*Status `json:"-"` // the lists of the page
	Past    *Past      `json:"-"` // /series.json has it
	Sum     *Outlined  `json:"-"`
}

// OutlineTotals are sums of what is shown.
type OutlineTotals struct {
	Kinds  map[fleet.Kind]int64 `json:"kinds"`
	About  int64                `json:"about"`
	Hidden int64                `json:"models_not_shown"` // of which no number is in these sums
}

// OutlineModel is a release on one model as everybody may see it.
type OutlineModel struct {
	Model      string                `json:"model"`
	Role       string                `json:"role"`
	Product    string                `json:"product"`
	Numbers    []string              `json:"numbers"`
	Release    string                `json:"release"`
	Effect     string                `json:"effect"`
	Standing   Standing              `json:"standing"`
	Say        string                `json:"say"`
	Kinds      map[fleet.Kind]*int64 `json:"kinds"`    // about so many; null: not shown
	About      int64                 `json:"about"`    // of all kinds that are shown
	Opposite   Reported              `json:"opposite"` // "", "unconfirmed", "confirmed": if anybody reports it
	Rollouts   []Rollout             `json:"rollouts"`
	Checks     []LabCheck            `json:"lab"`
	Unreadable []string              `json:"unreadable,omitempty"`
}

func outlineOf(m Model) OutlineModel {
	return OutlineModel{m.Model, m.Role, m.Product, m.Numbers, m.Release, m.Effect, m.Standing, m.Say, m.Public.Kinds, m.Public.About,
		m.Public.Opposite, m.Rollouts, m.Checks, m.Unreadable}
}

func outlinesOf(models []Model) []OutlineModel {
	all := []OutlineModel{}
	for _, m := range models {
		all = append(all, outlineOf(m))
	}
	return all
}

// outlinePages are the pages for everybody where small numbers are not shown.
type outlinePages struct {
	evidence *evidence
	says     outliner
	models   modelPages // packages and plans, which hold no numbers of installations
	releases releasePages
	locale   *web.Locale
	load     func(context.Context, func(fleet.Tx, *snapshot) error) error
	least    int64 // the threshold
}

// outlines are the doors.
func outlines(p paths) {
	page := func(path, page string, by readers, h func(outlinePages) handler) {
		p.dated(path, page, by, func(e *edition) (now, then handler) { return h(e.outline), staffOnly })
	}
	page("/", "outline", frontReaders, func(o outlinePages) handler { return o.status })
	page("/status.json", "", frontReaders, func(o outlinePages) handler { return o.status })
	page("/status.csv", asCSV, frontReaders, func(o outlinePages) handler { return o.status })
	page("/releases", "releases", allReaders, func(o outlinePages) handler { return o.list })
	page("/releases.json", "", allReaders, func(o outlinePages) handler { return o.list })
	page("/releases/{name}", "outlinerelease", allReaders, func(o outlinePages) handler { return o.release })
	page("/releases/{name}.json", "", allReaders, func(o outlinePages) handler { return o.release })
	page("/releases/{name}.csv", asCSV, allReaders, func(o outlinePages) handler { return o.release })
	page("/models/{role}", "outlinemodel", allReaders, func(o outlinePages) handler { return o.model })
	page("/models/{role}.json", "", allReaders, func(o outlinePages) handler { return o.model })
	page("/models/{role}.csv", asCSV, allReaders, func(o outlinePages) handler { return o.model })
	page("/series.json", "", frontReaders, func(o outlinePages) handler { return o.fleetSeries })
	page("/models/{role}/series.json", "", allReaders, func(o outlinePages) handler { return o.modelSeries })
	p.takes(
		take{"/badge.svg", frontReaders, func(e *edition) handler { return e.outline.status }},
		take{"/feed.atom", frontReaders, func(e *edition) handler { return e.news.show }},
		take{"/series.csv", allReaders, func(e *edition) handler { return e.outline.fleetSeries }},
		take{"/releases.csv", allReaders, func(e *edition) handler { return e.outline.list }},
		take{"/releases/{name}/badge.svg", allReaders, func(e *edition) handler { return e.outline.release }},
		take{"/models/{role}/series.csv", allReaders, func(e *edition) handler { return e.outline.modelSeries }},
		take{"/models/{role}/badge.svg", allReaders, func(e *edition) handler { return e.outline.model }},
	)
	for _, path := range []string{"/compare", "/compare/{names}", "/releases/{name}/report"} {
		p.page(path, "problem", oneReader, func(*edition) handler { return staffOnly })
	}
	for _, path := range []string{"/releases/{name}/report.json", "/releases/{name}/series.json"} {
		p.page(path, "", oneReader, func(*edition) handler { return staffOnly })
	}
	p.page("/releases/{name}/series.csv", asCSV, oneReader, func(*edition) handler { return staffOnly })
}

// staffOnly answers for what cannot be shown without exact numbers.
func staffOnly(*http.Request) (view, error) {
	return nil, fleet.Errorf(fleet.NotFound, "staff_only", "this is made of exact numbers, which this server shows to its staff alone")
}

func (o outlinePages) status(r *http.Request) (v view, err error) {
	err = o.load(r.Context(), func(tx fleet.Tx, snap *snapshot) error {
		page := o.page(snap)
		series, err := o.series(r.Context(), tx, snap, "")
		page.Past = o.past(series, "/series.json")
		v = page
		return err
	})
	return v, err
}

func (o outlinePages) page(snap *snapshot) *Outline {
	list := &Status{Schema: OutlineSchema, Models: []Model{}, Releases: []ReleaseLink{}, Asked: asked{links: o.says.links}}
	list.Unreadable = o.says.unreadable(snap)
	for _, is := range snap.releases {
		list.Releases = append(list.Releases, o.says.linkTo(is))
	}
	sum := OutlineTotals{Kinds: map[fleet.Kind]int64{}}
	for _, device := range snap.models {
		m := o.says.outlineToday(snap, device)
		list.Models = append(list.Models, m)
		if limits := snap.wordsOn(device).Limits; limits != "" && !slices.Contains(list.Limits, limits) {
			list.Limits = append(list.Limits, limits)
		}
		if !m.Public.Any() {
			sum.Hidden++
		}
		for kind, n := range m.Public.Kinds {
			if n != nil {
				sum.Kinds[kind], sum.About = sum.Kinds[kind]+*n, sum.About+*n
			}
		}
	}
	if len(snap.releases) > 0 {
		list.Release = releaseView(snap.releases[0])
	}
	list.data = headline(list)
	list.Headline = o.locale.Say(outlineHeadline(snap, list), list.data)
	list.data.first = list.Headline
	v := &Outline{Schema: OutlineSchema, Threshold: o.least, Release: list.Release, Headline: list.Headline, Models: outlinesOf(list.Models),
		Totals: sum, Releases: list.Releases, Unreadable: list.Unreadable, Status: list}
	v.Sum = &Outlined{Threshold: o.least, About: sum.About, Rows: o.says.kindRows(func(k fleet.Kind) *int64 {
		if n, ok := sum.Kinds[k]; ok {
			return &n
		}
		return nil
	}, sum.About)}
	return v
}

// outlineHeadline names the sentence that fits: all of them speak of models.
func outlineHeadline(snap *snapshot, v *Status) string {
	offered := func(m Model) bool { return len(m.Rollouts) > 0 }
	switch d := v.data; {
	case len(snap.releases) == 0 && len(snap.unreadable) > 0:
		return "headline.unreadable"
	case len(snap.releases) == 0:
		return "headline.no_release"
	case !slices.ContainsFunc(v.Models, offered):
		return "outline.headline.published"
	case !d.Claims:
		return "outline.headline.plain"
	case d.Shown == 0 && d.Spreading > 0:
		return "headline.spreading"
	case d.Shown == 0:
		return "headline.none_shown"
	}
	return "headline.shown"
}

// asking is the list that a reader asks for.
func (v *Outline) asking(a asked) view {
	w := *v
	w.Status = v.Status.asking(a).(*Status)
	return &w
}

// Hidden are models of which no number is shown.
func (v *Outline) Hidden() int64 { return v.Totals.Hidden }

// Table has a row for each model.
func (v *Outline) Table() table { return outlineTable(v.Models) }

func (o outlinePages) list(r *http.Request) (view, error) {
	v := &ReleaseList{Schema: OutlineSchema, Releases: []ReleaseLine{}, title: o.locale.Say("releases.title", nil), Outlined: true}
	err := o.load(r.Context(), func(_ fleet.Tx, snap *snapshot) error {
		v.Unreadable = o.says.unreadable(snap)
		for _, is := range snap.releases {
			page := o.releaseOf(snap, is)
			line := ReleaseLine{ReleaseLink: o.says.linkTo(is), Models: []ModelLink{}, Line: page.Line}
			for _, m := range page.Models {
				line.Models = append(line.Models, ModelLink{m.Model, m.Role, m.Product})
			}
			v.Releases = append(v.Releases, line)
		}
		return nil
	})
	return v, err
}

// OutlineRelease is one release on all its models as everybody may see it.
type OutlineRelease struct {
	Schema    int            `json:"schema"`
	Threshold int64          `json:"threshold"`
	Release   *Release       `json:"release"`
	Claims    string         `json:"claims"`
	Limits    string         `json:"limits"`
	Line      string         `json:"line"`
	Models    []OutlineModel `json:"models"`
	Told      Told           `json:"told"`
	Notes     []Note         `json:"notes"`
	Answers   []Answer       `json:"questions"`

	Cards []Model `json:"-"`
	line  lineData
}

func (o outlinePages) release(r *http.Request) (view, error) {
	name := r.PathValue("name")
	if err := o.releases.known(r.Context(), name); err != nil {
		return nil, err
	}
	var v *OutlineRelease
	err := o.load(r.Context(), func(_ fleet.Tx, snap *snapshot) error {
		is := snap.release(name)
		if is == nil {
			return unreadableRelease()
		}
		v = o.releaseOf(snap, is)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

func (o outlinePages) releaseOf(snap *snapshot, is *issue) *OutlineRelease {
	v := &OutlineRelease{Schema: OutlineSchema, Threshold: o.least, Release: releaseView(is), Claims: clean(is.lex.words.Shown),
		Limits: clean(is.lex.words.Limits), Told: is.lex.told(), Cards: []Model{},
		Notes: notes(is.Release.Release, o.locale.Tag), Answers: answers(is.Release.Release, o.locale.Tag)}
	for _, device := range is.models {
		v.Cards = append(v.Cards, o.says.outlineModel(snap, is, device))
	}
	v.Models = outlinesOf(v.Cards)
	v.line = lineOf(&ReleasePage{Models: v.Cards, Totals: Figures{claims: is.lex.claims()}})
	v.Line = o.locale.Say("outline.release.line", v.line)
	return v
}

// Doc is the title of the page in the browser.
func (v *OutlineRelease) Doc() string { return v.Release.Name }

// Full says that the cards of so many models hold all there is to say.
func (v *OutlineRelease) Full(n int) bool { return n <= fullList }

// Table has a row for each model of the release.
func (v *OutlineRelease) Table() table { return outlineTable(v.Models) }

// OutlineModelPage is one model in depth as everybody may see it.
type OutlineModelPage struct {
	Schema    int      `json:"schema"`
	Threshold int64    `json:"threshold"`
	Release   *Release `json:"release"`
	OutlineModel
	Migration probe.Migration `json:"migration"`
	Limits    string          `json:"limits"`
	Chapters  []Chapter       `json:"releases"`
	Plans     []Plan          `json:"plans"`
	Timeline  []Event         `json:"timeline"`
	Packages  []Package       `json:"packages"`
	Told      Told            `json:"told"`
	Outside   Lab             `json:"outside"`
	Notes     []Note          `json:"notes"`
	Answers   []Answer        `json:"questions"`

	Page *ModelPage `json:"-"` // the lists of the page
	Past *Past      `json:"-"`
}

func (o outlinePages) model(r *http.Request) (view, error) {
	known, ok := o.models.lineup.catalogue().ByRole(r.PathValue("role"))
	if !ok {
		return nil, unknownModel()
	}
	ctx, v := r.Context(), &OutlineModelPage{Schema: OutlineSchema, Threshold: o.least}
	page := &ModelPage{Model: o.says.unreleased(known.Device), Chapters: []Chapter{}, Plans: []Plan{}, Timeline: []Event{},
		Packages: []Package{}, Notes: []Note{}, Answers: []Answer{}, Told: o.says.words.plain.told(),
		Outside: Lab{Builds: []LabBuild{}, Witnesses: []LabWitnesses{}}}
	err := o.load(ctx, func(tx fleet.Tx, snap *snapshot) (err error) {
		is := snap.newest(known.Device)
		switch {
		case is == nil && len(snap.unreadableOn(known.Device)) == 0:
			err = o.models.unreleased(ctx, tx, snap, page)
			page.Public = o.says.outline(snap, "", known.Device, page.Model)
		case is == nil:
			page.Model = o.says.outlineToday(snap, known.Device)
			err = o.models.plans(ctx, tx, snap, page)
		default:
			err = o.told(ctx, tx, snap, is, page)
		}
		if err != nil {
			return err
		}
		series, err := o.series(ctx, tx, snap, known.Device)
		v.Past = o.past(series, "/models/"+page.Role+"/series.json")
		return err
	})
	if err != nil {
		return nil, err
	}
	v.Release, v.OutlineModel, v.Page = page.Release, outlineOf(page.Model), page
	v.Migration, v.Limits, v.Chapters, v.Plans, v.Timeline = page.Migration, page.Limits, page.Chapters, page.Plans, page.Timeline
	v.Packages, v.Told, v.Outside, v.Notes, v.Answers = page.Packages, page.Told, page.Outside, page.Notes, page.Answers
	return v, nil
}

// told fills what is known of a model under the release where it stands.
func (o outlinePages) told(ctx context.Context, tx fleet.Tx, snap *snapshot, is *issue, v *ModelPage) error {
	device := v.Model.Model
	v.Release, v.Model = releaseView(is), o.says.outlineToday(snap, device)
	v.Migration, v.Limits, v.Told = is.AskOn(device).Migration, clean(is.lex.words.Limits), is.lex.told()
	v.Outside = o.says.lab(snap.found, is, device)
	v.Notes, v.Answers = notes(is.Release.Release, o.locale.Tag), answers(is.Release.Release, o.locale.Tag)
	for _, each := range slices.Backward(snap.of[device]) {
		m := o.says.outlineModel(snap, each, device)
		v.Chapters = append(v.Chapters, Chapter{o.says.linkTo(each), m.Standing, "", m.Rollouts, m.Badge})
	}
	if err := o.models.plans(ctx, tx, snap, v); err != nil {
		return err
	}
	return o.models.files(ctx, tx, is, v)
}

// Doc is the title of the page in the browser.
func (v *OutlineModelPage) Doc() string { return v.Page.Product }

// Table has a row for the model.
func (v *OutlineModelPage) Table() table { return outlineTable([]OutlineModel{v.OutlineModel}) }
