// SPDX-License-Identifier: Apache-2.0

package virtual

import (
	"fmt"
	"time"
)

// ConsentText is the wording that images of behaviour version 1 show.
const ConsentText = 1

// sim is what lies in a slot.
func (m messaging) sim(slot int) *SIM {
	if slot < 0 || slot >= len(m.mem.Slots) {
		panic(fmt.Sprintf("virtual: handset %s has no SIM slot %d", m.line.handset, slot))
	}
	return &m.mem.Slots[slot]
}

// optIn switches the service on, for the SIMs that are in the handset. An image of behaviour version 0 keeps no
// consent.
func (m messaging) optIn(where Surface, now time.Time) {
	m.mem.Switch = Switch{StateOn, OriginUser}
	m.mem.Prompt = false
	if m.does.Feature >= 1 {
		m.mem.Record = Record{ConsentIn, ConsentText, now.UTC().Format(time.DateOnly), where}
	}
	for i := range m.mem.Slots {
		sim := &m.mem.Slots[i]
		sim.Wanted, sim.AskAgain = sim.Present, false
		if sim.Registered {
			sim.By = RegisteredByUser
		}
	}
	m.register(now)
}

// optOut switches the service off. An opt-in image also takes the SIMs back from the service; an image of behaviour
// version 0 leaves them registered.
func (m messaging) optOut(where Surface, now time.Time) {
	m.mem.Switch = Switch{StateOff, OriginUser}
	m.mem.Prompt = false
	m.mem.Record = Record{ConsentOut, m.does.Feature * ConsentText, now.UTC().Format(time.DateOnly), where}
	for i := range m.mem.Slots {
		m.mem.Slots[i].Wanted, m.mem.Slots[i].AskAgain = false, false
	}
	if m.does.Feature >= 1 {
		m.deregister(func(SIM) bool { return true })
	}
}

// asking reports whether a question is on the screen: of the migration, or for another SIM.
func (m messaging) asking() bool {
	return m.does.Feature >= 1 && (m.mem.Prompt || m.mem.Record.Consent == ConsentIn && m.newSIM())
}

// newSIM reports whether a SIM lies in the handset that was inserted after consent was given for others.
func (m messaging) newSIM() bool {
	for _, sim := range m.mem.Slots {
		if sim.AskAgain && sim.Present {
			return true
		}
	}
	return false
}

// refuse is a no to the question. One for a new SIM switches the service off unless another SIM still has consent.
func (m messaging) refuse(now time.Time) {
	other := false
	for i := range m.mem.Slots {
		m.mem.Slots[i].AskAgain = false
		other = other || m.mem.Slots[i].Wanted && m.mem.Slots[i].Present
	}
	if m.mem.Prompt || !other {
		m.optOut(SurfacePrompt, now)
	}
}

// signIn registers the SIMs on behalf of a user who signed in to Mi Cloud, and leaves the switch alone.
func (m messaging) signIn(now time.Time) {
	if !m.line.up {
		return
	}
	for i := range m.mem.Slots {
		sim := &m.mem.Slots[i]
		if !sim.Ready {
			continue
		}
		m.mem.Sent.User++
		if m.send(now, IMEI, Number, IMSI) == nil {
			sim.Registered, sim.By = true, RegisteredByUser
		}
	}
}
