// SPDX-License-Identifier: Apache-2.0

package advice

import (
	"landed/manifests/effect"
	"landed/manifests/offers"
	"landed/manifests/report"
)

// Situation is what the main sentence says.
type Situation string

// The situations.
const (
	Unreadable    Situation = "unreadable"    // the server cannot read the release
	Contradictory Situation = "contradictory" // its reports do not fit together
	Implausible   Situation = "implausible"   // it claims more than it can have seen
	NoRule        Situation = "no_rule"       // runs the update; its answers were not foreseen
	Unclaimed     Situation = "unclaimed"     // runs the update, which claims nothing
	AsClass       Situation = "class"         // as the effect words its class
	Past          Situation = "past"          // showed the opposite; the switch is off by now
	Still         Situation = "still"         // shows the opposite although the switch is off

	// It does not run the update.
	GaveUp           Situation = "gave_up"           // failed, and is not tried again
	FailedAgain      Situation = "failed"            // failed, and is tried again
	AskedAgain       Situation = "asked"             // gave up, and was asked to try again
	FailedEnded      Situation = "failed_ended"      // failed, and nothing is offered to it any more
	Installed        Situation = "installed"         // waits for a restart
	InstalledStopped Situation = "installed_stopped" // waits for a restart; it was stopped meanwhile
	Downloading      Situation = "downloading"
	Offered          Situation = "offered"
	Turn             Situation = "turn"      // whether its turn came, the handset alone knows
	TurnHeld         Situation = "turn_held" // the same, and nobody's turn comes for now
	BeingStopped     Situation = "halting"
	Stopped          Situation = "halted"
	Retired          Situation = "retired"
	NotForIt         Situation = "not_for_it"
	NothingOffered   Situation = "nothing_offered"
	NewerProgram     Situation = "needs_newer_program"
	RunsOffered      Situation = "runs_offered" // runs what is offered, which is an older release
)

// Situations lists them all.
var Situations = []Situation{Unreadable, Contradictory, Implausible, NoRule, Unclaimed, AsClass, Past, Still, GaveUp, FailedAgain,
	AskedAgain, FailedEnded, Installed, InstalledStopped, Downloading, Offered, Turn, TurnHeld, BeingStopped, Stopped, Retired, NotForIt,
	NothingOffered, NewerProgram, RunsOffered}

// unreadable is the reason of whatever was found of a release that cannot be read.
const unreadable = "unreadable"

// hope is the situation of one that waits for the update, as far as the offer tells. One that has begun was in the stage: its
// draw is no question any more.
func (f Facts) hope(failure *Failure) Situation {
	begun := f.Progress == report.ProgressDownloading || f.Progress == report.ProgressInstalled ||
		f.Progress == report.ProgressFailed && failure != nil && !f.Offer.Another
	switch f.Offer.Reason {
	case ModelRetired:
		return Retired
	case string(offers.ReasonHalted):
		return Stopped
	case string(offers.ReasonOffered), DependsOnDraw:
		switch {
		case f.Offer.Halting:
			return BeingStopped
		case f.Offer.Reason == string(offers.ReasonOffered) || begun:
			return Offered
		case f.Offer.Held:
			return TurnHeld
		}
		return Turn
	case string(offers.ReasonRunning):
		return RunsOffered
	case string(offers.ReasonNeeds):
		return NewerProgram
	case string(offers.ReasonWrongModel), string(offers.ReasonWrongVariant), string(offers.ReasonOlder), string(offers.ReasonPreBuild):
		return NotForIt
	}
	return NothingOffered
}

// comes says that the update may come by itself to one that waits.
func (s Situation) comes() bool { return s == Offered || s == Turn }

func (f Facts) situation(failure *Failure, hope Situation) Situation {
	switch {
	case f.Reason == unreadable:
		return Unreadable
	case f.Class == effect.Contradictory:
		return Contradictory
	case f.Class == effect.Implausible:
		return Implausible
	case f.Reason == effect.CodeNoEffect:
		return Unclaimed
	case f.Reason == effect.CodeNoRule:
		return NoRule
	case f.Class != effect.Unpatched && f.Class != effect.Unknown:
		return f.ofClass()
	case failure != nil && !f.Offer.Another: // a failure of an earlier update says nothing of the next one
		return f.ofFailure(failure, hope)
	}
	switch {
	case f.Progress == report.ProgressInstalled && hope != Offered && hope != Turn && hope != RunsOffered:
		return InstalledStopped
	case f.Progress == report.ProgressInstalled:
		return Installed
	case f.Progress == report.ProgressDownloading && hope == Offered:
		return Downloading
	}
	return hope
}

// ofClass is the situation of a class of the effect's own. What speaks against a handset may be counted for as long as its
// system is installed, and be over: the words of such a class hold while the switch is on, or if they are about the switch.
func (f Facts) ofClass() Situation {
	switch {
	case f.Kind != effect.Bad || f.Switch != Off || f.Looked:
		return AsClass
	case f.More:
		return Still
	}
	return Past
}

func (f Facts) ofFailure(failure *Failure, hope Situation) Situation {
	switch {
	case !hope.comes() && hope != TurnHeld:
		return FailedEnded
	case failure.GaveUp:
		return GaveUp
	case f.Asked && failure.Blamed.Blamed():
		return AskedAgain
	}
	return FailedAgain
}

// was is the sentence about the past that fits a situation.
func was(s Situation) string {
	switch s {
	case GaveUp, FailedAgain, AskedAgain, FailedEnded:
		return "failed"
	case Installed, InstalledStopped:
		return "installed"
	case Downloading:
		return "downloading"
	case Unreadable, Contradictory, Implausible, NoRule, Unclaimed, AsClass, Past, Still:
		return "class"
	}
	return "without"
}
