// SPDX-License-Identifier: Apache-2.0

package verdict

import (
	"strings"
	"testing"
	"time"

	"landed/manifests"
	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/reasons"
)

var now = time.Date(2014, 8, 20, 12, 0, 0, 0, time.UTC)

const (
	patchedBuild   = "Xiaomi/armani/armani:4.3/JLS36C/JHCCNBF45.0:user/release-keys"
	unpatchedBuild = "Xiaomi/armani/armani:4.3/JLS36C/JHCCNBF33.0:user/release-keys"
)

var rule = Rule{
	Effect: manifests.OptInRelease().Effect,
	Builds: []Build{{patchedBuild, "armani", "armani"}, {"other/build", "dior", "dior"}},
}

// quiet is a report of a patched, switched off, fully tested handset.
func quiet() Subject {
	return Subject{Last: now.Add(-time.Hour), Newest: report.Report{
		Kind: report.KindEffect, Progress: report.ProgressRunning, Model: "armani", Variant: "armani", Build: patchedBuild,
		Evidence: report.Evidence{
			Feature: 1, Migration: report.MigrationSwitchOff, State: report.StateOff, Origin: report.OriginPolicy, Consent: report.ConsentNone,
			ConsentSurface: report.SurfaceNone, AutoGate: report.GateClosed, Transport: report.TransportNotUsed, ObservedHours: 24,
			Slots:    []report.Slot{{Present: true, By: report.RegisteredByNone}},
			Triggers: report.Triggers{Boot: true, SIMReady: true, DataUp: true, DayPassed: true},
		},
	}}
}

// before is a report of an unpatched handset that activated itself.
func before() Subject {
	s := quiet()
	s.Newest.Build, s.Newest.Progress, s.Newest.Kind = unpatchedBuild, report.ProgressKnown, report.KindBaseline
	e := &s.Newest.Evidence
	e.Feature, e.Migration, e.State, e.Origin, e.AutoGate = 0, report.MigrationNotApplicable, report.StateOn, report.OriginAuto, report.GateOpen
	e.AttemptsSetup, e.AttemptsBuild, e.LookupsOff, e.Transport = 3, 3, 0, report.TransportHTTP
	e.Slots[0] = report.Slot{Present: true, Registered: true, By: report.RegisteredByAuto}
	return s
}

func TestJudge(t *testing.T) {
	tests := map[string]struct {
		from  func() Subject
		alter func(*Subject, *report.Evidence)
		want  fleet.Class
		words string
	}{
		"tested and quiet":       {quiet, nil, fleet.ConfirmedOff, "tested"},
		"fresh on the patch":     {quiet, func(s *Subject, e *report.Evidence) { e.Origin = report.OriginFactoryDefault }, fleet.ConfirmedOff, ""},
		"opted out":              {quiet, func(s *Subject, e *report.Evidence) { e.Origin, e.Consent = report.OriginUser, report.ConsentOut }, fleet.ConfirmedOff, ""},
		"asked, no answer":       {quiet, func(s *Subject, e *report.Evidence) { e.State = report.StateSuspended }, fleet.ConfirmedOff, ""},
		"opted in":               {quiet, func(s *Subject, e *report.Evidence) { consent(e, "2014-08-12") }, fleet.Consented, "user"},
		"opted in, untested":     {quiet, func(s *Subject, e *report.Evidence) { consent(e, "2014-08-12"); e.ObservedHours = 0 }, fleet.Consented, ""},
		"consent on prompt day":  {quiet, func(s *Subject, e *report.Evidence) { consent(e, "2014-08-01") }, fleet.Consented, ""},
		"carried over":           {quiet, func(s *Subject, e *report.Evidence) { e.State, e.Origin = report.StateOn, report.OriginCarriedOver }, fleet.CarriedOver, "nobody was asked"},
		"registered by itself":   {quiet, registered(report.RegisteredByAuto), fleet.RegisteredByItself, "slot 1"},
		"registered by its user": {quiet, registered(report.RegisteredByUser), fleet.ConfirmedOff, ""},
		"no SIM":                 {quiet, func(s *Subject, e *report.Evidence) { e.Triggers.SIMReady = false }, fleet.NotExercised, "SIM"},
		"no data":                {quiet, func(s *Subject, e *report.Evidence) { e.Triggers.DataUp = false }, fleet.NotExercised, "data"},
		"not booted":             {quiet, func(s *Subject, e *report.Evidence) { e.Triggers.Boot = false }, fleet.NotExercised, "booted"},
		"an hour of silence":     {quiet, func(s *Subject, e *report.Evidence) { e.ObservedHours = 1 }, fleet.NotExercised, "1 of 24"},
		"23 hours":               {quiet, func(s *Subject, e *report.Evidence) { e.ObservedHours = 23 }, fleet.NotExercised, ""},
		"activated itself":       {quiet, attempts(1), fleet.Leak, "activated itself once"},
		"looked up contacts":     {quiet, func(s *Subject, e *report.Evidence) { e.LookupsOff = 2 }, fleet.Leak, "contact numbers"},
		"plain HTTP":             {quiet, func(s *Subject, e *report.Evidence) { e.Transport = report.TransportHTTP }, fleet.Leak, "plain HTTP"},
		"consented over HTTP":    {quiet, func(s *Subject, e *report.Evidence) { consent(e, "2014-08-12"); e.Transport = report.TransportHTTP }, fleet.Leak, ""},
		"consented over HTTPS":   {quiet, func(s *Subject, e *report.Evidence) { consent(e, "2014-08-12"); e.Transport = report.TransportHTTPS }, fleet.Consented, ""},
		"leak with the gate open": {quiet, func(s *Subject, e *report.Evidence) {
			attempts(4)(s, e)
			e.AutoGate = report.GateOpen
		}, fleet.Leak, ""},
		"leak before carried over": {quiet, func(s *Subject, e *report.Evidence) {
			attempts(1)(s, e)
			e.State, e.Origin = report.StateOn, report.OriginCarriedOver
		}, fleet.Leak, ""},
		"quiet, then long silent": {quiet, func(s *Subject, e *report.Evidence) { s.Last = now.Add(-400 * 24 * time.Hour) }, fleet.ConfirmedOff, ""},

		"switched itself on":         {quiet, func(s *Subject, e *report.Evidence) { e.State, e.Origin = report.StateOn, report.OriginAuto }, fleet.Contradictory, "switched itself on"},
		"on by default":              {quiet, func(s *Subject, e *report.Evidence) { e.State, e.Origin = report.StateOn, report.OriginFactoryDefault }, fleet.Contradictory, "factory default"},
		"on by policy":               {quiet, func(s *Subject, e *report.Evidence) { e.State = report.StateOn }, fleet.Contradictory, "policy"},
		"on by user, no consent":     {quiet, func(s *Subject, e *report.Evidence) { e.State, e.Origin = report.StateOn, report.OriginUser }, fleet.Contradictory, "without a consent"},
		"off, carried over":          {quiet, func(s *Subject, e *report.Evidence) { e.Origin = report.OriginCarriedOver }, fleet.Contradictory, "carried over"},
		"gate open, nothing sent":    {quiet, func(s *Subject, e *report.Evidence) { e.AutoGate = report.GateOpen }, fleet.Contradictory, "guard"},
		"consent too early":          {quiet, func(s *Subject, e *report.Evidence) { consent(e, "2014-07-31") }, fleet.Contradictory, "before any build"},
		"consent on no day":          {quiet, func(s *Subject, e *report.Evidence) { consent(e, "") }, fleet.Contradictory, ""},
		"more since build than ever": {quiet, func(s *Subject, e *report.Evidence) { e.AttemptsBuild = 2 }, fleet.Leak, "activated itself 2 times"},
		"leak of a build that switched itself on": {quiet, func(s *Subject, e *report.Evidence) {
			attempts(40)(s, e)
			e.State, e.Origin, e.AutoGate, e.Transport = report.StateOn, report.OriginAuto, report.GateOpen, report.TransportHTTP
		}, fleet.Leak, "plain HTTP"},
		"leak of a clone": {quiet, func(s *Subject, e *report.Evidence) {
			attempts(1)(s, e)
			s.Cloned = true
		}, fleet.Contradictory, "sequence number"},
		"fresh, activated since set-up": {quiet, func(s *Subject, e *report.Evidence) { e.AttemptsSetup = 7 }, fleet.Leak, "since"},
		"updated, activated before":     {quiet, func(s *Subject, e *report.Evidence) { s.Newest.PreviousBuild, e.AttemptsSetup = report.BuildOther, 7 }, fleet.ConfirmedOff, ""},
		"cloned":                        {quiet, func(s *Subject, e *report.Evidence) { s.Cloned = true }, fleet.Contradictory, "sequence number"},
		"build of another model":        {quiet, func(s *Subject, e *report.Evidence) { s.Newest.Build = "other/build" }, fleet.Contradictory, "not made for"},
		"build of another variant":      {quiet, func(s *Subject, e *report.Evidence) { s.Newest.Variant = "armani_global" }, fleet.Contradictory, "not made for"},
		"patched without feature":       {quiet, func(s *Subject, e *report.Evidence) { e.Feature = 0 }, fleet.Contradictory, "no opt-in"},
		"runs what is not of it":        {quiet, func(s *Subject, e *report.Evidence) { s.Newest.Build = unpatchedBuild }, fleet.Contradictory, "not of this release"},

		"before the patch":        {before, nil, fleet.Unpatched, "not one of this release"},
		"before, failed":          {before, func(s *Subject, e *report.Evidence) { s.Newest.Progress = report.ProgressFailed }, fleet.Unpatched, ""},
		"before, silent":          {before, func(s *Subject, e *report.Evidence) { s.Last = now.Add(-SilentAfter - time.Second) }, fleet.Unknown, "15 days"},
		"before, silent just now": {before, func(s *Subject, e *report.Evidence) { s.Last = now.Add(-SilentAfter) }, fleet.Unpatched, ""},
		"installed, never booted": {before, func(s *Subject, e *report.Evidence) { s.Newest.Progress = report.ProgressInstalled }, fleet.Unpatched, ""},
		"another opt-in build":    {quiet, func(s *Subject, e *report.Evidence) { s.Newest.Build, s.Newest.Progress = "x/y", report.ProgressKnown }, fleet.Unpatched, "not one of this release"},
		"another opt-in build, which counts wrongly": {quiet, func(s *Subject, e *report.Evidence) {
			s.Newest.Build, s.Newest.Progress = "x/y", report.ProgressKnown
			s.Newest.PreviousBuild, e.AttemptsSetup, e.AttemptsBuild = report.BuildOther, 1, 2
		}, fleet.Contradictory, "more self-activations"},
		"another opt-in build, which counts well": {quiet, func(s *Subject, e *report.Evidence) {
			s.Newest.Build, s.Newest.Progress = "x/y", report.ProgressKnown
			s.Newest.PreviousBuild, e.AttemptsSetup, e.AttemptsBuild = report.BuildOther, 2, 2
		}, fleet.Unpatched, ""},
		"its clock says next year": {before, func(s *Subject, e *report.Evidence) { s.Last = now.Add(time.Hour) }, fleet.Unpatched, ""},
	}
	seen := map[fleet.Class]bool{}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := tt.from()
			if tt.alter != nil {
				tt.alter(&s, &s.Newest.Evidence)
			}
			got := Judge(now, s, rule)
			if got.Class != tt.want {
				t.Errorf("got %s because %v, wanted %s", got.Class, got.Because, tt.want)
			}
			if len(got.Because) == 0 || !strings.Contains(strings.Join(reasons.All(got.Because), "; "), tt.words) {
				t.Errorf("because %v, wanted words about %q", got.Because, tt.words)
			}
		})
		seen[tt.want] = true
	}
	for _, c := range fleet.Classes {
		if !seen[c] {
			t.Errorf("no case leads to %s", c)
		}
	}
}

func consent(e *report.Evidence, day string) {
	e.State, e.Origin, e.Consent, e.ConsentDay, e.ConsentSurface = report.StateOn, report.OriginUser, report.ConsentIn, day, report.SurfacePrompt
}

func registered(by report.Registrant) func(*Subject, *report.Evidence) {
	return func(_ *Subject, e *report.Evidence) {
		e.Slots[0] = report.Slot{Present: true, Registered: true, By: by}
	}
}

func attempts(n int) func(*Subject, *report.Evidence) {
	return func(_ *Subject, e *report.Evidence) { e.AttemptsBuild, e.AttemptsSetup = n, n }
}

func TestFoundBefore(t *testing.T) {
	tests := map[string]struct {
		alter func(*report.Evidence)
		want  fleet.Before
	}{
		"on by itself":    {func(e *report.Evidence) {}, fleet.BeforeActive},
		"registered, off": {func(e *report.Evidence) { e.State, e.AttemptsSetup = report.StateOff, 0 }, fleet.BeforeActive},
		"no SIM yet, on":  {func(e *report.Evidence) { e.AttemptsSetup = 0; e.Slots[0] = report.Slot{} }, fleet.BeforeActive},
		"off, untouched":  {func(e *report.Evidence) { e.State, e.AttemptsSetup = report.StateOff, 0; e.Slots[0] = report.Slot{} }, fleet.BeforeQuiet},
		"switched off": {func(e *report.Evidence) {
			e.State, e.Origin, e.Consent = report.StateOff, report.OriginUser, report.ConsentOut
		}, fleet.BeforeOff},
		"on the patch now": {func(e *report.Evidence) { e.Feature = 1 }, fleet.BeforeUnknown},
		"tried, then gone": {func(e *report.Evidence) { e.State = report.StateOff; e.Slots[0] = report.Slot{} }, fleet.BeforeActive},
		"off by its user":  {func(e *report.Evidence) { e.State, e.Origin = report.StateOff, report.OriginUser }, fleet.BeforeOff},
		"said no to a prompt": {func(e *report.Evidence) {
			e.State, e.Origin, e.Consent = report.StateOff, report.OriginPolicy, report.ConsentOut
		}, fleet.BeforeOff},
		"said no, and is on":     {func(e *report.Evidence) { e.Consent, e.AttemptsSetup = report.ConsentOut, 0 }, fleet.BeforeActive},
		"by its user, and is on": {func(e *report.Evidence) { e.Origin, e.AttemptsSetup = report.OriginUser, 0 }, fleet.BeforeActive},
		"registered by its user": {func(e *report.Evidence) {
			e.State, e.AttemptsSetup = report.StateOff, 0
			e.Slots[0] = report.Slot{Present: true, Registered: true, By: report.RegisteredByUser}
		}, fleet.BeforeQuiet},
		"was registered": {func(e *report.Evidence) {
			e.State, e.AttemptsSetup = report.StateOff, 0
			e.Slots[0] = report.Slot{Present: true, By: report.RegisteredByAuto}
		}, fleet.BeforeQuiet},
		"policy of another": {func(e *report.Evidence) { e.State, e.Origin = report.StateOff, report.OriginPolicy }, fleet.BeforeActive},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := before()
			tt.alter(&s.Newest.Evidence)
			if got := FoundBefore(s.Newest); got != tt.want {
				t.Errorf("got %s, wanted %s", got, tt.want)
			}
		})
	}
}

// FuzzJudge holds the promise that matters most: nothing but a tested, quiet, patched
// build is ever called confirmed off.
func FuzzJudge(f *testing.F) {
	f.Add(1, 0, 0, 24, true, true, true, uint8(0), uint8(0), false)
	f.Add(0, 3, 1, 2, false, true, true, uint8(1), uint8(1), true)
	states := []report.State{report.StateOff, report.StateOn, report.StateSuspended}
	origins := []report.Origin{report.OriginPolicy, report.OriginAuto, report.OriginCarriedOver, report.OriginUser, report.OriginFactoryDefault}
	f.Fuzz(func(t *testing.T, feature, attempts, lookups, hours int, boot, sim, data bool, state, origin uint8, patched bool) {
		s := quiet()
		if !patched {
			s.Newest.Build, s.Newest.Progress = unpatchedBuild, report.ProgressKnown
		}
		e := &s.Newest.Evidence
		e.Feature, e.AttemptsBuild, e.AttemptsSetup, e.LookupsOff, e.ObservedHours = feature, attempts, attempts, lookups, hours
		e.Triggers = report.Triggers{Boot: boot, SIMReady: sim, DataUp: data}
		e.State, e.Origin = states[int(state)%len(states)], origins[int(origin)%len(origins)]
		got := Judge(now, s, rule)
		fine := patched && feature >= 1 && attempts <= 0 && lookups <= 0 && hours >= 24 && boot && sim && data && e.State != report.StateOn
		if got.Class == fleet.ConfirmedOff && !fine {
			t.Fatalf("confirmed off: %+v", *e)
		}
		if len(got.Because) == 0 {
			t.Fatal("a verdict without a reason")
		}
	})
}

func BenchmarkJudge(b *testing.B) {
	s := quiet()
	b.ReportAllocs()
	for b.Loop() {
		Judge(now, s, rule)
	}
}
