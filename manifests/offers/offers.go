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
	"slices"
	"strings"
	"unicode"

	"landed/manifests"
)

// Schema is the version of the document that is written, and the highest that is read. Version 1 lies at
// offers/<role>/<channel>.json for ever; version N would lie beside it at <channel>.vN.json.
const Schema = 1

// Document is the TUF target offers/<role>/<channel>.json, signed online.
type Document struct {
	Schema  int    `json:"schema"`
	Model   string `json:"model"`
	Channel string `json:"channel"`
	// Epoch, 0…MaxEpoch, asks handsets that know a smaller one to say once more what they said last. They spread their
	// answers over a day, by a draw of their own, and repeat no epoch.
	Epoch int `json:"epoch,omitempty"`
	// Mirrors are base URLs, the best first, from which packages are downloaded rather than from the server of the feed:
	// each stands for its /tuf/targets. See CheckMirror. What comes from there is held against what the offline role has
	// signed, as ever, and the server of the feed has all packages too.
	Mirrors []string `json:"mirrors,omitempty"`
	Offers  []Offer  `json:"offers"` // the first that applies counts; newest first

	// Needs is what the reader would have to know, in words; "" if it knows enough. Nothing else is read then.
	Needs string `json:"-"`
}

// Offer is one build of one release, and how far its rollout has come.
type Offer struct {
	Rollout string `json:"rollout"` // rollout id: letters, digits and . _ -, at most 200
	State   State  `json:"state"`
	Salt    string `json:"salt"`  // 32 hex digits; fixed before the rollout starts
	Stage   int    `json:"stage"` // 1, 2, 3 …
	// 0…10,000 hundredths of a percent; a handset takes part if its draw is below
	Share int `json:"share"`
	// how often people have asked handsets that gave up on a package of this rollout to try again, 0…MaxRetry
	Retry    int               `json:"retry,omitempty"`
	Package  manifests.Package `json:"package"`
	Manifest manifests.Package `json:"manifest"` // the release manifest of this model
	Custom   manifests.Custom  `json:"custom"`   // equal to the custom part that the offline role signed
	// PreBuilds lists the fingerprints an incremental applies to; empty for a full package.
	PreBuilds []string `json:"pre_builds,omitempty"`

	// RawCustom is the custom part as it was signed, with the members that this program does not know; it is written
	// in the place of Custom. Nil stands for what Custom marshals to.
	RawCustom json.RawMessage `json:"-"`
	// Needs is what the reader would have to know, in words; "" if it knows enough. Nothing else is read then.
	Needs string `json:"-"`
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

// MaxRetry bounds how often handsets that gave up can be asked to try again, so that stolen online keys cannot have them
// try for ever.
const MaxRetry = 100

// MaxEpoch is the largest epoch.
const MaxEpoch = 1_000_000

// WholeFleet is the share that includes every draw.
const WholeFleet = 10_000

var (
	salt      = regexp.MustCompile(`^[0-9a-f]{32}$`)
	rolloutID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$`)
)

// Validate returns every fault of d, joined. What it refuses is not published.
func (d Document) Validate() error {
	faults := d.headFaults()
	if err := CheckMirrors(d.Mirrors); err != nil {
		faults = append(faults, err)
	}
	if d.Needs != "" {
		faults = append(faults, fmt.Errorf("it was made by a newer program: it needs %s", d.Needs))
	}
	for _, o := range d.Offers {
		if o.Needs != "" {
			faults = append(faults, fmt.Errorf("an offer was made by a newer program: it needs %s", o.Needs))
			continue
		}
		faults = append(faults, o.faults(d)...)
	}
	return errors.Join(faults...)
}

func (d Document) headFaults() []error {
	var faults []error
	if d.Schema < 1 || d.Schema > Schema {
		faults = append(faults, fmt.Errorf("schema is %d, wanted %d", d.Schema, Schema))
	}
	if d.Model == "" {
		faults = append(faults, errors.New("model is empty"))
	}
	if !manifests.ValidChannel(d.Channel) {
		faults = append(faults, fmt.Errorf("channel %.50q: wanted a lower-case letter, then letters, digits and hyphens", d.Channel))
	}
	if d.Epoch < 0 || d.Epoch > MaxEpoch {
		faults = append(faults, fmt.Errorf("epoch %d, wanted 0 to %d", d.Epoch, MaxEpoch))
	}
	return faults
}

func (o Offer) faults(d Document) []error {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	if !rolloutID.MatchString(o.Rollout) {
		return []error{fmt.Errorf("rollout id %.50q: wanted up to 200 letters, digits and . _ -, "+
			"the first of them a letter or digit", o.Rollout)}
	}
	fault(o.Custom.Model != d.Model, "rollout %s offers a build of %.50q in the document of %.50q",
		o.Rollout, o.Custom.Model, d.Model)
	fault(o.Custom.Channel != d.Channel, "rollout %s offers a build for the channel %.50q in the document of %.50q",
		o.Rollout, o.Custom.Channel, d.Channel)
	fault(!o.State.known(), "rollout %s: state %.50q", o.Rollout, string(o.State))
	fault(!salt.MatchString(o.Salt), "rollout %s: salt: wanted 32 hex digits", o.Rollout)
	fault(o.Share < 0 || o.Share > WholeFleet, "rollout %s: share %d, wanted 0 to %d", o.Rollout, o.Share, WholeFleet)
	fault(o.Retry < 0 || o.Retry > MaxRetry, "rollout %s: retry %d, wanted 0 to %d", o.Rollout, o.Retry, MaxRetry)
	fault(o.Custom.Counter < 1 || o.Custom.Build.UTC < 1 || o.Package.Length < 1,
		"rollout %s: counter, build time and package length must be positive", o.Rollout)
	fault(!plain(o.Manifest.Path, 512) || !plain(o.Manifest.SHA256, 64),
		"rollout %s: manifest: wanted a path of up to 512 bytes that can be printed, and 64 hex digits", o.Rollout)
	wide := func(b string) bool { return !plain(b, 256) }
	fault(len(o.PreBuilds) > maxPreBuilds || slices.ContainsFunc(o.PreBuilds, wide),
		"rollout %s: pre_builds: wanted up to %d fingerprints of up to 256 bytes that can be printed",
		o.Rollout, maxPreBuilds)
	return faults
}

// maxPreBuilds is more than any incremental can start from.
const maxPreBuilds = 1000

// plain says if a handset may keep and print a text that no pattern holds and no offline role has signed.
func plain(text string, most int) bool {
	return len(text) <= most && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

func (s State) known() bool {
	return s == StateRunning || s == StateHeld || s == StateHalted || s == StateFinished
}
