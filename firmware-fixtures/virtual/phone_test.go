// SPDX-License-Identifier: Apache-2.0

package virtual_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	fixtures "landed/firmware-fixtures"
	"landed/firmware-fixtures/virtual"
	"landed/manifests/effect"
	"landed/manifests/effect/probe"
	v1 "landed/manifests/report/v1"
)

// rig is a handset with its observer and a clock that moves by hand.
type rig struct {
	*virtual.Phone
	t   *testing.T
	o   *virtual.Observer
	now time.Time
}

func newRig(t *testing.T) *rig {
	o := &virtual.Observer{}
	return &rig{virtual.NewPhone("h", 2, o), t, o, start}
}

// step runs one word of a story, so that the tables below read like a state machine.
func (r *rig) step(word string) {
	r.t.Helper()
	r.now = r.now.Add(time.Minute)
	model, kind, isBuild := strings.Cut(word, "/")
	switch {
	case isBuild:
		r.Boot(image(r.t, model, fixtures.Kind(kind)), r.now)
	case word == "sim":
		r.SIMReady(0, r.now)
	case word == "sim2":
		r.SIMReady(1, r.now)
	case word == "newsim":
		r.SIMChanged(0, r.now)
	case word == "nosim":
		r.SIMRemoved(0)
	case word == "net":
		r.NetUp(r.now)
	case word == "up":
		r.SIMReady(0, r.now)
		r.NetUp(r.now)
	case word == "day":
		r.now = r.now.Add(day)
		r.Tick(r.now)
	case word == "contact":
		r.ContactOpened(r.now)
	case word == "thread":
		r.ThreadOpened(r.now)
	case word == "in":
		r.OptIn(virtual.SurfaceMessaging, r.now)
	case word == "out":
		r.OptOut(virtual.SurfaceMiCloud, r.now)
	case word == "yes", word == "no":
		r.AnswerPrompt(word == "yes", r.now)
	case word == "cloud":
		r.MiCloudSignIn(r.now)
	case word == "reset":
		r.FactoryReset(r.now)
	default:
		r.t.Fatalf("no event %q", word)
	}
}

// end is what a story is judged by.
type end struct {
	State      virtual.SwitchState
	Origin     virtual.Origin
	Consent    virtual.Consent
	By         virtual.Registrant // slot 1
	Migration  virtual.Migration
	Attempts   int // since the build first booted
	LookupsOff int
	Since      int // identifiers that the service received since the build first booted
}

const (
	off, on, suspended = virtual.StateOff, virtual.StateOn, virtual.StateSuspended
	factory, auto      = virtual.OriginFactoryDefault, virtual.OriginAuto
	carried, user      = virtual.OriginCarriedOver, virtual.OriginUser
	policy             = virtual.OriginPolicy
	none, in, out      = virtual.ConsentNone, virtual.ConsentIn, virtual.ConsentOut
	byNone             = virtual.RegisteredByNone
	byAuto, byUser     = virtual.RegisteredByAuto, virtual.RegisteredByUser
	leave, switchOff   = virtual.MigrationLeave, virtual.MigrationSwitchOff
	ask, notApplicable = virtual.MigrationAsk, virtual.MigrationNotApplicable
)

// TestStories goes through the rows of the state machine, before and after the patch.
func TestStories(t *testing.T) {
	tests := []struct {
		name, story string
		want        end
	}{
		// Before the patch.
		{"before: first boot without SIM", "armani/unpatched net", end{on, factory, none, byNone, notApplicable, 0, 0, 0}},
		{"before: SIM and network", "armani/unpatched up", end{on, auto, none, byAuto, notApplicable, 1, 0, 3}},
		{"before: network first", "armani/unpatched net sim", end{on, auto, none, byAuto, notApplicable, 1, 0, 3}},
		{"before: SIM without network", "armani/unpatched sim day", end{on, factory, none, byNone, notApplicable, 0, 0, 0}},
		{"before: registered SIM is left alone", "armani/unpatched up day day", end{on, auto, none, byAuto, notApplicable, 1, 0, 3}},
		{"before: SIM changed", "armani/unpatched up newsim", end{on, auto, none, byAuto, notApplicable, 2, 0, 6}},
		{"before: contact and thread", "armani/unpatched up contact thread", end{on, auto, none, byAuto, notApplicable, 1, 0, 5}},
		{"before: contact without network", "armani/unpatched contact", end{on, factory, none, byNone, notApplicable, 0, 0, 0}},
		{"before: Mi Cloud adds IMSI", "armani/unpatched up cloud", end{on, auto, none, byUser, notApplicable, 1, 0, 6}},
		{"before: opt in keeps no consent", "armani/unpatched up in", end{on, user, none, byUser, notApplicable, 1, 0, 3}},
		{"before: opt out leaves the SIM registered", "armani/unpatched up out", end{off, user, out, byAuto, notApplicable, 1, 0, 3}},
		{"before: opt out, then another SIM", "armani/unpatched up out newsim", end{off, user, out, byAuto, notApplicable, 2, 0, 6}},
		{"before: lookups go on after opt out", "armani/unpatched up out contact", end{off, user, out, byAuto, notApplicable, 1, 1, 4}},
		{"before: reset activates again", "armani/unpatched up reset up", end{on, auto, none, byAuto, notApplicable, 1, 0, 3}},

		// Fresh on the patch: F-Secure's second test.
		{"fresh: first boot without SIM", "armani/patched net", end{off, factory, none, byNone, notApplicable, 0, 0, 0}},
		{"fresh: all triggers", "armani/patched up day contact thread newsim day", end{off, factory, none, byNone, notApplicable, 0, 0, 0}},
		{"fresh: Mi Cloud leaves the switch alone", "armani/patched up cloud", end{off, factory, none, byUser, notApplicable, 0, 0, 3}},
		{"fresh: opt in", "armani/patched up in", end{on, user, in, byUser, notApplicable, 0, 0, 3}},
		{"fresh: opt in before there is a network", "armani/patched sim in net", end{on, user, in, byUser, notApplicable, 0, 0, 3}},
		{"fresh: opt in looks up", "armani/patched up in contact thread", end{on, user, in, byUser, notApplicable, 0, 0, 5}},
		{"fresh: opt in and out", "armani/patched up in out contact day", end{off, user, out, byNone, notApplicable, 0, 0, 3}},
		{"fresh: consent is for one SIM", "armani/patched up in newsim day", end{on, user, in, byNone, notApplicable, 0, 0, 3}},
		{"fresh: consent again for the new SIM", "armani/patched up in newsim yes", end{on, user, in, byUser, notApplicable, 0, 0, 6}},
		{"fresh: no for the new and only SIM", "armani/patched up in newsim no", end{off, user, out, byNone, notApplicable, 0, 0, 3}},
		{"fresh: no for a second SIM", "armani/patched up in sim2 no", end{on, user, in, byUser, notApplicable, 0, 0, 3}},
		{"fresh: same SIM after a reboot", "armani/patched up in armani/patched up", end{on, user, in, byUser, notApplicable, 0, 0, 3}},
		{"fresh: an answer to no question", "armani/patched up yes", end{off, factory, none, byNone, notApplicable, 0, 0, 0}},

		// Updated.
		{"switch_off", "armani/unpatched up armani/patched up day contact", end{off, policy, none, byNone, switchOff, 0, 0, 0}},
		{"switch_off never registered", "armani/unpatched net armani/patched up day", end{off, policy, none, byNone, switchOff, 0, 0, 0}},
		{"switch_off cannot tell who wanted it", "armani/unpatched up in armani/patched up", end{off, policy, none, byUser, switchOff, 0, 0, 0}},
		{"switch_off, then opt in", "armani/unpatched up armani/patched up in", end{on, user, in, byUser, switchOff, 0, 0, 3}},
		{"switch_off, opted out before", "armani/unpatched up out armani/patched up day", end{off, user, out, byNone, switchOff, 0, 0, 0}},
		{"switch_off, SIM changed after", "armani/unpatched up armani/patched up newsim day", end{off, policy, none, byNone, switchOff, 0, 0, 0}},
		{"switch_off, then reset", "armani/unpatched up armani/patched up reset up day", end{off, factory, none, byNone, notApplicable, 0, 0, 0}},
		{"registrations forgotten", "lcsh92_wet_jb9/unpatched up lcsh92_wet_jb9/patched up day",
			end{off, policy, none, byAuto, switchOff, 0, 0, 0}},
		{"leave", "cancro/unpatched up cancro/patched up day contact", end{on, carried, none, byAuto, leave, 0, 0, 0}},
		{"leave, opted in before", "cancro/unpatched up in cancro/patched up", end{on, carried, none, byUser, leave, 0, 0, 0}},
		{"leave, opted out before", "cancro/unpatched up out cancro/patched up", end{off, user, out, byAuto, leave, 0, 0, 0}},
		{"leave, then reset", "cancro/unpatched up cancro/patched up reset up", end{off, factory, none, byNone, notApplicable, 0, 0, 0}},
		{"ask, unanswered", "dior/unpatched up dior/patched up day contact", end{suspended, policy, none, byNone, ask, 0, 0, 0}},
		{"ask, yes", "dior/unpatched up dior/patched up yes", end{on, user, in, byUser, ask, 0, 0, 3}},
		{"ask, no", "dior/unpatched up dior/patched up no", end{off, user, out, byNone, ask, 0, 0, 0}},
		{"ask, opted out before", "dior/unpatched up out dior/patched up yes", end{off, user, out, byNone, ask, 0, 0, 0}},

		// From patched to patched nothing changes, whatever policy the newer image has.
		{"patched to patched, off", "armani/patched up armani/bad", end{off, factory, none, byNone, notApplicable, 0, 0, 0}},
		{"patched to patched, consent kept", "cancro/unpatched up cancro/patched up in cancro/bad up", end{on, user, in, byUser, leave, 0, 0, 0}},

		{"bad to corrected", "pisces/bad up pisces/patched up day", end{off, factory, none, byNone, notApplicable, 0, 0, 0}},
		{"bad to corrected, which forgets", "lcsh92_wet_jb9/bad up lcsh92_wet_jb9/patched up",
			end{off, factory, none, byAuto, notApplicable, 0, 0, 0}},

		// The bad build says off and registers all the same.
		{"bad, fresh", "pisces/bad up contact", end{off, factory, none, byAuto, notApplicable, 1, 0, 3}},
		{"bad, updated", "pisces/unpatched up pisces/bad up day", end{off, policy, none, byAuto, switchOff, 1, 0, 3}},
		{"bad without SIM has not leaked yet", "pisces/bad net day", end{off, factory, none, byNone, notApplicable, 0, 0, 0}},
		{"bad, opted out", "pisces/bad up out day", end{off, user, out, byAuto, notApplicable, 2, 0, 6}},

		// A downgrade brings the old behaviour back, which is why it must be refused.
		{"downgrade", "armani/patched up armani/unpatched up", end{on, auto, none, byAuto, notApplicable, 1, 0, 3}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			for word := range strings.FieldsSeq(tt.story) {
				r.step(word)
			}
			s := r.State()
			got := end{s.Switch.State, s.Switch.Origin, s.Record.Consent, s.Slots[0].By, s.Migration, s.AttemptsBuild, s.LookupsOff,
				r.o.ReceivedSince("h", r.Truth().Since).Total()}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if s.Slots[0].Registered != (s.Slots[0].By != byNone) {
				t.Errorf("slot %+v contradicts itself", s.Slots[0])
			}
			truthAgrees(t, r)
		})
	}
}

// truthAgrees: what the image answers is what left the handset; these images do not lie about that.
func truthAgrees(t *testing.T, r *rig) {
	t.Helper()
	tr, a := r.Truth(), r.Answers(r.now, askOf(t, optIn))
	some := func(name string) bool { return a[name].Int() > 0 }
	if (tr.Sent.Auto > 0) != some("attempts_build") || (tr.Sent.LookupsOff > 0) != some("lookups_off") {
		t.Errorf("truth %+v, answers %v", tr.Sent, a)
	}
	transport := a["transport"].Word()
	if tr.Sent.Any() != (transport != "not_used") || tr.Sent.Plain != (transport == "http") {
		t.Errorf("truth %+v, the answer is transport %s", tr.Sent, transport)
	}
	if tr.Sent.Any() != (r.o.ReceivedSince("h", tr.Since).Total() > 0) {
		t.Errorf("truth %+v, the service received %v", tr.Sent, r.o.ReceivedSince("h", tr.Since))
	}
	if err := probe.Check(askOf(t, optIn).Probes, a); err != nil || len(a) != len(askOf(t, optIn).Probes) {
		t.Errorf("%d answers: %v", len(a), err)
	}
}

const (
	optIn   = "cloud-messaging-opt-in"
	appList = "app-list-upload-off"
)

// askOf is what a shipped effect asks.
func askOf(t testing.TB, name string) probe.Ask {
	t.Helper()
	e, err := effect.ByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return e.Ask
}

// TestRetry: a registration that fails is tried again after 24 h, by itself before the patch and never after it.
func TestRetry(t *testing.T) {
	d := &deaf{}
	p := virtual.NewPhone("h", 1, d)
	p.Boot(image(t, "armani", fixtures.Unpatched), start)
	p.SIMReady(0, start)
	p.NetUp(start)
	for _, h := range []int{1, 23, 24, 25, 47, 48} {
		p.Tick(start.Add(time.Duration(h) * time.Hour))
	}
	if got := p.State().AttemptsSetup; got != 3 {
		t.Errorf("%d attempts in 48 hours, wanted 3", got)
	}
	if s := p.State(); s.Slots[0].Registered || s.Switch.Origin != factory {
		t.Errorf("a refused registration changed the state: %+v", s)
	}
	p.Boot(image(t, "armani", fixtures.Patched), start.Add(49*time.Hour))
	p.SIMReady(0, start.Add(49*time.Hour))
	p.NetUp(start.Add(49 * time.Hour))
	for h := 50; h < 200; h++ {
		p.Tick(start.Add(time.Duration(h) * time.Hour))
	}
	e := p.State()
	if e.AttemptsBuild != 0 || e.AttemptsSetup != 3 {
		t.Errorf("attempts %d since the patch and %d since set-up, wanted 0 and 3", e.AttemptsBuild, e.AttemptsSetup)
	}
	d.accept = true
	p.OptIn(virtual.SurfacePrompt, start.Add(201*time.Hour))
	if got := d.ReceivedSince("h", start.Add(49*time.Hour)); got.Total() != 3 || !p.State().Slots[0].Registered {
		t.Errorf("after opt-in: %v sent, state %+v", got, p.State().Slots)
	}
}

// TestWhatIsSent: the kinds of identifiers are those of F-Secure's first test.
func TestWhatIsSent(t *testing.T) {
	r := newRig(t)
	for _, w := range []string{"armani/unpatched", "up", "contact", "cloud"} {
		r.step(w)
	}
	want := virtual.Count{virtual.Carrier: 1, virtual.IMEI: 2, virtual.Number: 2, virtual.ContactNumber: 1, virtual.IMSI: 1}
	if diff := cmp.Diff(want, r.o.Received("h")); diff != "" {
		t.Error(diff)
	}
}

// TestAnswers pins one whole set of answers, and that time runs from the first boot of the build.
func TestAnswers(t *testing.T) {
	r := newRig(t)
	for _, w := range []string{"armani/unpatched", "up", "day", "armani/patched", "up", "contact", "day"} {
		r.step(w)
	}
	r.OptIn(virtual.SurfaceMiCloud, r.now)
	want := map[string]string{"feature": "1", "migration": "switch_off", "state": "on", "origin": "user", "consent": "in", "consent_text": "1",
		"consent_when": "since_prompt", "consent_surface": "settings_micloud", "auto_gate": "closed", "slot_1": "user", "slot_2": "absent",
		"attempts_setup": "1", "attempts_build": "0", "lookups_off": "0", "boot": "true", "sim_ready": "true", "data_up": "true",
		"contact_opened": "true", "thread_opened": "false", "observed_hours": "24", "transport": "https"}
	got := map[string]string{}
	for name, v := range r.Answers(r.now.Add(90*time.Minute), everything) {
		got[name] = v.String()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	hours := func(at time.Time) int64 { return r.Answers(at, everything)["observed_hours"].Int() }
	if got := hours(r.now.Add(60 * day)); got != 168 {
		t.Errorf("observed %d hours, wanted the cap", got)
	}
	if got := hours(r.now.Add(-60 * day)); got != 0 {
		t.Errorf("observed %d hours with a clock that went back, wanted 0", got)
	}
	if r.State().Previous == "" || r.State().SetupEpoch != 1 {
		t.Errorf("state %+v", r.State())
	}
	r.step("reset")
	if r.State().Previous != "" || r.State().SetupEpoch != 2 || r.State().AttemptsSetup != 0 {
		t.Errorf("after reset: %+v", r.State())
	}
}

// everything is all that the firmware can be asked about Cloud Messaging, in the words of version 1 of a report.
var everything = probe.Ask{PromptDay: "2014-08-01", Probes: []probe.Probe{
	{Name: "feature", Kind: probe.KindInt, Max: 1},
	enum("migration", leave, switchOff, virtual.MigrationAsk, notApplicable),
	enum("state", off, on, suspended),
	enum("origin", factory, auto, carried, user, policy),
	enum("consent", none, in, out),
	{Name: "consent_text", Kind: probe.KindInt, Max: 3},
	enum("consent_when", "no_day", "before_prompt", "since_prompt"),
	enum("consent_surface", virtual.SurfaceNone, virtual.SurfaceMiCloud, virtual.SurfaceMessaging, virtual.SurfacePrompt),
	enum("auto_gate", virtual.GateOpen, virtual.GateClosed),
	enum("slot_1", "absent", "free", "auto", "user"),
	enum("slot_2", "absent", "free", "auto", "user"),
	{Name: "attempts_setup", Kind: probe.KindInt, Buckets: []int64{0, 1, 2, 10}},
	{Name: "attempts_build", Kind: probe.KindInt, Buckets: []int64{0, 1, 2, 10}},
	{Name: "lookups_off", Kind: probe.KindInt, Buckets: []int64{0, 1, 2, 10}},
	{Name: "boot", Kind: probe.KindBool},
	{Name: "sim_ready", Kind: probe.KindBool},
	{Name: "data_up", Kind: probe.KindBool},
	{Name: "contact_opened", Kind: probe.KindBool},
	{Name: "thread_opened", Kind: probe.KindBool},
	{Name: "observed_hours", Kind: probe.KindInt, Buckets: []int64{0, 1, 24, 168}},
	enum("transport", virtual.TransportNotUsed, virtual.TransportHTTPS, virtual.TransportHTTP),
}}

func enum[T ~string](name string, words ...T) probe.Probe {
	p := probe.Probe{Name: name, Kind: probe.KindEnum}
	for _, w := range words {
		p.Values = append(p.Values, string(w))
	}
	return p
}

// TestConsentWhen: the day stays on the handset; what is told of it is what version 1 is read as.
func TestConsentWhen(t *testing.T) {
	r := newRig(t)
	r.step("armani/patched")
	when := func(promptDay string) probe.Value {
		a := askOf(t, optIn)
		a.PromptDay = promptDay
		return r.Answers(r.now, a)["consent_when"]
	}
	for _, consented := range []bool{false, true} {
		if consented {
			r.OptIn(virtual.SurfacePrompt, r.now)
		}
		for _, promptDay := range []string{"", "2014-08-01", "2014-08-20", "2014-08-21", "2026-01-01"} {
			if got, want := when(promptDay), v1.ConsentWhen(r.State().Record.Day, promptDay); got != want {
				t.Errorf("consent on %q, prompt day %q: %s, wanted %s", r.State().Record.Day, promptDay, got, want)
			}
		}
	}
}

// TestAsked: only what is asked is answered, in the shape in which it is asked, and not what the image does not know.
func TestAsked(t *testing.T) {
	r := newRig(t)
	for _, w := range []string{"armani/unpatched", "up", "newsim", "newsim"} {
		r.step(w)
	}
	for name, tt := range map[string]struct {
		ask  probe.Probe
		want probe.Value // the zero Value for none
	}{
		"a counter in buckets":       {probe.Probe{Name: "attempts_setup", Kind: probe.KindInt, Buckets: []int64{0, 2}}, probe.Int(2)},
		"a counter up to one":        {probe.Probe{Name: "attempts_setup", Kind: probe.KindInt, Max: 1}, probe.Int(1)},
		"a counter":                  {probe.Probe{Name: "attempts_setup", Kind: probe.KindInt, Max: 100}, probe.Int(3)},
		"a counter as a boolean":     {probe.Probe{Name: "attempts_setup", Kind: probe.KindBool}, probe.Value{}},
		"words":                      {probe.Probe{Name: "state", Kind: probe.KindEnum, Values: []string{"on", "off"}}, probe.Word("on")},
		"words without that one":     {probe.Probe{Name: "state", Kind: probe.KindEnum, Values: []string{"off", "suspended"}}, probe.Value{}},
		"a probe that nobody knows":  {probe.Probe{Name: "screen_time", Kind: probe.KindInt, Max: 9}, probe.Value{}},
		"a service that is not here": {probe.Probe{Name: "uploads_build", Kind: probe.KindInt, Max: 9}, probe.Value{}},
		"a trigger that is not here": {probe.Probe{Name: "app_installed", Kind: probe.KindBool}, probe.Value{}},
	} {
		t.Run(name, func(t *testing.T) {
			want := probe.Answers{}
			if tt.want != (probe.Value{}) {
				want[tt.ask.Name] = tt.want
			}
			got := r.Answers(r.now, probe.Ask{Probes: []probe.Probe{tt.ask}})
			if len(got) != len(want) || got[tt.ask.Name] != want[tt.ask.Name] {
				t.Errorf("got %v, wanted %v", got, want)
			}
		})
	}
}

// TestOffIsOff: a handset that never booted does nothing at all.
func TestOffIsOff(t *testing.T) {
	r := newRig(t)
	for _, w := range []string{"up", "contact", "in", "out", "yes", "cloud", "reset", "day"} {
		r.step(w)
	}
	if n := r.o.Received("h").Total(); n != 0 || r.State().Build != "" {
		t.Errorf("%d identifiers left a handset that is off, state %+v", n, r.State())
	}
}
