// SPDX-License-Identifier: Apache-2.0

package offers

import (
	"fmt"
	"slices"
)

// Handset is what the decision reads of a handset. Nothing of it leaves the handset.
type Handset struct {
	Model   string
	Variant string
	Build   string // fingerprint that is running
	UTC     int64  // its build time, seconds
	Counter int64  // the highest release counter it ever ran; 0 before the first
	Begun   string // rollout it has begun to install, "" if none
	Secret  []byte // at least 16 random bytes made at set-up; each release has a draw from it
}

// Reason says why a handset is, or is not, offered a build.
type Reason string

// The reasons, in the order in which they are examined for each offer.
const (
	ReasonNothing      Reason = "nothing_offered"    // the document has no offer for this model
	ReasonWrongModel   Reason = "wrong_model"        // the document is of another model
	ReasonWrongVariant Reason = "wrong_variant"      // the build is for another image variant
	ReasonRunning      Reason = "already_running"    // this build runs already
	ReasonOlder        Reason = "older_than_running" // would be a downgrade by build time or release counter
	ReasonPreBuild     Reason = "other_source_build" // an incremental from another build
	ReasonHalted       Reason = "halted"             // halted, and this handset has not begun
	ReasonNotYet       Reason = "not_in_stage_yet"   // its draw is not below the share
	ReasonOffered      Reason = "offered"
	ReasonNeeds        Reason = "needs_newer_program" // made for a newer program than the one that decides
)

// Decision is the answer: Offer is set only if Reason is ReasonOffered. Draw is where
// this handset stands in the rollout it was decided on, 0…9,999, or -1.
type Decision struct {
	Reason  Reason
	Offer   *Offer
	Rollout string // the rollout that the reason speaks of, "" if none
	Draw    int
	Share   int
	Needs   string // with ReasonNeeds: what the program would have to know, in words
}

// Decide says which offer of d applies to h, and why. The first offer that applies
// counts, so incrementals stand before the full package of their build; if none applies, the reason of the newest is
// given that is for this image and this build, if there is one. An offer that needs a newer program does not apply, but an
// older one behind it may: it can be the one that brings that program.
func Decide(d Document, h Handset) Decision {
	return decide(d, h, func(o *Offer) int { return Draw(DrawSecret(h.Secret, o.Custom.Release), o.Salt) })
}

// Everybody is what d offers to every handset of an image variant, whatever it draws: full to one of which nothing is known
// but that its build is older, and of the incrementals those that a handset takes which runs a build that they start from.
// It is what [Decide] answers to the handset that is let in last. full is nil if there is no such offer; then nothing is
// offered to everybody.
func Everybody(d Document, variant string) (full *Offer, incrementals []Offer) {
	last := func(build string) *Offer {
		return decide(d, Handset{Model: d.Model, Variant: variant, Build: build}, func(*Offer) int { return WholeFleet - 1 }).Offer
	}
	if full = last(""); full == nil {
		return nil, nil
	}
	for i := range d.Offers {
		o := &d.Offers[i]
		if slices.ContainsFunc(o.PreBuilds, func(build string) bool { return last(build) == o }) {
			incrementals = append(incrementals, *o)
		}
	}
	return full, incrementals
}

func decide(d Document, h Handset, draw func(*Offer) int) Decision {
	if d.Needs != "" {
		return Decision{Reason: ReasonNeeds, Draw: -1, Needs: d.Needs}
	}
	if d.Model != h.Model {
		return Decision{Reason: ReasonWrongModel, Draw: -1}
	}
	first := Decision{Reason: ReasonNothing, Draw: -1}
	for i := range d.Offers {
		answer := consider(&d.Offers[i], h, draw)
		if answer.Reason == ReasonOffered {
			return answer
		}
		if i == 0 || says(answer.Reason) > says(first.Reason) {
			first = answer
		}
	}
	return first
}

// says ranks reasons by how much they speak of this handset: an offer for another image says nothing of it, an
// incremental from another build little, for the full package stands behind it.
func says(r Reason) int {
	switch r {
	case ReasonWrongVariant:
		return 0
	case ReasonPreBuild:
		return 1
	}
	return 2
}

func consider(o *Offer, h Handset, draw func(*Offer) int) Decision {
	if o.Needs != "" {
		return Decision{Reason: ReasonNeeds, Draw: -1, Needs: o.Needs}
	}
	d := Decision{Rollout: o.Rollout, Draw: draw(o), Share: o.Share}
	switch {
	case o.Custom.Variant != h.Variant:
		d.Reason = ReasonWrongVariant
	case o.Custom.Build.Fingerprint == h.Build:
		d.Reason = ReasonRunning
	case o.Custom.Build.UTC <= h.UTC || o.Custom.Counter < h.Counter:
		d.Reason = ReasonOlder
	case len(o.PreBuilds) > 0 && !slices.Contains(o.PreBuilds, h.Build):
		d.Reason = ReasonPreBuild
	case h.Begun == o.Rollout:
		d.Reason, d.Offer = ReasonOffered, o // a handset that has begun goes on: half an update helps nobody
	case o.State == StateHalted:
		d.Reason = ReasonHalted
	case d.Draw >= o.Share:
		d.Reason = ReasonNotYet
	default:
		d.Reason, d.Offer = ReasonOffered, o
	}
	return d
}

// Words explains the decision to a person.
func (d Decision) Words() string {
	switch d.Reason {
	case ReasonOffered:
		return "The update is offered to this handset now."
	case ReasonNothing:
		return "No update is offered for this model on this channel."
	case ReasonWrongModel:
		return "The offers are for another model."
	case ReasonWrongVariant:
		return "The update is for another regional variant of this model."
	case ReasonRunning:
		return "This handset runs the update already."
	case ReasonOlder:
		return "This handset runs a newer build; going back would undo fixes."
	case ReasonPreBuild:
		return "The update starts from another build than the one that runs here."
	case ReasonHalted:
		return "The rollout was halted; handsets that have not begun do not begin."
	case ReasonNeeds:
		return "What is offered needs " + d.Needs + ". This handset waits until its update program is a newer one."
	case ReasonNotYet:
		return fmt.Sprintf("Not yet: this handset drew %d of 10,000, and the rollout has reached %d.", d.Draw, d.Share)
	}
	return "No reason is known; this is a fault of the program."
}
