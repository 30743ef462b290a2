// SPDX-License-Identifier: Apache-2.0

package v1

import (
	"bytes"
	"strconv"
	"strings"

	"landed/manifests/report"
)

// read reads a body that is in its one form, and says if it was. It takes values in the order of
// the schema and looks at little else: a body is in its one form if, and only if, what was read
// marshals to the same bytes, so that is what decides. It costs a fifth of what encoding/json does.
func read(body []byte) (Body, bool) {
	v := values{rest: string(body)}
	r := Body{
		Schema: int(v.number()), ID: v.text(), Key: v.text(), Seq: v.number(), Kind: report.Kind(v.text()), Release: v.text(),
		Model: v.text(), Variant: v.text(), Channel: v.text(), Build: v.text(), BuildUTC: v.number(), PreviousBuild: v.text(),
		Progress: report.Progress(v.text()), Failure: v.failure(),
		Evidence: Evidence{
			Feature: int(v.number()), Migration: Migration(v.text()), State: State(v.text()), Origin: Origin(v.text()),
			Consent: Consent(v.text()), ConsentText: int(v.number()), ConsentDay: v.text(), ConsentSurface: Surface(v.text()),
			AutoGate: Gate(v.text()), Slots: v.slots(), AttemptsSetup: int(v.number()), AttemptsBuild: int(v.number()),
			LookupsOff: int(v.number()),
			Triggers: Triggers{Boot: v.yes(), SIMReady: v.yes(), DataUp: v.yes(), DayPassed: v.yes(),
				ContactOpened: v.yes(), ThreadOpened: v.yes()}, ObservedHours: int(v.number()), Transport: Transport(v.text()),
		},
	}
	return r, bytes.Equal(body, r.Bytes())
}

// values gives the values of a body one after another. It answers something to everything: what
// is not there, or not of the type, is found by read.
type values struct{ rest string }

// enter steps behind the next colon.
func (v *values) enter() { _, v.rest, _ = strings.Cut(v.rest, ":") }

// next is the next value as it is written, without the quotes of a string: of an object, its first.
func (v *values) next() string {
	for v.enter(); strings.HasPrefix(v.rest, "{"); v.enter() {
	}
	if text, ok := strings.CutPrefix(v.rest, `"`); ok {
		text, v.rest, _ = strings.Cut(text, `"`)
		return text
	}
	end := max(0, strings.IndexAny(v.rest, ",}"))
	value := v.rest[:end]
	v.rest = v.rest[end:]
	return value
}

func (v *values) text() string { return v.next() }
func (v *values) yes() bool    { return v.next() == "true" }

func (v *values) number() int64 {
	n, _ := strconv.ParseInt(v.next(), 10, 64)
	return n
}

func (v *values) failure() *report.Failure {
	if !strings.HasPrefix(v.rest, `,"failure":`) {
		return nil
	}
	return &report.Failure{Phase: report.Phase(v.text()), Code: int(v.number())}
}

func (v *values) slots() []Slot {
	v.enter()
	slots := []Slot{}
	for strings.HasPrefix(v.rest, "[{") || strings.HasPrefix(v.rest, "},{") {
		slots = append(slots, Slot{Present: v.yes(), Registered: v.yes(), By: Registrant(v.text())})
	}
	return slots
}
