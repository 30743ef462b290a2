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

// ModelPage is one model in depth: the page /models/{role} and its JSON. What it says of a release is of the newest
// that has the model; plans, timeline and chapters are of all.
type ModelPage struct {
	Schema  int      `json:"schema"` // 1
	Release *Release `json:"release"`
	Model
	Migration probe.Migration `json:"migration"` // what the image does where the service was on, "" if nothing could be
	Limits    string          `json:"limits"`    // what the release says nothing about
	Chapters  []Chapter       `json:"releases"`  // every release that has the model, oldest first
	Plans     []Plan          `json:"plans"`
	Timeline  []Event         `json:"timeline"` // newest first
	Packages  []Package       `json:"packages"`
	Told      Told            `json:"told"` // what a handset tells
	Outside   Lab             `json:"outside"`
	Notes     []Note          `json:"notes"`
	Answers   []Answer        `json:"questions"`
	SilentFor *SilentFor      `json:"silent_for"`             // of all that report, as on /status.json
	Known     *Known          `json:"known_issues,omitempty"` // of the release; missing from a day that is over
	Past      *Past           `json:"-"`                      // /models/{role}/series.json has it
	On        *Day            `json:"on,omitempty"`           // of which day it is; missing if it is of now
}

// Chapter is one release in the story of a model, with its own figures.
type Chapter struct {
	ReleaseLink
	Standing Standing  `json:"standing"`
	Line     string    `json:"line"` // how it stands, in words
	Rollouts []Rollout `json:"rollouts"`

	Badge string `json:"-"`
}

// timelineLength is how many lines of the trail a page shows.
const timelineLength = 50

// modelPages show one model each, with what every release was to it.
type modelPages struct {
	evidence *evidence
	says     describer
	packages *packages
	lineup   *lineup
	locale   *web.Locale
}

func (p modelPages) show(r *http.Request) (view, error) {
	known, ok := p.lineup.catalogue().ByRole(r.PathValue("role"))
	if !ok {
		return nil, unknownModel()
	}
	ctx, v := r.Context(), &ModelPage{
		Schema: 1, Model: p.says.unreleased(known.Device), Chapters: []Chapter{}, Plans: []Plan{}, Timeline: []Event{},
		Packages: []Package{},
		Notes:    []Note{}, Answers: []Answer{}, Told: p.says.words.plain.told(),
		Outside: Lab{Builds: []LabBuild{}, Witnesses: []LabWitnesses{}},
	}
	err := p.evidence.with(ctx, func(tx fleet.Tx, snap *snapshot) (err error) {
		is := snap.newest(known.Device)
		if is == nil && len(snap.unreadableOn(known.Device)) > 0 {
			return p.unreadable(ctx, tx, snap, v)
		}
		if is == nil {
			return p.unreleased(ctx, tx, snap, v)
		}
		v.Release, v.Model = releaseView(is), p.says.today(snap, known.Device)
		v.Migration, v.Limits, v.Told = is.AskOn(known.Device).Migration, clean(is.lex.words.Limits), is.lex.told()
		v.Outside = p.says.lab(snap.found, is, known.Device)
		v.Outside.Witnesses = p.says.witnesses(snap, is, known.Device)
		if v.Known, _, err = p.says.knownOf(ctx, tx, snap, is, known.Device); err != nil {
			return err
		}
		v.Notes, v.Answers = notes(is.Release.Release, p.locale.Tag), answers(is.Release.Release, p.locale.Tag)
		for _, each := range slices.Backward(snap.of[known.Device]) {
			v.Chapters = append(v.Chapters, p.chapter(snap, each, known.Device))
		}
		past, err := p.says.chronicle().modelSeries(ctx, tx, snap, p.evidence.now(), v.Model)
		if err != nil {
			return err
		}
		v.SilentFor = past.SilentFor
		v.Past = p.says.chronicle().past(past, v.Claims(), "/models/"+v.Role+"/series.json")
		if err := p.plans(ctx, tx, snap, v); err != nil {
			return err
		}
		return p.files(ctx, tx, is, v)
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

func unknownModel() error {
	return fleet.Errorf(fleet.NotFound, "model_unknown", "no model of the catalogue has that name; the status page lists them")
}

// unreadable is a model of which no release can be read: how its update goes is known all the same.
func (p modelPages) unreadable(ctx context.Context, tx fleet.Tx, snap *snapshot, v *ModelPage) error {
	v.Model = p.says.today(snap, v.Model.Model)
	for _, is := range snap.unreadable {
		if err := p.files(ctx, tx, is, v); err != nil {
			return err
		}
	}
	return p.plans(ctx, tx, snap, v)
}

// unreleased is a model that no release has.
func (p modelPages) unreleased(ctx context.Context, tx fleet.Tx, snap *snapshot, v *ModelPage) error {
	retired, err := p.evidence.retired.of(ctx, tx)
	if err != nil {
		return err
	}
	gone, err := retired(v.Role)
	if err != nil {
		return err
	}
	if gone {
		v.Standing = Retired
	}
	key := "say." + string(v.Standing)
	if len(snap.releases) == 0 {
		key = "headline.no_release"
	} else {
		v.Release = releaseView(snap.releases[0])
	}
	v.Badge, v.Say = p.locale.Say("standing."+string(v.Standing), nil), p.locale.Say(key, sayData{Model: v.Model})
	return nil
}

func (p modelPages) chapter(snap *snapshot, is *issue, device string) Chapter {
	m := p.says.model(snap, is, device, snap.own(is, device))
	return Chapter{p.says.linkTo(is), m.Standing, p.locale.Say("chapter.line", m), m.Rollouts, m.Badge}
}

// plans adds the stages and the trail of every rollout of the model, under every release that has it.
func (p modelPages) plans(ctx context.Context, tx fleet.Tx, snap *snapshot, v *ModelPage) error {
	for _, is := range slices.Concat(snap.of[v.Model.Model], snap.unreadable) {
		for _, r := range is.rollouts {
			if r.Model != v.Model.Model {
				continue
			}
			v.Plans = append(v.Plans, Plan{r.ID, r.Release, r.Channel, stages(r)})
			trail, err := timeline(ctx, tx, r.ID)
			if err != nil {
				return err
			}
			for _, e := range trail {
				v.Timeline = append(v.Timeline, p.says.event(e, r.Release))
			}
		}
	}
	slices.SortStableFunc(v.Timeline, func(a, b Event) int { return b.At.Compare(a.At) })
	return nil
}

// timeline are the newest lines of the trail of a rollout, and, however often it was looked at meanwhile, of what was done to it.
func timeline(ctx context.Context, tx fleet.Tx, rollout string) ([]fleet.AuditEntry, error) {
	lines, err := tx.Audit().OfSubject(ctx, rollout, timelineLength)
	if err != nil || len(lines) < timelineLength {
		return lines, err
	}
	acts, err := tx.Audit().Acts(ctx, rollout, timelineLength)
	for _, e := range acts {
		if e.N < lines[timelineLength-1].N {
			lines = append(lines, e)
		}
	}
	return lines, err
}

// openEvents is how many lines of the trail stand open on the page; older ones are folded.
const openEvents = 3

// Newest are the newest lines of the trail.
func (v *ModelPage) Newest() []Event {
	lines := once(v.Timeline)
	return lines[:min(len(lines), openEvents)]
}

// Current are the plans of the release under which the model stands.
func (v *ModelPage) Current() (now []Plan) {
	for _, plan := range v.Plans {
		if plan.Release == v.Model.Release {
			now = append(now, plan)
		}
	}
	return now
}

// Older are the lines of the trail that Newest leaves out.
func (v *ModelPage) Older() []Event { return once(v.Timeline)[len(v.Newest()):] }

// Doc is the title of the page in the browser.
func (v *ModelPage) Doc() string { return v.On.before(v.Product) }
