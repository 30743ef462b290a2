// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"errors"
	"fmt"
	"time"

	"landed/internal/format"
)

// Rollout is a release going to one model on one channel, in ordered stages.
type Rollout struct {
	ID       string // "<release>.<role>.<channel>": there is one
	Release  string
	Model    string
	Channel  string
	Salt     string // 32 hex digits, published before it starts
	Stages   []Stage
	State    RolloutState
	Stage    int       // index into Stages
	Since    time.Time // when this stage was entered, or resumed
	Held     Reason    // why it stays at its share, none if it does not
	Reason   Reason    // why it was halted or resumed last; what a person said in her words
	By       string    // who halted or resumed it last; "landed" for the loop itself
	Forgiven int       // installations known to have leaked when it was last resumed, whoever they were
	// What was known of the counted fleet when it was last resumed: who had leaked, whose failure is to be blamed on the
	// update, and who was lost.
	ForgivenCounted, Excused, ExcusedLost int

	Known    int64     // K: counted installations of the model on the channel when the salt was drawn; 0 if nobody was admitted to it
	Looked   time.Time // when the gates of this stage were looked at last, zero if they were not yet
	Retries  int       // how often handsets that gave up were asked to try again, at most offers.MaxRetry
	Seconded bool      // two persons resumed it last
	Started  time.Time
	Changed  time.Time
	Reached  []Reach // when which share was offered first, the smallest first
	Revision int64   // grows with every save; a save from an older one is a conflict
}

// Stage is one step: a share of the fleet, and what must be shown before the next.
type Stage struct {
	Share int           `json:"share"` // 1…10,000 hundredths of a percent
	Soak  time.Duration `json:"soak"`  // at least this long in the stage
	Gates Gates         `json:"gates"`
}

// Gates are the conditions to leave a stage. Shares are hundredths of a percent.
type Gates struct {
	// the most counted installations that the gate may ask for; how many it does follows from the fleet and the share (rollout.Needed)
	MinReports int64 `json:"min_reports"`
	MinProven  int   `json:"min_proven"` // of those that could be judged, 0…10,000
	// failures of package and build, of the attempts that ended, 1…10,000; 0 means DefaultMaxFailures
	MaxFailures int   `json:"max_failures"`
	HaltLeaks   int64 `json:"halt_leaks"` // leaking counted installations that halt it; 0 means DefaultHaltLeaks
}

// DefaultHaltLeaks is how many distinct leaking installations of the counted fleet halt a rollout at least, unless its stages
// say otherwise. Fewer hold it, and so do any number of others: keys cost nothing, so their reports prove nothing.
const DefaultHaltLeaks = 5

// DefaultMaxFailures is the share of failures, in hundredths of a percent, that a gate allows
// if it does not say.
const DefaultMaxFailures = 1_000

// RolloutState is what a rollout does now.
type RolloutState string

// The states of a rollout.
const (
	RolloutRunning  RolloutState = "running"
	RolloutHeld     RolloutState = "held" // stays at its share; somebody should look
	RolloutHalted   RolloutState = "halted"
	RolloutFinished RolloutState = "finished" // whole fleet, late joiners included
	// RolloutHalting is only shown, never stored: it is halted, and the served offers do not say so yet.
	RolloutHalting RolloutState = "halting"
)

// RolloutNext draws the state machine: who may follow whom.
var RolloutNext = map[RolloutState][]RolloutState{
	RolloutRunning:  {RolloutHeld, RolloutHalted, RolloutFinished},
	RolloutHeld:     {RolloutRunning, RolloutHalted},
	RolloutHalted:   {RolloutRunning},
	RolloutFinished: {RolloutHeld, RolloutHalted},
}

// Share is the share that is offered now, in hundredths of a percent.
func (r Rollout) Share() int {
	if r.Stage < 0 || r.Stage >= len(r.Stages) {
		return 0
	}
	return r.Stages[r.Stage].Share
}

// ValidateStages returns every fault: shares must grow and end at the whole fleet.
func ValidateStages(stages []Stage) error {
	var faults []error
	if len(stages) == 0 || stages[len(stages)-1].Share != 10_000 {
		faults = append(faults, errors.New("the last stage must have the share 100 %, the whole fleet"))
	}
	last := 0
	for i, s := range stages {
		if s.Share <= last || s.Share > 10_000 {
			faults = append(faults, fmt.Errorf("stage %d has the share %s; shares grow from stage to stage, from more than %s "+
				"up to 100 %%", i+1, format.Percent(s.Share), format.Percent(last)))
		}
		if s.Soak < 0 {
			faults = append(faults, fmt.Errorf("stage %d soaks for %s", i+1, s.Soak))
		}
		if g := s.Gates; g.MinReports < 0 || g.MinProven < 0 || g.MinProven > 10_000 || g.MaxFailures < 0 ||
			g.MaxFailures > 10_000 || g.HaltLeaks < 0 {
			faults = append(faults, fmt.Errorf("stage %d: gates count installations from 0, and shares go from 0 to 100 %%",
				i+1))
		}
		last = s.Share
	}
	return errors.Join(faults...)
}

// FirstExpected is how many handsets the first stage may be offered to, of all that are known.
const FirstExpected = 1_000

// DefaultStages are what a rollout gets if nobody says otherwise: one percent, ten, half, all; two days and more in
// each, so that the 24 hour reports of one stage are in before the next. Where one percent of the known installations
// is more than [FirstExpected], the first stage is smaller; and where ten percent are, each is five times the one
// before, since no stage goes to more than ten times those that were judged, and not everybody can be judged.
func DefaultStages(known int64) []Stage {
	day := 24 * time.Hour
	gates := Gates{MinReports: 400, MinProven: 5_000, MaxFailures: 1_000}
	shares := []int{100, 1_000, 5_000}
	if known > 10*FirstExpected {
		shares = nil
		for share := int(max(1, min(100, FirstExpected*10_000/known))); share < 10_000; share *= 5 {
			shares = append(shares, share)
		}
	}
	var all []Stage
	for _, share := range shares {
		all = append(all, Stage{Share: share, Soak: 2 * day, Gates: gates})
	}
	return append(all, Stage{Share: 10_000, Soak: 7 * day, Gates: gates})
}
