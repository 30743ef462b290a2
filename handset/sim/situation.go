// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"time"

	"landed/firmware-fixtures/virtual"
)

// Situation is what a handset lives through.
type Situation string

// The situations.
const (
	AutoActivated Situation = "auto_activated" // the usual one: active by itself before the patch
	Fresh         Situation = "fresh"          // sold with the patched build
	OptedIn       Situation = "opted_in"       // switched on by its user before; asked, the user agrees
	OptedOut      Situation = "opted_out"      // switched off by its user before
	OptsIn        Situation = "opts_in"        // its user opts in after the patch, and switches the app backup on
	OptsOut       Situation = "opts_out"       // its user switches off after the patch
	Reset         Situation = "reset"          // factory reset after the patch
	SIMChanged    Situation = "sim_changed"    // another SIM after the patch
	NoSIM         Situation = "no_sim"         // on Wi-Fi only
	Silent        Situation = "silent"         // sends its baseline, and is in a drawer from then on
	ClockPast     Situation = "clock_past"     // its clock starts at 1970
	ClockAhead    Situation = "clock_ahead"    // its clock is a year ahead until the network sets it right
	BadFlash      Situation = "bad_flash"      // the first installation does not come up; the second does
	DeadFlash     Situation = "dead_flash"     // no installation ever comes up; it gives up
	Interrupted   Situation = "interrupted"    // the first download breaks off in the middle
)

// shares is the mix of a model: every situation among the first fifteen, in the order in which a small
// fleet should have them; the rest of each forty are as most handsets were.
var shares = []Situation{
	AutoActivated, Fresh, OptedIn, OptedOut, Reset, SIMChanged, NoSIM, Silent,
	Interrupted, ClockPast, OptsIn, BadFlash, ClockAhead, DeadFlash, OptsOut,
}

const mix = 40

func (m Model) situation(i int) Situation {
	s := AutoActivated
	if i %= mix; i < len(shares) {
		s = shares[i]
	}
	if s == Fresh && m.Fresh.Fingerprint == "" {
		s = AutoActivated
	}
	return s
}

// live plans what happens to a handset whatever the server does.
func (h *handset) live() {
	day := 24 * time.Hour
	h.plan(h.between(time.Minute, time.Hour), (*handset).radioUp)
	h.plan(h.between(2*time.Hour, 8*time.Hour), (*handset).daily)
	switch h.situation {
	case OptedIn:
		h.plan(h.between(2*time.Hour, 4*time.Hour), func(h *handset) {
			h.phone.OptIn(virtual.SurfaceMessaging, h.client.Time())
		})
	case OptedOut:
		h.plan(h.between(2*time.Hour, 4*time.Hour), func(h *handset) {
			h.phone.OptOut(virtual.SurfaceMessaging, h.client.Time())
		})
	case ClockAhead:
		h.plan(h.between(2*day, 3*day), func(h *handset) { h.skew = 0 })
	}
}

// updated plans what happens after the first boot of a patched build.
func (h *handset) updated() {
	day := 24 * time.Hour
	switch h.situation {
	case OptedIn:
		h.plan(h.between(3*time.Hour, day), func(h *handset) { h.phone.AnswerPrompt(true, h.client.Time()) })
	case OptsIn:
		h.plan(h.between(day, 3*day), func(h *handset) {
			h.phone.OptIn(virtual.SurfaceMiCloud, h.client.Time())
			h.phone.SetBackup(true, h.at)
		})
	case OptsOut:
		h.plan(h.between(day, 3*day), func(h *handset) { h.phone.OptOut(virtual.SurfaceMiCloud, h.client.Time()) })
	case SIMChanged:
		h.plan(h.between(2*day, 4*day), func(h *handset) { h.phone.SIMChanged(0, h.at) })
	case Reset:
		h.plan(h.between(3*day, 5*day), (*handset).factoryReset)
	}
}

// daily is everyday use: contacts and conversations are opened, now and then an app is installed or the handset is
// restarted.
func (h *handset) daily() {
	h.plan(h.between(3*time.Hour, 9*time.Hour), (*handset).daily)
	switch h.life.IntN(8) {
	case 0:
		h.reboot()
	case 1, 2, 3:
		h.phone.ContactOpened(h.at)
	case 4, 5:
		h.phone.ThreadOpened(h.at)
	case 6:
		h.phone.AppInstalled(h.at)
	}
	h.phone.Tick(h.at)
}

// radioUp is SIM and network coming up after a start.
func (h *handset) radioUp() {
	for i, sim := range h.phone.State().Slots {
		if sim.Present || h.situation != NoSIM && i == 0 {
			h.phone.SIMReady(i, h.at)
		}
	}
	h.phone.NetUp(h.at)
}
