// SPDX-License-Identifier: Apache-2.0

package virtual

import (
	"time"

	"landed/manifests/report"
)

// Observe is what the running image says about itself at now: the evidence of a report. On a handset that was
// never booted it is the zero Evidence, which no report may carry.
func (p *Phone) Observe(now time.Time) report.Evidence {
	if p.image == nil {
		return report.Evidence{}
	}
	e := report.Evidence{
		Feature:        p.image.Behaviour.Feature,
		Migration:      p.s.Migration,
		State:          p.s.Switch.State,
		Origin:         p.s.Switch.Origin,
		Consent:        p.s.Record.Consent,
		ConsentText:    p.s.Record.Text,
		ConsentDay:     p.s.Record.Day,
		ConsentSurface: p.s.Record.Surface,
		AutoGate:       p.image.Behaviour.Gate,
		AttemptsSetup:  p.s.AttemptsSetup,
		AttemptsBuild:  p.s.AttemptsBuild,
		LookupsOff:     p.s.LookupsOff,
		Triggers:       p.s.Triggers,
		ObservedHours:  observed(p.s.FirstBoot, now),
		Transport:      report.TransportNotUsed,
	}
	if p.s.Sent.Any() {
		e.Transport = p.image.Behaviour.Transport
	}
	for _, sim := range p.s.Slots {
		e.Slots = append(e.Slots, report.Slot{Present: sim.Present, Registered: sim.Registered, By: sim.By})
	}
	return e
}

// observed is whole hours since the build first booted, up to a week; 0 if the clock went back.
func observed(since, now time.Time) int {
	return max(0, int(min(now.Sub(since), 168*time.Hour)/time.Hour))
}

// Truth is what is really so, whatever the image may say. A simulation compares verdicts with it and with what
// the Observer received; it is never sent anywhere.
type Truth struct {
	Build          string        // fingerprint
	OptIn          bool          // the image has the opt-in behaviour compiled in
	GuardOpen      bool          // its task could run at any time
	On, Suspended  bool          // the switch
	Origin         report.Origin // who set it
	Consented      bool          // the user agreed, on this handset, to the wording of an opt-in image
	RefusedByUser  bool          // the user switched it off
	SelfRegistered bool          // some SIM is registered and nobody asked for it
	Tested         bool          // boot, SIM and data network since the build first booted
	Since          time.Time     // first boot of the build
	Sent           Sent          // what left since then
}

// Truth reads the handset itself.
func (p *Phone) Truth() Truth {
	t := Truth{Build: p.s.Build, Since: p.s.FirstBoot, Sent: p.s.Sent, Origin: p.s.Switch.Origin,
		On: p.s.Switch.State == report.StateOn, Suspended: p.s.Switch.State == report.StateSuspended,
		Consented: p.s.Record.Consent == report.ConsentIn, RefusedByUser: p.s.Record.Consent == report.ConsentOut,
		Tested: p.s.Triggers.Boot && p.s.Triggers.SIMReady && p.s.Triggers.DataUp}
	if p.image != nil {
		t.OptIn = p.image.Behaviour.Feature >= 1
		t.GuardOpen = p.image.Behaviour.Gate == report.GateOpen
	}
	for _, sim := range p.s.Slots {
		t.SelfRegistered = t.SelfRegistered || sim.Registered && sim.By == report.RegisteredByAuto
	}
	return t
}
