// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// State is what the client is doing. Each is entered by a durable write, so that a restart goes on
// where it stopped.
type State string

// The states.
const (
	Idle        State = "idle"        // waits for the next poll
	Checking    State = "checking"    // asks the feed
	Downloading State = "downloading" // an offer both roles agree on; its bytes are coming
	Verifying   State = "verifying"   // the bytes are complete and have the right hash
	Installing  State = "installing"  // otapkg has passed them
	Rebooting   State = "rebooting"   // written; the new system has not come up yet
	Observing   State = "observing"   // runs a build of the release; waits for the next poll
	Failed      State = "failed"      // backs off, then checks again
)

// next is the state machine: from each state, where it may go.
var next = map[State][]State{
	Idle:        {Checking},
	Checking:    {Idle, Observing, Downloading, Failed},
	Downloading: {Verifying, Failed},
	Verifying:   {Installing, Failed},
	Installing:  {Rebooting, Failed},
	Rebooting:   {Observing, Failed},
	Observing:   {Checking},
	Failed:      {Checking},
}

// standing is what the state file holds of where the client stands.
type standing struct {
	State State     `json:"state"`
	Wake  time.Time `json:"wake"`  // by the handset's clock
	Tries int       `json:"tries"` // failures in a row
}

// machine goes from state to state, by the rules of next and no others.
type machine struct {
	mem *standing
	log *slog.Logger
}

// enter changes the state; it panics on a step that next does not know, which is a broken program.
func (m *machine) enter(s State, wake time.Time) {
	if !slices.Contains(next[m.mem.State], s) {
		panic(fmt.Sprintf("handset: no step leads from %s to %s", m.mem.State, s))
	}
	m.log.Debug("state", "from", string(m.mem.State), "to", string(s), "wake", wake)
	m.mem.State, m.mem.Wake = s, wake
}

func (m *machine) state() State { return m.mem.State }

// wake is when the next step is due, by the handset's clock.
func (m *machine) wake() time.Time { return m.mem.Wake }

// failed counts a failure; it gives the number of those in a row.
func (m *machine) failed() int {
	m.mem.Tries++
	return m.mem.Tries
}

// succeeded ends the row of failures.
func (m *machine) succeeded() { m.mem.Tries = 0 }

// hurry makes the next poll due, if nothing else is under way.
func (m *machine) hurry(now time.Time) {
	switch m.mem.State {
	case Idle, Observing, Failed:
		m.mem.Wake = now
	}
}
