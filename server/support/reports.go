// SPDX-License-Identifier: Apache-2.0

package support

import (
	"encoding/hex"
	"net/url"
	"slices"
	"time"

	"landed/manifests/effect"
	"landed/manifests/effect/probe"
	"landed/manifests/report"
	"landed/manifests/report/envelope"
	"landed/server/fleet"
	"landed/server/published"
)

// Statement is one report in words, and what it proved on the day it came.
type Statement struct {
	ID       string          `json:"id"`
	Seq      int64           `json:"seq"`
	At       time.Time       `json:"at"`
	Late     bool            `json:"late"`    // came after a newer one; history only
	Schema   int             `json:"schema"`  // version of its body
	Release  string          `json:"release"` // that it speaks of
	Kind     report.Kind     `json:"kind"`
	Progress report.Progress `json:"progress"`
	Build    string          `json:"build"`
	Said     []string        `json:"said"`
	Changed  []string        `json:"changed"` // of what it said, what the report before did not; all of it in the first
	Verdict  fleet.Class     `json:"verdict"`
	Because  []string        `json:"because"`
	Envelope string          `json:"envelope"` // path of the report as it was signed; "" if its body was dropped
	// SHA-256 of the report as it was signed, where its body was dropped: what it said is gone
	Dropped string `json:"dropped,omitempty"`

	Before       int64  `json:"-"` // sequence of the report before; 0 in the first
	NewBuild     bool   `json:"-"` // the report before ran another build
	NewRelease   bool   `json:"-"` // the report before spoke of another release
	Name, Colour string `json:"-"` // of the verdict

	why      []effect.Reason
	answers  probe.Answers
	switched string // what it says of the switch of the effect, "" for nothing
	failure  string // what it says of a failure
}

// statements puts stored reports of an installation into words; first is the build that the one that came first spoke of.
type statements struct {
	installationPages
	all   published.Releases
	first string
}

// statement puts one stored report into words and judges it, against the release it speaks
// of, as of the day it came.
func (p statements) statement(sr fleet.StoredReport) (Statement, error) {
	if sr.Dropped() {
		return Statement{ID: sr.ID, Seq: sr.Seq, At: sr.At.UTC(), Late: sr.Late, Dropped: hex.EncodeToString(sr.Sum), Said: []string{},
			Changed: []string{}, Because: []string{}}, nil
	}
	r, _, err := envelope.Open(sr.Envelope)
	if err != nil {
		return Statement{}, err // it opened when it was stored: the store is damaged
	}
	rule, _ := p.all.Standard(r.Release, r.Model) // nothing is proven by a release that is not published
	family := ""
	if m, ok := p.lineup.device(r.Model); ok {
		family = m.Profile.Family
	}
	lex := p.evidence.words.named(p.all, r.Release)
	judged := effect.Judge(sr.At, effect.Subject{Newest: r, Last: sr.At, Elsewhere: p.first != r.Build}, rule)
	if lex.unread {
		_, judged.Kind, judged.Because = unread()
		judged.Class = effect.Unknown
	}
	st := Statement{
		ID: sr.ID, Seq: sr.Seq, At: sr.At.UTC(), Late: sr.Late, Schema: r.Schema, Release: r.Release, Kind: r.Kind,
		Progress: r.Progress, Build: r.Build, Said: p.said(r, lex, family),
		Verdict: fleet.Class(judged.Class), Because: lex.reasons(judged.Because),
		Name: clean(lex.classWords(judged.Class, judged.Because).Name), Colour: lex.colour(judged.Class),
		Envelope: p.links.To("/installations/" + string(sr.Ref) + "/reports/" + url.PathEscape(sr.ID)),
		why:      judged.Because, answers: r.Answers,
	}
	if sw := lex.switchOf(r); sw != nil {
		st.switched = sw.Words
	}
	if r.Failure != nil {
		st.failure = p.failure(*r.Failure, family)
	}
	return st, nil
}

// since says what changed between the last of earlier of which it is known what it said, and st.
func (st Statement) since(earlier []Statement) Statement {
	if st.Dropped != "" {
		return st
	}
	told := slices.DeleteFunc(slices.Clone(earlier), func(one Statement) bool { return one.Dropped != "" })
	if len(told) == 0 {
		st.Changed, st.NewBuild = st.Said, true
		return st
	}
	last := told[len(told)-1]
	st.NewRelease = st.Release != last.Release
	st.Before, st.NewBuild, st.Changed = last.Seq, st.Build != last.Build, []string{}
	for _, sentence := range st.Said {
		if st.NewRelease || !slices.Contains(last.Said, sentence) { // another release asks other questions
			st.Changed = append(st.Changed, sentence)
		}
	}
	return st
}

// Newest lists the reports as a reader wants them: the newest first.
func (v *InstallationPage) Newest() []Statement {
	newest := slices.Clone(v.Reports)
	slices.Reverse(newest)
	return newest
}
