// SPDX-License-Identifier: Apache-2.0

package virtual

import (
	"fmt"
	"time"
)

// Events do nothing on a handset that was never booted. A slot that the handset does not have is a fault of the
// program and panics.

// SIMReady says that the SIM in a slot is unlocked and on the network: it was inserted, or the handset booted.
func (p *Phone) SIMReady(slot int, now time.Time) {
	sim := p.slot(slot)
	inserted := !sim.Present
	sim.Present = true
	if p.image == nil {
		return
	}
	sim.AskAgain = sim.AskAgain || inserted && p.s.Record.Consent == ConsentIn
	sim.Ready = true
	p.s.Triggers.SIMReady = true
	p.register(now)
}

// SIMChanged says that another SIM lies in the slot, and is ready. Consent for one number is none for another.
func (p *Phone) SIMChanged(slot int, now time.Time) {
	sim := p.slot(slot)
	*sim = SIM{By: RegisteredByNone}
	p.SIMReady(slot, now)
}

// SIMRemoved says that the slot is empty.
func (p *Phone) SIMRemoved(slot int) {
	*p.slot(slot) = SIM{By: RegisteredByNone}
}

func (p *Phone) slot(i int) *SIM {
	if i < 0 || i >= len(p.s.Slots) {
		panic(fmt.Sprintf("virtual: handset %s has no SIM slot %d", p.handset, i))
	}
	return &p.s.Slots[i]
}

// NetUp says that the data network is there.
func (p *Phone) NetUp(now time.Time) {
	if p.image == nil {
		return
	}
	p.s.NetUp = true
	p.s.Triggers.DataUp = true
	p.register(now)
	p.upload(now)
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
	p.register(now)
	p.upload(now)
}

// ContactOpened says that the user looked at a contact.
func (p *Phone) ContactOpened(now time.Time) {
	if p.image != nil {
		p.s.Triggers.ContactOpened = true
		p.lookup(now)
	}
}

// ThreadOpened says that the user looked at a conversation.
func (p *Phone) ThreadOpened(now time.Time) {
	if p.image != nil {
		p.s.Triggers.ThreadOpened = true
		p.lookup(now)
	}
}

// OptIn says that the user switched the service on. An image of behaviour version 0 keeps no consent.
func (p *Phone) OptIn(where Surface, now time.Time) {
	if p.image == nil {
		return
	}
	p.s.Switch = Switch{StateOn, OriginUser}
	p.s.Prompt = false
	if p.image.Behaviour.Feature >= 1 {
		p.s.Record = Record{ConsentIn, ConsentText, now.UTC().Format(time.DateOnly), where}
	}
	for i := range p.s.Slots {
		sim := &p.s.Slots[i]
		sim.Wanted, sim.AskAgain = sim.Present, false
		if sim.Registered {
			sim.By = RegisteredByUser
		}
	}
	p.register(now)
}

// OptOut says that the user switched the service off. An opt-in image also takes the SIMs back from the
// service; an image of behaviour version 0 leaves them registered.
func (p *Phone) OptOut(where Surface, now time.Time) {
	if p.image == nil {
		return
	}
	p.s.Switch = Switch{StateOff, OriginUser}
	p.s.Prompt = false
	p.s.Record = Record{ConsentOut, p.image.Behaviour.Feature * ConsentText, now.UTC().Format(time.DateOnly), where}
	for i := range p.s.Slots {
		p.s.Slots[i].Wanted, p.s.Slots[i].AskAgain = false, false
	}
	if p.image.Behaviour.Feature >= 1 {
		p.deregister(func(SIM) bool { return true })
	}
}

// Asking reports whether a question waits for AnswerPrompt: of the migration, or for another SIM.
func (p *Phone) Asking() bool {
	if p.image == nil || p.image.Behaviour.Feature < 1 {
		return false
	}
	return p.s.Prompt || p.s.Record.Consent == ConsentIn && p.newSIM()
}

// newSIM reports whether a SIM lies in the handset that was inserted after consent was given for others.
func (p *Phone) newSIM() bool {
	for _, sim := range p.s.Slots {
		if sim.AskAgain && sim.Present {
			return true
		}
	}
	return false
}

// AnswerPrompt answers the question that is on the screen, if one is. A no for a new SIM switches the service
// off unless another SIM still has consent.
func (p *Phone) AnswerPrompt(yes bool, now time.Time) {
	if !p.Asking() {
		return
	}
	if yes {
		p.OptIn(SurfacePrompt, now)
		return
	}
	other := false
	for i := range p.s.Slots {
		p.s.Slots[i].AskAgain = false
		other = other || p.s.Slots[i].Wanted && p.s.Slots[i].Present
	}
	if p.s.Prompt || !other {
		p.OptOut(SurfacePrompt, now)
	}
}

// MiCloudSignIn says that the user signed in to Mi Cloud. That registers the SIMs on the user's behalf and
// leaves the messaging switch alone.
func (p *Phone) MiCloudSignIn(now time.Time) {
	if p.image == nil || !p.s.NetUp {
		return
	}
	for i := range p.s.Slots {
		sim := &p.s.Slots[i]
		if !sim.Ready {
			continue
		}
		p.s.Sent.User++
		if p.send(now, IMEI, Number, IMSI) == nil {
			sim.Registered, sim.By = true, RegisteredByUser
		}
	}
}
