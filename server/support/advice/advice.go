// SPDX-License-Identifier: Apache-2.0

// Package advice decides what is said of one installation: one main sentence, what to do and who does it, what to tell its
// user, and what is said of the offer.
//
// Parties: the support page, which gathers the facts and has the words, and whoever reads it to a customer. It promises that
// verdict, switch, failure, offer and the age of the newest report decide together, so that no two sentences contradict
// each other: no update is promised to a handset that gave up, or to which none is offered; nobody is told to switch off
// what is off; a failure always has its cause and a remedy; and what is old is told as past. It refuses to know words, the
// store and the time: it takes facts, gives codes, and is pure.
package advice

import (
	"landed/manifests/effect"
	"landed/manifests/report"
)

// Recent is how many days old a report may be that is spoken of in the present tense.
const Recent = 14

// Switch is what the newest report says of the switch of the effect.
type Switch string

// What it may say.
const (
	NotAsked Switch = ""    // the effect has no switch, or the report says nothing of it
	On       Switch = "on"  //
	Off      Switch = "off" // or suspended until its user answers
)

// Facts are all that is known of an installation. Every combination has an answer.
type Facts struct {
	Class  string      // of the verdict
	Kind   effect.Kind // of the verdict
	Reason string      // code of the first of its reasons

	Switch Switch
	Looked bool // the verdict follows from the switch as it is now, so the words of its class fit
	More   bool // what speaks against it grew while the switch was off
	ByHand bool // the effect says what can be done by hand

	Progress report.Progress
	Failure  *report.Failure // of the newest report, nil if it names none
	Family   string          // of its model: "ab", or that of a recovery
	Asked    bool            // people asked for another try since the newest report

	Offer Offer
	Days  int // since the newest report came

	Known []Known // known issues that explain it: at most one of how far the update is, and one of the verdict
}

// Offer is what is offered to it now.
type Offer struct {
	Reason  string // of the offers document, or one of those below
	Held    bool   // the rollout stays at its share until somebody has looked
	Halting bool   // it is being stopped; handsets are not told so yet
	Another bool   // it is of another release than the newest report speaks of
}

// Reasons that no offers document has.
const (
	DependsOnDraw = "depends_on_draw" // follows from a secret that never leaves the handset
	ModelRetired  = "model_retired"
	NoRollout     = "no_rollout"
)

// Who is to act.
type Who string

// Those who may have to.
const (
	Owner     Who = "owner"
	Service   Who = "service" // a service centre
	Engineers Who = "engineers"
	Nobody    Who = "nobody"
)

// Step is one thing to be done.
type Step struct {
	Code string `json:"code"`
	Who  Who    `json:"who"`
}

// Answer is what is said, in codes.
type Answer struct {
	Say     Situation
	Recent  bool     // it may be said in the present tense
	Was     string   // else, how it was
	Do      []Step   // never empty; the first is the most urgent
	Tell    []string // never empty
	Offer   string
	Failure *Failure // nil if none is known
	Known   []Told   // in the order in which they are told
}

// Failure is what stopped the update.
type Failure struct {
	Cause  string       `json:"cause"` // key of its words
	Remedy Remedy       `json:"remedy"`
	GaveUp bool         `json:"gave_up"` // it is not tried again by itself
	Blamed report.Cause `json:"blamed"`
}

// Of says what is to be said.
func Of(f Facts) Answer {
	a := Answer{Recent: f.Days <= Recent, Failure: f.failed()}
	hope := f.hope(a.Failure)
	a.Say = f.situation(a.Failure, hope)
	a.Was = was(a.Say)
	a.Offer = f.offered(a.Failure, hope)
	a.Known = f.known(a)
	a.Do = f.act(a, f.steps(a, hope))
	a.Known = a.settle(hope)
	a.Tell = f.told(a, hope)
	return a
}

// failed is what is known of a failure. A cause that speaks against the update is told only by a handset that gave up
// (docs/protocol/report.md), until people ask it to try again, or another release is offered.
func (f Facts) failed() *Failure {
	if f.Failure == nil && f.Progress != report.ProgressFailed {
		return nil
	}
	if f.Failure == nil {
		return &Failure{Cause: "unsaid", Remedy: PassOn}
	}
	blamed := report.CauseOf(*f.Failure)
	cause, remedy := Explain(*f.Failure, f.Family)
	gaveUp := blamed.Blamed() && f.Progress == report.ProgressFailed && !f.Asked && !f.Offer.Another
	return &Failure{cause, remedy, gaveUp, blamed}
}
