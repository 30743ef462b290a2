// SPDX-License-Identifier: Apache-2.0

package effect

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"landed/manifests/effect/probe"
	"landed/manifests/report"
	v1 "landed/manifests/report/v1"
)

var now = time.Date(2014, 8, 20, 12, 0, 0, 0, time.UTC)

const (
	patchedBuild   = "Xiaomi/armani/armani:4.3/JLS36C/JHCCNBF45.0:user/release-keys"
	unpatchedBuild = "Xiaomi/armani/armani:4.3/JLS36C/JHCCNBF33.0:user/release-keys"
	globalBuild    = "Xiaomi/armani/armani:4.3/JLS36C/JHCMIBH45.0:user/release-keys"
)

var testBuilds = []Build{{patchedBuild, "armani", "armani"}, {globalBuild, "armani", "armani_global"}}

// point is one point of the space over which the two judges are compared: an answer to each probe, by its index, and
// what the core says.
type point struct {
	answers  []int
	build    int // patched, unpatched, for the other variant
	progress int
	updated  bool
	silent   bool
	cloned   bool
}

func draw(p *Program, random *rand.Rand) point {
	at := point{
		build: random.IntN(3), progress: random.IntN(len(report.ProgressValues)), updated: random.IntN(2) == 0,
		silent: random.IntN(4) == 0, cloned: random.IntN(20) == 0,
	}
	for _, q := range p.Effect.Probes {
		at.answers = append(at.answers, random.IntN(int(q.Cardinality())))
	}
	return at
}

func valueAt(q probe.Probe, i int) probe.Value {
	switch {
	case q.Kind == probe.KindBool:
		return probe.Bool(i == 1)
	case q.Kind == probe.KindEnum:
		return probe.Word(q.Values[i])
	case len(q.Buckets) > 0:
		return probe.Int(q.Buckets[i])
	}
	return probe.Int(int64(i))
}

// subjects are the point as the new judge and the old one get it.
func (at point) subjects(p *Program) (Subject, oldSubject) {
	answers := probe.Answers{}
	for i, q := range p.Effect.Probes {
		answers[q.Name] = valueAt(q, at.answers[i])
	}
	r := report.Report{
		Schema: 2, Kind: report.KindEffect, Model: "armani", Variant: "armani", Answers: answers,
		Build: []string{patchedBuild, unpatchedBuild, globalBuild}[at.build], Progress: report.ProgressValues[at.progress],
	}
	if at.updated {
		r.PreviousBuild = report.BuildOther
	}
	last := now.Add(-time.Hour)
	if at.silent {
		last = now.Add(-SilentAfter - 24*time.Hour)
	}
	return Subject{Newest: r, Last: last, Cloned: at.cloned}, oldSubject{bodyOf(r), last, at.cloned}
}

// bodyOf is the body of version 1 that gives the answers of r.
func bodyOf(r report.Report) v1.Body {
	a := r.Answers
	b := v1.Body{Kind: r.Kind, Model: r.Model, Variant: r.Variant, Build: r.Build, PreviousBuild: r.PreviousBuild, Progress: r.Progress}
	b.Evidence = v1.Evidence{
		Feature: int(a["feature"].Int()), State: v1.State(a["state"].Word()),
		Origin: v1.Origin(a["origin"].Word()), Consent: v1.Consent(a["consent"].Word()),
		ConsentDay:    map[string]string{"no_day": "", "before_prompt": "2014-07-01", "since_prompt": "2014-08-12"}[a["consent_when"].Word()],
		AutoGate:      v1.Gate(a["auto_gate"].Word()),
		AttemptsSetup: int(a["attempts_setup"].Int()), AttemptsBuild: int(a["attempts_build"].Int()), LookupsOff: int(a["lookups_off"].Int()),
		Triggers:      v1.Triggers{Boot: a["boot"].True(), SIMReady: a["sim_ready"].True(), DataUp: a["data_up"].True()},
		ObservedHours: int(a["observed_hours"].Int()), Transport: v1.Transport(a["transport"].Word()),
	}
	for _, slot := range []string{a["slot_1"].Word(), a["slot_2"].Word()} {
		s := v1.Slot{Present: slot != "absent", By: v1.RegisteredByNone}
		if slot == "auto" || slot == "user" {
			s.Registered, s.By = true, v1.Registrant(slot)
		}
		b.Evidence.Slots = append(b.Evidence.Slots, s)
	}
	return b
}

// quiet is the point of a patched, switched off, fully tested handset: near it the classes meet.
func quiet(p *Program) point {
	at := point{updated: true, progress: slices.Index(report.ProgressValues, report.ProgressRunning)}
	good := map[string]int{"feature": 1, "origin": 4, "auto_gate": 1, "slot_1": 1, "boot": 1, "sim_ready": 1, "data_up": 1,
		"observed_hours": 2}
	for _, q := range p.Effect.Probes {
		at.answers = append(at.answers, good[q.Name])
	}
	return at
}

// chosen is the point of a patched handset whose user switched the service on.
func chosen(p *Program) point {
	at := quiet(p)
	for i, q := range p.Effect.Probes {
		switch q.Name {
		case "state", "consent":
			at.answers[i] = 1 // on, in
		case "origin":
			at.answers[i] = 3 // user
		case "consent_when":
			at.answers[i] = 2 // since_prompt
		}
	}
	return at
}

// around compares at every pair of changes to base.
func around(p *Program, base point, compare func(point)) {
	for i, q := range p.Effect.Probes {
		for v := range int(q.Cardinality()) {
			for j, q2 := range p.Effect.Probes[i:] {
				for v2 := range int(q2.Cardinality()) {
					at := base
					at.answers = slices.Clone(base.answers)
					at.answers[i], at.answers[i+j] = v, v2
					compare(at)
					at.updated = false
					compare(at)
				}
			}
		}
	}
}

// TestJudgesAgree compares the effect as data with the judge in Go that it replaced: at random over the whole space of
// answers, and at every pair of changes to the points where the classes meet.
func TestJudgesAgree(t *testing.T) {
	p := shipped(t, "cloud-messaging-opt-in")
	by, old := Standard{Program: p, Builds: testBuilds}, oldRule{p.Effect.PromptDay, testBuilds}
	seen := map[string]int{}
	compare := func(at point) {
		t.Helper()
		s, o := at.subjects(p)
		got, want := Judge(now, s, by), oldJudge(now, o, old)
		seen[want.Class]++
		if got.Class != want.Class || got.Kind != p.Effect.KindOf(want.Class) || len(got.Because) == 0 {
			t.Fatalf("%+v\n%v\ngot %+v, the old judge says %+v", at, s.Newest.Answers, got, want)
		}
		// The same through version 1, as stored reports come.
		read := o.Newest.Report()
		if again := Judge(now, Subject{Newest: read, Last: s.Last, Cloned: s.Cloned}, by); again.Class != want.Class {
			t.Fatalf("%+v\nas version 1 it is %+v, the old judge says %+v", at, again, want)
		}
		if at.build == 1 { // of a build of the release nothing is found about the time before
			if found, was := Show(s.Newest, by).Before, oldFoundBefore(o.Newest); found != was {
				t.Fatalf("%+v\nfound before: %s, and by the old judge %s", at, found, was)
			}
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	points := 40_000
	if testing.Short() {
		points = 10_000
	}
	for range points {
		compare(draw(p, random))
	}
	for _, base := range []point{quiet(p), chosen(p)} {
		around(p, base, compare)
	}
	for _, c := range p.Effect.All() {
		if seen[c.Name] == 0 && c.Name != Implausible { // which the old judge did not know
			t.Errorf("the comparison never met the class %s", c.Name)
		}
	}
	t.Logf("compared: %v", seen)
}

// TestUnanswered takes one answer away from every good report: what is not answered never satisfies a good class.
func TestUnanswered(t *testing.T) {
	p := shipped(t, "cloud-messaging-opt-in")
	s, _ := quiet(p).subjects(p)
	if v := Judge(now, s, Standard{Program: p, Builds: testBuilds}); v.Class != "confirmed_off" {
		t.Fatalf("whole: %+v", v)
	}
	for _, q := range p.Effect.Probes {
		left := probe.Answers{}
		for name, value := range s.Newest.Answers {
			if name != q.Name {
				left[name] = value
			}
		}
		less := s
		less.Newest.Answers = left
		if v := Judge(now, less, Standard{Program: p, Builds: testBuilds}); v.Kind == Good {
			t.Errorf("without an answer to %s: %+v", q.Name, v)
		}
	}
}

// BenchmarkJudge prints what a verdict costs as data, beside the judge in Go that it replaced.
func BenchmarkJudge(b *testing.B) {
	p := shipped(b, "cloud-messaging-opt-in")
	random := rand.New(rand.NewPCG(1, 2))
	var subjects []Subject
	var olds []oldSubject
	for range 1000 {
		s, o := draw(p, random).subjects(p)
		subjects, olds = append(subjects, s), append(olds, o)
	}
	by, old := Standard{Program: p, Builds: testBuilds}, oldRule{p.Effect.PromptDay, testBuilds}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		Judge(now, subjects[i%len(subjects)], by)
	}
	elapsed := b.Elapsed()
	start, n := time.Now(), max(b.N, 1000)
	for i := range n {
		oldJudge(now, olds[i%len(olds)], old)
	}
	b.ReportMetric(float64(time.Since(start).Nanoseconds())/float64(n), "ns/op-in-Go")
	b.ReportMetric(float64(elapsed.Nanoseconds())/float64(b.N)/float64(len(p.Effect.Rules)), "ns/rule")
}

// TestOlderBuilds: a handset that still runs a build of an earlier release has not met this one. What that build does is
// judged under its own release, however bad.
func TestOlderBuilds(t *testing.T) {
	p := shipped(t, "cloud-messaging-opt-in")
	s, _ := quiet(p).subjects(p)
	s.Newest.Build, s.Newest.Progress = unpatchedBuild, report.ProgressKnown
	s.Newest.Answers["auto_gate"] = probe.Word("open") // a bad build of the release before
	by := Standard{Program: p, Builds: testBuilds}
	if v := Judge(now, s, by); v.Class != Contradictory {
		t.Errorf("of nobody's build: %+v", v)
	}
	by.Older = []string{unpatchedBuild}
	if v := Judge(now, s, by); v.Class != Unpatched {
		t.Errorf("of an earlier release: %+v", v)
	}
	s.Last = now.Add(-SilentAfter)
	if v := Judge(now, s, by); v.Class != Unpatched {
		t.Errorf("fifteen days: %+v", v)
	}
	s.Last = now.Add(-SilentAfter - 24*time.Hour)
	if v := Judge(now, s, by); v.Class != Unknown {
		t.Errorf("and silent: %+v", v)
	}
}
