// SPDX-License-Identifier: Apache-2.0

package virtual

import "time"

// Truth is what is really so, whatever the image may say. A simulation compares verdicts with it and with what
// the Observer received; it is never sent anywhere.
type Truth struct {
	Build          string       // fingerprint
	OptIn          bool         // the image has the opt-in behaviour compiled in
	GuardOpen      bool         // its task could run at any time
	On, Suspended  bool         // the switch
	Origin         Origin       // who set it
	Consented      bool         // the user agreed, on this handset, to the wording of an opt-in image
	RefusedByUser  bool         // the user switched it off
	SelfRegistered bool         // some SIM is registered and nobody asked for it
	Tested         bool         // boot, SIM and data network since the build first booted
	Since          time.Time    // first boot of the build
	Sent           Sent         // what left since then
	Backup         *BackupTruth // nil on an image that has no app backup
}

// Truth reads the handset itself.
func (p *Phone) Truth() Truth {
	t := Truth{Build: p.s.Build, Since: p.s.FirstBoot, Sent: p.s.Sent, Origin: p.s.Switch.Origin,
		On: p.s.Switch.State == StateOn, Suspended: p.s.Switch.State == StateSuspended,
		Consented: p.s.Record.Consent == ConsentIn, RefusedByUser: p.s.Record.Consent == ConsentOut,
		Tested: p.s.Triggers.Boot && p.s.Triggers.SIMReady && p.s.Triggers.DataUp, Backup: p.backup().truth(p.s.Triggers)}
	if p.image != nil {
		t.OptIn = p.image.Behaviour.Feature >= 1
		t.GuardOpen = p.image.Behaviour.Gate == GateOpen
	}
	for _, sim := range p.s.Slots {
		t.SelfRegistered = t.SelfRegistered || sim.Registered && sim.By == RegisteredByAuto
	}
	return t
}
