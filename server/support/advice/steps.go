// SPDX-License-Identifier: Apache-2.0

package advice

import (
	"slices"

	"landed/manifests/effect"
	"landed/manifests/report"
)

// offered is what is said of the offer.
func (f Facts) offered(failure *Failure, hope Situation) string {
	waits := f.Class == effect.Unpatched || f.Class == effect.Unknown
	switch {
	case hope == BeingStopped:
		return "halting"
	case hope == TurnHeld:
		return "held"
	case hope == Offered && failure != nil && failure.GaveUp:
		return "gave_up"
	case hope != Offered || !waits:
		return f.Offer.Reason
	case failure != nil && !f.Offer.Another:
		return "tries_again"
	case f.Progress == report.ProgressInstalled:
		return "written"
	case f.Progress == report.ProgressDownloading:
		return "begun"
	}
	return f.Offer.Reason
}

// steps are what is to be done, the most urgent first.
func (f Facts) steps(a Answer, hope Situation) []Step {
	var do []Step
	add := func(code string, who Who) {
		if one := (Step{code, who}); !slices.Contains(do, one) {
			do = append(do, one)
		}
	}
	if !a.Recent && a.Say != Unreadable {
		add("check", Owner)
	}
	switch a.Say {
	case Unreadable:
		add("tomorrow", Nobody)
	case Contradictory, NoRule, Still, InstalledStopped:
		add("pass_on", Engineers)
	case Past:
		add("keep_off", Owner)
		add("pass_on", Engineers)
	case Implausible:
		add("date", Owner)
	case AsClass:
		switch acts := f.classActs(); {
		case a.Recent:
			add("class", acts)
		case acts == Owner:
			add("class_if", acts)
		}
	case Installed:
		add("restart", Owner)
	case Downloading, Offered:
		if a.Recent {
			add("connected", Owner)
		}
	case NewerProgram:
		add("program", Engineers)
	}
	if a.Failure != nil {
		if a.Say == AsClass && a.Recent && f.classActs() == Nobody {
			do = nil // “nothing” is not all
		}
		if a.Failure.Remedy != PassOn {
			add("remedy."+string(a.Failure.Remedy), a.Failure.Remedy.Who())
		}
		switch {
		case a.Failure.GaveUp && hope.comes() && a.Failure.Remedy != Newer:
			add("ask_retry", Engineers)
		case a.Failure.Remedy == PassOn:
			add("pass_on", Engineers)
		}
	}
	switch {
	case !a.Say.Without():
	case f.Switch == Off:
		add("keep_off", Owner)
	case f.ByHand:
		add("by_hand", Owner)
	}
	if len(do) == 0 {
		add("nothing", Nobody)
	}
	return do
}

// classActs is who acts where the effect says what to do: its user, unless all is well, or nothing can be said yet.
func (f Facts) classActs() Who {
	if f.Kind == effect.Good || f.Kind == effect.Unjudged {
		return Nobody
	}
	return Owner
}

// Without says that it is a situation of one that does not run the update.
func (s Situation) Without() bool {
	switch s {
	case Unreadable, Contradictory, Implausible, NoRule, Unclaimed, AsClass, Past, Still:
		return false
	}
	return true
}

// told is what its user is told.
func (f Facts) told(a Answer, hope Situation) []string {
	var tell []string
	switch {
	case a.Recent || a.Say == Unreadable:
		tell = append(tell, "say."+string(a.Say))
	default:
		tell = append(tell, "old")
	}
	if a.Say == FailedEnded || !a.Recent && a.Say.Without() && !hope.comes() { // what comes by itself needs no word until then
		tell = append(tell, "hope."+string(hope))
	}
	if a.Failure != nil {
		if a.Was != "failed" {
			tell = append(tell, "failed")
		}
	}
	if known := a.knownTold(); known != "" {
		tell = append(tell, known)
	}
	if a.Failure != nil {
		if a.Failure.Remedy != PassOn || !f.knows(false) { // “we do not know why” is not said of what is known
			tell = append(tell, "remedy."+string(a.Failure.Remedy))
		}
		if a.Failure.GaveUp && hope.comes() && a.Failure.Remedy != Newer && !f.engineersKnow(false) {
			tell = append(tell, "ask_retry")
		}
	}
	switch {
	case !a.Say.Without():
	case f.Switch == Off:
		tell = append(tell, "keep_off")
	case f.ByHand:
		tell = append(tell, "by_hand")
	}
	return tell
}
