// SPDX-License-Identifier: Apache-2.0

package virtual

import "time"

// Events do nothing on a handset that was never booted. A slot that the handset does not have is a fault of the
// program and panics.

// SIMReady says that the SIM in a slot is unlocked and on the network: it was inserted, or the handset booted.
func (p *Phone) SIMReady(slot int, now time.Time) {
	m := p.messaging()
	sim := m.sim(slot)
	inserted := !sim.Present
	sim.Present = true
	if p.image == nil {
		return
	}
	sim.AskAgain = sim.AskAgain || inserted && p.s.Record.Consent == ConsentIn
	sim.Ready = true
	p.s.Triggers.SIMReady = true
	m.register(now)
}

// SIMChanged says that another SIM lies in the slot, and is ready. Consent for one number is none for another.
func (p *Phone) SIMChanged(slot int, now time.Time) {
	p.SIMRemoved(slot)
	p.SIMReady(slot, now)
}

// SIMRemoved says that the slot is empty.
func (p *Phone) SIMRemoved(slot int) { *p.messaging().sim(slot) = SIM{By: RegisteredByNone} }

// NetUp says that the data network is there.
func (p *Phone) NetUp(now time.Time) {
	if p.image == nil {
		return
	}
	p.s.NetUp = true
	p.s.Triggers.DataUp = true
	p.messaging().register(now)
	p.backup().upload(now)
}

// NetDown says that it is gone.
func (p *Phone) NetDown() { p.s.NetUp = false }

// Tick lets time pass: retries that are due happen now, at most one per slot, and a backup that is due.
func (p *Phone) Tick(now time.Time) {
	if p.image == nil {
		return
	}
	if now.Sub(p.s.FirstBoot) >= RetryEvery {
		p.s.Triggers.DayPassed = true
	}
	p.messaging().register(now)
	p.backup().upload(now)
}

// ContactOpened says that the user looked at a contact.
func (p *Phone) ContactOpened(now time.Time) {
	if p.image != nil {
		p.s.Triggers.ContactOpened = true
		p.messaging().lookup(now)
	}
}

// ThreadOpened says that the user looked at a conversation.
func (p *Phone) ThreadOpened(now time.Time) {
	if p.image != nil {
		p.s.Triggers.ThreadOpened = true
		p.messaging().lookup(now)
	}
}

// OptIn says that the user switched the service on. An image of behaviour version 0 keeps no consent.
func (p *Phone) OptIn(where Surface, now time.Time) {
	if p.image != nil {
		p.messaging().optIn(where, now)
	}
}

// OptOut says that the user switched the service off. An opt-in image also takes the SIMs back from the
// service; an image of behaviour version 0 leaves them registered.
func (p *Phone) OptOut(where Surface, now time.Time) {
	if p.image != nil {
		p.messaging().optOut(where, now)
	}
}

// Asking reports whether a question waits for AnswerPrompt: of the migration, or for another SIM.
func (p *Phone) Asking() bool { return p.image != nil && p.messaging().asking() }

// AnswerPrompt answers the question that is on the screen, if one is. A no for a new SIM switches the service
// off unless another SIM still has consent.
func (p *Phone) AnswerPrompt(yes bool, now time.Time) {
	switch {
	case !p.Asking():
	case yes:
		p.messaging().optIn(SurfacePrompt, now)
	default:
		p.messaging().refuse(now)
	}
}

// MiCloudSignIn says that the user signed in to Mi Cloud. That registers the SIMs on the user's behalf and
// leaves the messaging switch alone.
func (p *Phone) MiCloudSignIn(now time.Time) {
	if p.image != nil {
		p.messaging().signIn(now)
	}
}

// AppInstalled says that an app was installed.
func (p *Phone) AppInstalled(now time.Time) {
	if b := p.backup(); b != nil {
		p.s.Triggers.AppInstalled = true
		b.upload(now)
	}
}

// SetBackup says that the user switched the app backup on or off.
func (p *Phone) SetBackup(on bool, now time.Time) {
	if b := p.backup(); b != nil {
		b.set(on, now)
	}
}
