// SPDX-License-Identifier: Apache-2.0

package virtual

import (
	"slices"
	"time"
)

// State is a handset's userdata, and which SIMs lie in it. It marshals to JSON and back without loss, flat, as it
// always was. Fields are exported for that; outside tests only a Phone changes them.
type State struct {
	SetupEpoch int       `json:"setup_epoch"` // 1 when new, one more after each factory reset
	Build      string    `json:"build"`       // fingerprint that booted last; "" before the very first boot
	Feature    int       `json:"feature"`     // its behaviour version
	FirstBoot  time.Time `json:"first_boot"`  // of that build in this set-up
	Previous   string    `json:"previous"`    // fingerprint before the last update in this set-up

	NetUp bool `json:"net_up"` // data network
	Messaging
	Triggers Triggers `json:"triggers"`
	Backup   *Backup  `json:"backup,omitempty"` // since the first image that has an app backup
}

// Messaging is the userdata of Cloud Messaging.
type Messaging struct {
	Slots  []SIM  `json:"slots"`
	Switch Switch `json:"switch"`
	Record Record `json:"record"`
	Prompt bool   `json:"prompt"` // a question of the migration is on the screen

	Migration     Migration `json:"migration"`      // what the last update from an older behaviour did
	AttemptsSetup int       `json:"attempts_setup"` // self-activations, up to 65535
	AttemptsBuild int       `json:"attempts_build"`
	LookupsOff    int       `json:"lookups_off"`
	Sent          Sent      `json:"sent"` // what the image has no part in counting
}

// wiped is userdata after a factory reset: SIMs stay where they are, all else is gone.
func wiped(epoch int, slots []SIM) State {
	s := State{SetupEpoch: epoch + 1, Messaging: Messaging{Migration: MigrationNotApplicable,
		Record: Record{Consent: ConsentNone, Surface: SurfaceNone}}}
	for _, sim := range slots {
		s.Slots = append(s.Slots, SIM{Present: sim.Present, By: RegisteredByNone})
	}
	return s
}

func (s State) clone() State {
	s.Slots = slices.Clone(s.Slots)
	if s.Backup != nil {
		backup := *s.Backup
		s.Backup = &backup
	}
	return s
}

// SIM is one slot.
type SIM struct {
	Present    bool       `json:"present"`
	Ready      bool       `json:"ready"` // unlocked and on the network since the last boot
	Registered bool       `json:"registered"`
	By         Registrant `json:"by"`
	Wanted     bool       `json:"wanted"`    // the user consented for this SIM
	AskAgain   bool       `json:"ask_again"` // inserted after the user consented for other SIMs: a question waits
	Retry      time.Time  `json:"retry"`     // no attempt by itself before this
}

// Switch is the messaging switch and who set it.
type Switch struct {
	State  SwitchState `json:"state"`
	Origin Origin      `json:"origin"`
}

// Record is the consent on record.
type Record struct {
	Consent Consent `json:"consent"`
	Text    int     `json:"text"` // wording that was shown, 0 none
	Day     string  `json:"day"`  // YYYY-MM-DD
	Surface Surface `json:"surface"`
}

// Sent counts what really left since this build first booted: messages, by why they left.
type Sent struct {
	Auto       int  `json:"auto"`        // SIM registration that nobody asked for
	LookupsOff int  `json:"lookups_off"` // contact lookups while the switch was not on
	LookupsOn  int  `json:"lookups_on"`  // contact lookups while it was on
	User       int  `json:"user"`        // because the user opted in or signed in
	Plain      bool `json:"plain"`       // anything of this over plain HTTP
}

// Any reports whether anything left at all.
func (s Sent) Any() bool { return s.Auto+s.LookupsOff+s.LookupsOn+s.User > 0 }

const maxCount = 65535 // where the counters of the image stop

func saturate(n *int) { *n = min(*n+1, maxCount) }
