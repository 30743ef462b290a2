// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"landed/manifests/effect"
	"landed/server/fleet"
	"landed/server/known"
	"landed/server/support/advice"
	"landed/web"
)

// KnownIssue is what people know of some installations, in their words.
type KnownIssue struct {
	ID      int64    `json:"id"`
	Models  []string `json:"models"`  // none: every model
	Release string   `json:"release"` // "": any
	Subject string   `json:"subject"` // cause, progress or class
	Value   string   `json:"value"`   // of the subject
	Text    string   `json:"text"`
	Lang    string   `json:"lang"` // of the text: that of the page if somebody wrote it in that
	Link    string   `json:"link"` // "": nowhere
	Since   string   `json:"since"`
	Until   string   `json:"until,omitempty"` // missing: it holds
	Who     string   `json:"who"`             // is to act
	About   string   `json:"about"`           // whom it explains, in words
}

// Host is where the link leads.
func (k KnownIssue) Host() string {
	u, err := url.Parse(k.Link)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// KnownTold is a known issue as it is told of one installation.
type KnownTold struct {
	KnownIssue
	advice.Told
}

// Known is what is known of the installations of a release, and how many each known issue explains: apart from all that
// nothing explains yet.
type Known struct {
	Issues []KnownIssue `json:"issues"` // that hold, in the order in which they were written
	Ended  []KnownIssue `json:"ended"`  // that were withdrawn
	Counts []KnownCount `json:"counts"` // by how far the update is; by what the reports prove
}

// KnownCount is one of the two questions to which every installation has one answer. What each known issue explains,
// Unexplained and Others add up to Installations.
type KnownCount struct {
	Axis          known.Axis  `json:"axis"`
	Explained     []KnownLine `json:"explained"`
	Unexplained   int64       `json:"unexplained"` // failed, or of a bad kind, and nothing explains it
	Others        int64       `json:"others"`
	Installations int64       `json:"installations"`
	Bad           int64       `json:"bad"` // failed, or of a bad kind, explained or not

	rows []web.Row
}

// KnownLine is how many installations a known issue explains, that no earlier one does.
type KnownLine struct {
	ID            int64 `json:"id"`
	Installations int64 `json:"installations"`
	Bad           int64 `json:"bad"` // of those
}

// Rows are the lines of the table.
func (c KnownCount) Rows() []web.Row { return c.rows }

// Any says that something is known, or was.
func (k *Known) Any() bool { return k != nil && len(k.Issues)+len(k.Ended) > 0 }

// Axes are the counts to which some known issue adds.
func (k *Known) Axes() (some []KnownCount) {
	for _, c := range k.Counts {
		if len(c.Explained) > 0 {
			some = append(some, c)
		}
	}
	return some
}

// A page has at most endedShown withdrawn ones, the last that were written of the endedRead that were withdrawn last anywhere: others
// are in no page, however many there were.
const (
	endedShown = 20
	endedRead  = known.MaxStanding
)

// knownOf is what is known of a release on some of its models, and how many that explains on each.
func (d describer) knownOf(
	ctx context.Context, tx fleet.Tx, snap *snapshot, is *issue, devices ...string,
) (*Known, map[string][]known.Count, error) {
	v := &Known{Issues: []KnownIssue{}, Ended: []KnownIssue{}, Counts: []KnownCount{}}
	all, err := tx.KnownIssues().Standing(ctx, endedRead)
	if err != nil {
		return nil, nil, err
	}
	for _, k := range known.Touching(all, is.Name, devices...) {
		if k.Holds() {
			v.Issues = append(v.Issues, d.knownIssue(k, is.lex))
		} else {
			v.Ended = append(v.Ended, d.knownIssue(k, is.lex))
		}
	}
	v.Ended = v.Ended[max(0, len(v.Ended)-endedShown):]
	counter := known.CounterOf(all, is.Name, func(c fleet.Class) bool { return is.lex.kindOf(c) == effect.Bad })
	by, each := map[string][]known.Count{}, [][]known.Count{}
	for _, device := range devices {
		by[device] = counter.On(device, snap.cellsOf(is, device)...)
		each = append(each, by[device])
	}
	for _, c := range counter.Together(each...) {
		v.Counts = append(v.Counts, knownCountOf(c, d.words.locale))
	}
	return v, by, nil
}

// kindOf is the kind of a class; of one that the effect does not have, nothing can be said.
func (l lexicon) kindOf(name fleet.Class) effect.Kind {
	i := slices.IndexFunc(l.classes, func(c class) bool { return c.key == string(name) })
	if i < 0 {
		return effect.Unjudged
	}
	return l.classes[i].kind
}

// knownCountOf is c with the lines of its table.
func knownCountOf(c known.Count, locale *web.Locale) KnownCount {
	v := KnownCount{Axis: c.Axis, Explained: []KnownLine{}, Unexplained: c.Bad, Others: c.Rest, Installations: c.All, Bad: c.AllBad}
	add := func(key string, n int64, name string) {
		v.rows = append(v.rows, web.Row{Key: key, Count: n, Of: c.All, Name: name})
	}
	for _, e := range c.Explained {
		v.Explained = append(v.Explained, KnownLine{e.Issue.ID, e.N, e.Bad})
		add(fmt.Sprint("issue-", e.Issue.ID), e.N, locale.Say("known.issue", e.Issue.ID))
	}
	add("unexplained", c.Bad, locale.Say("known.unexplained."+string(c.Axis), nil))
	add("others", c.Rest, locale.Say("known.others", nil))
	return v
}

// knownIssue is k in the language of the page, else in English.
func (d describer) knownIssue(k fleet.KnownIssue, lex lexicon) KnownIssue {
	locale := d.words.locale
	v := KnownIssue{
		ID: k.ID, Models: []string{}, Release: k.Release, Subject: string(k.Subject), Value: k.Value, Link: k.Link,
		Since: k.Since.Format(time.DateOnly), Who: string(k.Who),
	}
	v.Models = append(v.Models, k.Models...)
	for _, t := range k.Text {
		if t.Lang == locale.Tag || t.Lang == known.English && v.Lang == "" {
			v.Text, v.Lang = clean(t.Text), t.Lang
		}
	}
	if !k.Holds() {
		v.Until = k.Ended.UTC().Format(time.DateOnly)
	}
	v.About = locale.Say("known.about."+v.Subject, aboutOf(k, lex))
	return v
}

// aboutOf names in words what a known issue is about.
func aboutOf(k fleet.KnownIssue, lex lexicon) string {
	switch k.Subject {
	case fleet.KnownCause:
		return lex.locale.Say("cause."+k.Value, nil)
	case fleet.KnownProgress:
		return lex.locale.Say("step."+k.Value, nil)
	}
	return clean(lex.classWords(k.Value, nil).Name)
}

// knownTo is what the advice has to know of the known issues that explain an installation.
func knownTo(all []fleet.KnownIssue) (some []advice.Known) {
	for _, k := range all {
		some = append(some, advice.Known{Verdict: known.AxisOf(k) == known.Verdict, Who: advice.Who(k.Who)})
	}
	return some
}

// table has the rows of the table of a model.
func (k *Known) table(add func(of, key string, n, whole int64)) {
	if k == nil {
		return
	}
	for _, c := range k.Counts {
		for _, row := range c.rows {
			add("known_"+string(c.Axis), row.Key, row.Count, row.Of)
		}
	}
}

// knownColumns are those of a table of models: what is explained of those that failed, and of those of a bad kind.
var knownColumns = []string{"failed_explained", "failed_unexplained", "bad_explained", "bad_unexplained"}

func knownCells(all []known.Count) (cells []string) {
	for _, c := range all {
		cells = append(cells, count(c.AllBad-c.Bad), count(c.Bad))
	}
	return cells
}
