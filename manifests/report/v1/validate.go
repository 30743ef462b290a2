// SPDX-License-Identifier: Apache-2.0

package v1

import (
	"encoding/json"
	"fmt"
	"time"

	"landed/manifests/report"
	"landed/manifests/strict"
)

const (
	maxCount    = 65535
	maxObserved = 168     // hours: a week
	maxSeq      = 1 << 40 // as it was: stored reports must be readable; what is taken in now has report.MaxSeq
)

// Parse reads a body: exactly one JSON object, no unknown field, every value in range. It is slower than Read, and
// says what is wrong.
func Parse(body []byte) (Body, error) {
	var b Body
	if err := strict.JSON(body, &b); err != nil {
		return Body{}, fmt.Errorf("report: %w", report.Discreet(err))
	}
	if err := b.Validate(); err != nil {
		return Body{}, fmt.Errorf("report: %w", err)
	}
	return b, nil
}

// Bytes marshals b; Parse(b.Bytes()) gives b again.
func (b Body) Bytes() []byte {
	text, err := json.Marshal(b)
	if err != nil {
		panic(err) // closed fields: it cannot fail
	}
	return text
}

// Validate returns every fault of b, joined.
func (b Body) Validate() error {
	v := report.Check{}
	v.Fault(b.Schema != Schema, "schema: wanted %d", Schema)
	v.Fault(!report.HexDigits(b.ID, 32), "id: wanted 32 hex digits")
	report.OneOf(&v, "channel", b.Channel, "stable", "beta", "lab")
	v.Core(b.core(), maxSeq)
	b.Evidence.validate(&v)
	return v.Err()
}

func (e Evidence) validate(v *report.Check) {
	v.Between("evidence.feature", int64(e.Feature), 0, 1)
	report.OneOf(v, "evidence.migration", e.Migration, MigrationLeave, MigrationSwitchOff, MigrationAsk,
		MigrationNotApplicable)
	report.OneOf(v, "evidence.state", e.State, StateOff, StateOn, StateSuspended)
	report.OneOf(v, "evidence.origin", e.Origin, OriginFactoryDefault, OriginAuto, OriginCarriedOver,
		OriginUser, OriginPolicy)
	report.OneOf(v, "evidence.consent", e.Consent, ConsentNone, ConsentIn, ConsentOut)
	v.Between("evidence.consent_text", int64(e.ConsentText), 0, 999)
	if e.ConsentDay != "" {
		_, err := time.Parse(time.DateOnly, e.ConsentDay)
		v.Fault(err != nil, "evidence.consent_day is no day; wanted YYYY-MM-DD or nothing")
	}
	report.OneOf(v, "evidence.consent_surface", e.ConsentSurface, SurfaceNone, SurfaceMiCloud,
		SurfaceMessaging, SurfacePrompt)
	report.OneOf(v, "evidence.auto_gate", e.AutoGate, GateOpen, GateClosed)
	v.Fault(len(e.Slots) < 1 || len(e.Slots) > 2, "evidence.slots has %d entries, wanted one or two", len(e.Slots))
	for _, s := range e.Slots {
		report.OneOf(v, "evidence.slots.by", s.By, RegisteredByNone, RegisteredByAuto, RegisteredByUser)
	}
	v.Between("evidence.attempts_setup", int64(e.AttemptsSetup), 0, maxCount)
	v.Between("evidence.attempts_build", int64(e.AttemptsBuild), 0, maxCount)
	v.Between("evidence.lookups_off", int64(e.LookupsOff), 0, maxCount)
	v.Between("evidence.observed_hours", int64(e.ObservedHours), 0, maxObserved)
	report.OneOf(v, "evidence.transport", e.Transport, TransportNotUsed, TransportHTTPS, TransportHTTP)
}
