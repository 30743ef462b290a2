// SPDX-License-Identifier: Apache-2.0

// Package offers is the document that says what is offered now, to which share of a
// model's fleet, and the pure decision which offer applies to a handset, with its reason.
//
// Parties: the server writes one Document per model and channel and signs it with an
// online key; a handset decides by itself; support staff and adapters for other protocols
// ask the same function.
//
// It promises that the document holds nothing about a single handset, that raising a
// share never takes an offer away, and that every answer has a reason. It refuses
// downgrades, foreign models, lower release counters, and halted rollouts. What may be
// installed at all is said elsewhere, by the offline role; an offer only repeats it.
package offers

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"landed/manifests"
)

// Schema is the version of the document.
const Schema = 1

// Document is the TUF target offers/<role>/<channel>.json, signed online.
type Document struct {
	Schema  int     `json:"schema"`
	Model   string  `json:"model"`
	Channel string  `json:"channel"`
	Offers  []Offer `json:"offers"` // the first that applies counts; newest first
}

// Offer is one build of one release, and how far its rollout has come.
type Offer struct {
	Rollout  string            `json:"rollout"` // rollout id
	State    State             `json:"state"`
	Salt     string            `json:"salt"`  // 32 hex digits; fixed before the rollout starts
	Stage    int               `json:"stage"` // 1, 2, 3 …
	Share    int               `json:"share"` // 0…10,000 hundredths of a percent; a handset takes part if its draw is below
	Package  manifests.Package `json:"package"`
	Manifest manifests.Package `json:"manifest"` // the release manifest of this model
	Custom   manifests.Custom  `json:"custom"`   // equal to the custom part that the offline role signed
	// PreBuilds lists the fingerprints an incremental applies to; empty for a full package.
	PreBuilds []string `json:"pre_builds,omitempty"`
}

// State of a rollout as handsets see it.
type State string

// The states. A held rollout stays at its share; a halted one offers nothing to handsets
// that have not begun.
const (
	StateRunning  State = "running"
	StateHeld     State = "held"
	StateHalted   State = "halted"
	StateFinished State = "finished" // everybody, late joiners too
)

// WholeFleet is the share that includes every draw.
const WholeFleet = 10_000

var (
	salt = regexp.MustCompile(`^[0-9a-f]{32}$`)
)

// Parse reads a document; unknown fields and values out of range are refused.
func Parse(text []byte) (Document, error) {
	var d Document
	if err := manifests.StrictJSON(text, &d); err != nil {
		return Document{}, fmt.Errorf("offers document: %w", err)
	}
	if err := d.Validate(); err != nil {
		return Document{}, fmt.Errorf("offers document: %w", err)
	}
	return d, nil
}

// Bytes marshals d; Parse(d.Bytes()) gives d again.
func (d Document) Bytes() []byte {
	text, err := json.MarshalIndent(d, "", " ")
	if err != nil {
		panic(err) // only strings and integers: it cannot fail
	}
	return append(text, '\n')
}

// Validate returns every fault of d, joined.
func (d Document) Validate() error {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(d.Schema != Schema, "schema is %d, wanted %d", d.Schema, Schema)
	fault(d.Model == "", "model is empty")
	fault(!manifests.ValidChannel(d.Channel), "channel %q: wanted stable, beta or lab", d.Channel)
	for _, o := range d.Offers {
		fault(o.Custom.Model != d.Model, "rollout %s offers a build of %q in the document of %q", o.Rollout, o.Custom.Model, d.Model)
		fault(o.Custom.Channel != d.Channel, "rollout %s offers a build for the channel %q in the document of %q", o.Rollout, o.Custom.Channel, d.Channel)
		fault(o.Rollout == "", "an offer has no rollout id")
		fault(o.State != StateRunning && o.State != StateHeld && o.State != StateHalted && o.State != StateFinished, "rollout %s: state %q", o.Rollout, o.State)
		fault(!salt.MatchString(o.Salt), "rollout %s: salt: wanted 32 hex digits", o.Rollout)
		fault(o.Share < 0 || o.Share > WholeFleet, "rollout %s: share %d, wanted 0 to %d", o.Rollout, o.Share, WholeFleet)
		fault(o.Custom.Counter < 1 || o.Custom.Build.UTC < 1 || o.Package.Length < 1, "rollout %s: counter, build time and package length must be positive", o.Rollout)
	}
	return errors.Join(faults...)
}
