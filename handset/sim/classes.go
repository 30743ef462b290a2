// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"slices"
	"time"

	"landed/firmware-fixtures/virtual"
)

// Effects whose truth this package can tell.
const (
	OptIn     = "cloud-messaging-opt-in"
	BuildRuns = "build-runs"
	AppList   = "app-list-upload-off"
)

// Classes of truth, by the names under which the server counts verdicts. The last four every effect has.
const (
	confirmedOff       = "confirmed_off"
	consented          = "consented"
	carriedOver        = "carried_over"
	registeredByItself = "registered_by_itself"
	notExercised       = "not_exercised"
	leak               = "leak"

	runs      = "runs"
	notMarked = "not_marked"

	notSent    = "not_sent"
	byChoice   = "by_choice"
	stillOn    = "still_on"
	notTried   = "not_tried"
	sentAnyway = "sent_anyway"

	contradictory = "contradictory"
	implausible   = "implausible" // of no handset that there is: they say what they have seen
	unpatched     = "unpatched"
	unknown       = "unknown"
)

// Classes lists every class that a truth may have under a release of this effect.
func Classes(effect string) []string {
	own := map[string][]string{
		OptIn:     {confirmedOff, consented, carriedOver, registeredByItself, notExercised, leak},
		BuildRuns: {runs, notMarked},
		AppList:   {notSent, byChoice, stillOn, notTried, sentAnyway},
	}
	return slices.Concat(own[effect], []string{contradictory, implausible, unpatched, unknown})
}

// view is all that a class is told by: the files in the slot, the userdata, and what the observer received until at.
type view struct {
	at      time.Time
	build   string         // fingerprint that runs
	system  *virtual.Image // its files, read; nil if they cannot be
	kept    bool           // its slot is marked successful
	phone   virtual.Truth
	traffic virtual.Count // since the build first booted
}

// class says what is really so on a build of a release with this effect.
func (v view) class(effect string) string {
	switch effect {
	case OptIn:
		return v.optIn()
	case BuildRuns:
		if v.kept {
			return runs
		}
		return notMarked
	case AppList:
		return v.appList()
	}
	return unknown // a release that claims nothing
}

func (v view) optIn() string {
	t := v.phone
	switch {
	case v.leaks():
		return leak
	case v.system.Behaviour.Feature < 1 || v.system.Behaviour.GateAt(v.at) == virtual.GateOpen:
		return contradictory // an image without opt-in, or one whose guard is open and which has not acted on it yet
	case t.On && t.Consented && t.Origin == virtual.OriginUser:
		return consented
	case t.On:
		return carriedOver
	case t.SelfRegistered:
		return registeredByItself
	case !t.Tested || v.at.Sub(t.Since) < 24*time.Hour:
		return notExercised
	}
	return confirmedOff
}

// leaks says if anything left the patched build that nobody had agreed to: the handset's own count of why, and
// the observer's of what, in case the first is wrong.
func (v view) leaks() bool {
	t := v.phone
	if !t.OptIn {
		return false
	}
	if t.Sent.Auto+t.Sent.LookupsOff > 0 || t.Sent.Plain {
		return true
	}
	return v.traffic.Total() > 0 && t.Sent.User+t.Sent.LookupsOn == 0
}

func (v view) appList() string {
	b := v.phone.Backup
	switch {
	case b == nil:
		return unknown // a build of the release that knows nothing of an app backup
	case b.Off > 0 || v.traffic[virtual.AppList] > b.Sent:
		return sentAnyway
	case b.On && b.Origin == virtual.OriginUser:
		return byChoice
	case b.On && b.Origin == virtual.OriginCarriedOver:
		return stillOn
	case b.On:
		return contradictory
	case !b.Tested || v.at.Sub(v.phone.Since) < 48*time.Hour:
		return notTried
	}
	return notSent
}
