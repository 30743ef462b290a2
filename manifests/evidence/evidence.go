// SPDX-License-Identifier: Apache-2.0

// Package evidence is what people outside of the server sign about handsets: the second leg beside what handsets report.
//
// Parties. An observer repeats the test on a model with a build and signs what was seen (Observation). Who runs a lab
// vouches for handsets there (Voucher). Either takes back what they signed before (Withdrawal). The server keeps and
// shows it; whoever holds the signed feed and the statements computes the same standing (Stand).
//
// A statement is an in-toto Statement v1 (in-toto/attestation, spec/v1/statement.md) in a DSSE envelope with exactly one
// signature, by a key of the form that the feed uses.
//
// Promises. A statement is known by the SHA-256 of what was signed, so another signature on it makes no second one; who
// signs it stands in it.
// Nothing that is signed here is free of bounds, and all of it can be printed.
//
// Refusals. Unknown fields, a second way to write the same, oversized envelopes, text that is not printable, and
// whatever is signed by nobody whom the feed names. It reads no clock and makes no keys.
package evidence

import (
	"time"

	"landed/manifests/report"
)

// What the envelope and the statement in it are called.
const (
	PayloadType = "application/vnd.in-toto+json"
	InToto      = "https://in-toto.io/Statement/v1"

	ObservationType = "urn:landed:observation:v1"
	VoucherType     = "urn:landed:voucher:v1"
	WithdrawalType  = "urn:landed:withdrawal:v1"
)

// Bounds of a statement.
const (
	MaxBytes = 64 << 10 // of an envelope
	MaxSteps = 60       // of an observation
	MaxSeen  = 200
	MaxText  = 500 // characters of one step, one thing seen, or one reason
	MaxVouch = 400 * 24 * time.Hour
)

// Kind is what an observer tested: the three things that were promised.
type Kind string

// The kinds of observations.
const (
	Traffic   Kind = "traffic"   // nothing leaves the handset before consent, and it does after
	Transport Kind = "transport" // what leaves it is encrypted
	Retention Kind = "retention" // what reached the service before is deleted there
)

// Kinds are all kinds, in the order in which they are shown.
func Kinds() []Kind { return []Kind{Traffic, Transport, Retention} }

// Verdict is what an observer concludes about what the release promises.
type Verdict string

// The verdicts.
const (
	Confirms     Verdict = "confirms"
	Refutes      Verdict = "refutes"
	Inconclusive Verdict = "inconclusive"
)

// Observation is what an observer saw of one build of a model.
type Observation struct {
	Kind    Kind
	Model   string // ro.product.device
	Release string
	Build   string    // fingerprint
	Package string    // SHA-256 of the package that was installed, in hex
	Steps   []string  // what was done, in order
	Seen    []string  // what was seen on the wire, or answered by the service
	Capture string    // SHA-256 of the capture, which the observer keeps, in hex
	At      time.Time // of the test, UTC, whole seconds
	Verdict Verdict
}

// Voucher says that an installation is a handset of a lab: its reports are a witness's.
type Voucher struct {
	Installation report.Reference
	Model        string    // ro.product.device
	From, Until  time.Time // UTC, whole seconds; at most MaxVouch
}

// Covers says if the voucher holds at a time: from From on, and before Until.
func (v Voucher) Covers(at time.Time) bool { return !at.Before(v.From) && at.Before(v.Until) }

// Withdrawal takes an earlier statement back.
type Withdrawal struct {
	Statement string // its ID
	Reason    string
	At        time.Time // UTC, whole seconds
}

// Said is what a statement says: exactly one of these is set.
type Said struct {
	Observation *Observation
	Voucher     *Voucher
	Withdrawal  *Withdrawal
}

// Statement is what one person signed.
type Statement struct {
	Said
	ID     string // SHA-256 of what was signed, in hex
	Signer string // id of the key that the envelope and the statement name

	payload, signature []byte
}

// At is when the statement was made: the test of an observation, the beginning of a voucher.
func (s Statement) At() time.Time {
	switch {
	case s.Observation != nil:
		return s.Observation.At
	case s.Voucher != nil:
		return s.Voucher.From
	case s.Withdrawal != nil:
		return s.Withdrawal.At
	}
	return time.Time{}
}
