// SPDX-License-Identifier: Apache-2.0

package support

import (
	"slices"
	"time"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/web"
)

// Moment is one thing that happened to an installation, as its reports told it.
type Moment struct {
	At    time.Time `json:"at"`   // when the report came
	Code  string    `json:"code"` // heard, left, met, downloading, installed, running, failed, known, shown, switch, silence
	Words string    `json:"words"`
}

// storyData is what the sentences of a story may use.
type storyData struct {
	At                     time.Time
	Release, Class, Answer string
	Failure                string
	Days                   int64
	Gap                    bool // reports before the first of these are not told here
}

// story tells what happened to an installation, the oldest first: from its first report, how it stood when it left older
// releases, and the reports that are listed. What is late changed nothing, and what was dropped is no longer known.
func (p installationPages) story(first time.Time, shown []ShownOf, told []Statement, all bool) []Moment {
	out := []Moment{{first.UTC(), "heard", p.locale.Say("story.heard", storyData{At: first, Gap: !all})}}
	shown = slices.SortedFunc(slices.Values(shown), func(a, b ShownOf) int { return a.Last.Compare(b.Last) })
	for _, older := range shown {
		if !older.Current && len(told) > 0 && older.Last.Before(told[0].At) {
			data := storyData{At: older.Last, Release: older.Release, Class: older.Name}
			out = append(out, Moment{older.Last, "left", p.locale.Say("story.left", data)})
		}
	}
	var last *Statement
	for n := range told {
		st := &told[n]
		if st.Dropped != "" || st.Late {
			continue
		}
		say := func(code string, data storyData) {
			data.At, data.Release, data.Class, data.Answer, data.Failure = st.At, st.Release, st.Name, st.switched, st.failure
			out = append(out, Moment{st.At, code, p.locale.Say("story."+code, data)})
		}
		if last != nil && effect.Day(st.At)-effect.Day(last.At) > int64(effect.SilentAfter/(24*time.Hour)) {
			say("silence", storyData{Days: int64(daysSince(st.At, last.At))})
		}
		met := last == nil || last.Release != st.Release
		if met {
			say("met", storyData{})
		}
		if met && st.Progress != report.ProgressKnown || !met && (last.Progress != st.Progress || last.failure != st.failure) {
			say(string(st.Progress), storyData{})
		}
		if st.switched != "" && (met || last.switched != st.switched) {
			say("switch", storyData{})
		}
		if met && st.Verdict != effect.Unpatched || !met && last.Verdict != st.Verdict {
			say("shown", storyData{})
		}
		last = st
	}
	return out
}

// Field is one field of a report: what it says, and all that it could say.
type Field struct {
	Field  string `json:"field"` // as it stands in the report
	Name   string `json:"name"`
	Answer string `json:"answer"`
	Range  string `json:"range"` // all that the field can hold
}

// fields are those of a report in the order in which they stand there: who it is about, how far the update is, and the answers to
// what the effect asks.
func (p installationPages) fields(r report.Report, lex lexicon, family string) []Field {
	var out []Field
	say := func(key string, data any) string { return p.locale.Say(key, data) }
	add := func(field, answer string) {
		if answer == "" {
			answer = say("field.nothing", nil)
		}
		out = append(out, Field{field, say("field."+field, nil), clean(answer), say("field."+field+".range", nil)})
	}
	utc := ""
	if r.BuildUTC > 0 {
		utc = p.locale.When(time.Unix(r.BuildUTC, 0))
	}
	add("key", r.Key)
	add("seq", p.locale.Number(r.Seq))
	add("kind", say("kind."+string(r.Kind), nil))
	add("release", r.Release)
	add("model", r.Model)
	add("variant", r.Variant)
	add("channel", r.Channel)
	add("build", r.Build)
	add("build_utc", utc)
	add("previous_build", r.PreviousBuild)
	add("progress", say("step."+string(r.Progress), nil))
	if failure := ""; r.Progress == report.ProgressFailed || r.Failure != nil {
		if r.Failure != nil {
			failure = p.failure(*r.Failure, family)
		}
		add("failure", failure)
	}
	if r.Schema > 1 {
		add("attempt", p.locale.Number(int64(r.Attempt)))
	}
	if r.Schema > 2 {
		add("draw_commit", r.DrawCommit)
		add("draw", r.Draw)
	}
	return append(out, lex.answered(r, p.locale)...)
}

// answered are the answers of a report to the probes of the effect; those that it did not answer, too.
func (l lexicon) answered(r report.Report, locale *web.Locale) []Field {
	var out []Field
	if l.effect == nil {
		return nil
	}
	for _, q := range l.effect.Probes {
		words := locale.Say("field.nothing", nil)
		if value, ok := l.value(r, q); ok {
			words = clean(l.answer(q.Name, value.String()))
		}
		out = append(out, Field{q.Name, clean(l.probeName(q.Name)), words, clean(l.rangeOf(q))})
	}
	return out
}
