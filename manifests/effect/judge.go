// SPDX-License-Identifier: Apache-2.0

package effect

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"landed/manifests/effect/probe"
	"landed/manifests/report"
)

// SilentAfter is how long an installation that waits for the release may be silent. It reports weekly; two missed
// reports and a little are silence.
const SilentAfter = 15 * 24 * time.Hour

// Silent says if an installation whose newest report came at last has been silent for too long. It counts whole days of
// UTC, so that figures kept by day say the same.
func Silent(now, last time.Time) bool { return SilentDay(now, Day(last)) }

// SilentDay is Silent for all whose newest report came on a day.
func SilentDay(now time.Time, day int64) bool {
	return Day(now)-day > int64(SilentAfter/(24*time.Hour))
}

// Day is the number of the UTC day of t, 0 for 1 January 1970.
func Day(t time.Time) int64 {
	const length = 24 * 60 * 60
	day := t.Unix() / length
	if t.Unix()%length < 0 {
		day--
	}
	return day
}

// Program is an effect with its conditions compiled. It may be used from any number of goroutines.
type Program struct {
	Effect   Effect
	rules    []condition // beside Effect.Rules
	runs     []run       // of rules
	findings []condition // beside Effect.Before.Rules
	names    names
}

// run is neighbouring rules of one class, and whether any of them holds: one condition in place of many.
type run struct {
	class string
	kind  Kind
	any   condition
}

// Compile checks e, words too, and makes it ready to judge. The error has every fault.
func Compile(e Effect) (*Program, error) {
	if err := e.Validate(); err != nil {
		return nil, fmt.Errorf("effect %s: %w", e.Name, err)
	}
	return e.compile()
}

// CompilePublished makes an effect ready to judge that was published: it was validated then, by the program of that time,
// and the bounds of today are not asked again. The error says what makes it impossible to judge by e.
func CompilePublished(e Effect) (*Program, error) {
	c, err := newCompiler(e.Ask)
	if err != nil {
		return nil, fmt.Errorf("effect %s: %w", e.Name, err)
	}
	c.published = true
	p, err := e.compileBy(c)
	if err != nil {
		return nil, fmt.Errorf("effect %s: %w", e.Name, err)
	}
	return p, nil
}

func (e Effect) compile() (*Program, error) {
	if len(e.Rules) > maxRules || len(e.Before.Rules) > maxRules { // before any of them costs anything
		return nil, fmt.Errorf("%d rules and %d of before, wanted at most %d of each",
			len(e.Rules), len(e.Before.Rules), maxRules)
	}
	c, err := newCompiler(e.Ask)
	if c.env == nil {
		return nil, err
	}
	p, errRules := e.compileBy(c)
	return p, errors.Join(err, errRules)
}

func (e Effect) compileBy(c compiler) (*Program, error) {
	p := &Program{Effect: e, names: namesOf(e)}
	var faults []error
	for _, r := range e.Rules {
		cond, err := c.compile(r.When)
		if err != nil {
			faults = append(faults, fmt.Errorf("rule %s of class %s: %w", r.Code, r.Class, err))
		}
		p.rules = append(p.rules, cond)
	}
	for _, f := range e.Before.Rules {
		if !c.published && !slices.Contains(e.Before.Findings, f.Finding) && f.Finding != NotSeen {
			faults = append(faults, fmt.Errorf("a rule of before gives %q, which is no finding", f.Finding))
		}
		cond, err := c.compile(f.When)
		if err != nil {
			faults = append(faults, fmt.Errorf("finding %s: %w", f.Finding, err))
		}
		p.findings = append(p.findings, cond)
	}
	if err := errors.Join(faults...); err != nil {
		return p, err
	}
	return p, p.compileRuns(c)
}

// compileRuns joins neighbouring rules of one class by ||. CEL absorbs what cannot be evaluated there if another side
// holds, so a run holds if, and only if, one of its rules does.
func (p *Program) compileRuns(c compiler) error {
	for i := 0; i < len(p.Effect.Rules); {
		class, all := p.Effect.Rules[i].Class, ""
		for ; i < len(p.Effect.Rules) && p.Effect.Rules[i].Class == class; i++ {
			if all != "" {
				all += " || "
			}
			all += "(" + p.Effect.Rules[i].When + ")"
		}
		any, err := c.program(all)
		if err != nil {
			return fmt.Errorf("rules of class %s: %w", class, err)
		}
		p.runs = append(p.runs, run{class, p.Effect.KindOf(class), condition{program: any}})
	}
	return nil
}

// Standard is what an installation of one model is judged by.
type Standard struct {
	Program *Program // nil for a release that claims no effect
	Builds  []Build  // every build of this release, or of a later one that keeps its effect
	Older   []string // fingerprints of builds of earlier releases: what they show is judged under those
	// Published is when builds were published, by fingerprint, as far as the judge knows that: nobody has seen them before.
	Published map[string]time.Time
}

// Build is one build and the image variant it is for.
type Build struct {
	Fingerprint string `json:"fingerprint"`
	Model       string `json:"model"`
	Variant     string `json:"variant"`
}

// Subject is what is judged: the newest report, and what is known about its installation.
type Subject struct {
	Newest report.Report
	Last   time.Time // when it came
	// Elsewhere says that the first report of the installation spoke of another build: it was not sold with this one.
	Elsewhere bool
	Cloned    bool // two different reports carried one sequence number
	// Shown is what Show says of the newest report, if whoever asks has it already.
	Shown *Shown
}

// Shown is what one report shows by itself. It depends on nothing that is known of its installation, so it can be worked out
// before that is looked up.
type Shown struct {
	// Before is what a report of a build without the release shows about the time before it, NotSeen for nothing.
	Before  string
	verdict Verdict
	holds   bool // a rule does
}

// Show has the rules of the effect look at one report.
func Show(r report.Report, by Standard) *Shown {
	s := &Shown{Before: NotSeen}
	if by.Program == nil {
		return s
	}
	_, onRelease := by.find(r.Build)
	a := by.Program.activation(r, onRelease)
	if !slices.Contains(by.Older, r.Build) {
		s.verdict, s.holds = by.Program.judge(r, a)
	}
	if !onRelease {
		s.Before = by.Program.foundBefore(a)
	}
	return s
}

// Verdict is the class, its kind, and why.
type Verdict struct {
	Class   string
	Kind    Kind
	Because []Reason
}

// Judge says what the newest report of an installation proves. The order is: what makes it doubtful that one handset of
// this model speaks; the rules of the effect; silence. It is pure: the same arguments give the same verdict.
func Judge(now time.Time, s Subject, by Standard) Verdict {
	build, onRelease := by.find(s.Newest.Build)
	if because := impostor(s, build); len(because) > 0 {
		return Verdict{Contradictory, Bad, because}
	}
	if because := implausible(s, by); len(because) > 0 {
		return Verdict{Implausible, Unjudged, because}
	}
	if s.Shown == nil {
		s.Shown = Show(s.Newest, by)
	}
	switch {
	case s.Shown.holds:
		return s.Shown.verdict
	case onRelease && by.Program == nil:
		return Verdict{Unknown, Unjudged, []Reason{{Code: CodeNoEffect}}}
	case onRelease:
		return Verdict{Unknown, Unjudged, []Reason{{Code: CodeNoRule}}}
	case Silent(now, s.Last):
		return Verdict{Unknown, Unjudged, []Reason{{Code: CodeSilent}}}
	}
	return Verdict{Unpatched, Unjudged, []Reason{{Code: CodeNotOfRelease}}}
}

func (r Standard) find(fingerprint string) (Build, bool) {
	for _, b := range r.Builds {
		if b.Fingerprint == fingerprint {
			return b, true
		}
	}
	return Build{}, false
}

// impostor lists what makes it doubtful that the report speaks for one handset of its model.
func impostor(s Subject, build Build) []Reason {
	var because []Reason
	if s.Cloned {
		because = append(because, Reason{Code: CodeCloned})
	}
	if build != (Build{}) && (build.Model != s.Newest.Model || build.Variant != s.Newest.Variant) {
		because = append(because, Reason{Code: CodeOtherModel})
	}
	if build == (Build{}) && s.Newest.Progress == report.ProgressRunning {
		because = append(because, Reason{Code: CodeClaimsToRun})
	}
	return because
}

// observedHours is the probe of how long a build has been running. A name means one thing for ever.
const observedHours = "observed_hours"

// clockSlack is what the clocks of a server and a handset may differ by.
const clockSlack = 10 * time.Minute

// implausible lists what nobody can have seen by the time at which the report came. Who was sold with a build had it since
// it was made, which may be before it was published, and spoke of it from the first; a report that comes late can only have
// seen more.
func implausible(s Subject, by Standard) []Reason {
	published, known := by.Published[s.Newest.Build]
	hours, answered := s.Newest.Answers[observedHours]
	if !known || published.IsZero() || !answered || hours.Kind() != probe.KindInt {
		return nil
	}
	if s.Newest.PreviousBuild == "" && !s.Elsewhere {
		published = time.Unix(s.Newest.BuildUTC, 0)
	}
	could := max(s.Last.Sub(published), 0)
	if time.Duration(hours.Int())*time.Hour <= could+clockSlack {
		return nil
	}
	return []Reason{{Code: CodeTooSoon, Values: map[string]string{observedHours: hours.String(),
		"hours": fmt.Sprint(int64(could.Hours()))}}}
}

// judge looks at the rules of the effect. ok is false if none holds.
func (p *Program) judge(r report.Report, a *activation) (v Verdict, ok bool) {
	at := slices.IndexFunc(p.runs, func(r run) bool { return (r.kind != Good || a.complete) && r.any.holds(a) })
	if at < 0 {
		return v, false
	}
	v.Class, v.Kind = p.runs[at].class, p.runs[at].kind
	for i, rule := range p.Effect.Rules {
		if rule.Class == v.Class && p.rules[i].holds(a) {
			v.Because = append(v.Because, p.reason(i, r))
		}
	}
	return v, true
}

// reason is the code of a rule that holds, with the answers that its condition looked at. What nobody asked for, such
// as a word that is not on the list, does not travel on.
func (p *Program) reason(i int, r report.Report) Reason {
	reason := Reason{Code: p.Effect.Rules[i].Code}
	for _, name := range p.rules[i].names {
		q, _ := p.Effect.Find(name)
		if v, answered := answer(r, name, p.Effect.PromptDay); answered && q.Allows(v) {
			if reason.Values == nil {
				reason.Values = map[string]string{}
			}
			reason.Values[name] = v.String()
		}
	}
	return reason
}

func (p *Program) foundBefore(a *activation) string {
	for i, f := range p.Effect.Before.Rules {
		if p.findings[i].holds(a) {
			return f.Finding
		}
	}
	return NotSeen
}

// Strongest is the finding that says more about the time before: it does not depend on the order in which reports come.
func (e Effect) Strongest(a, b string) string {
	for _, f := range e.Before.Findings {
		if f == a || f == b {
			return f
		}
	}
	return NotSeen
}
