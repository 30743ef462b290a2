// SPDX-License-Identifier: Apache-2.0

package v1

import (
	"landed/manifests/effect/probe"
	"landed/manifests/report"
)

// Buckets of the probes of cloud-messaging-opt-in, as version 1 is read into them.
var (
	counts = probe.Probe{Kind: probe.KindInt, Buckets: []int64{0, 1, 2, 10}}
	hours  = probe.Probe{Kind: probe.KindInt, Buckets: []int64{0, 1, 24, 168}}
)

// Read reads a body in its one form, checks it, and says what it says: the core and the answers. form says if it was in
// its one form at all; if not, Parse knows why.
func Read(text []byte) (r report.Report, form bool, err error) {
	b, ok := read(text)
	if !ok {
		return report.Report{}, false, nil
	}
	if err := b.Validate(); err != nil {
		return report.Report{}, true, err
	}
	return b.Report(), true, nil
}

// Report is what b says that any rule looks at, in the form that every version is read into. The answer to
// consent_when depends on the release and stands in ConsentDay.
func (b Body) Report() report.Report {
	r, e := b.core(), b.Evidence
	r.ConsentDay = e.ConsentDay
	r.Answers = probe.Answers{
		"feature":        probe.Int(int64(e.Feature)),
		"state":          probe.Word(string(e.State)),
		"origin":         probe.Word(string(e.Origin)),
		"consent":        probe.Word(string(e.Consent)),
		"auto_gate":      probe.Word(string(e.AutoGate)),
		"slot_1":         e.slot(0),
		"slot_2":         e.slot(1),
		"attempts_setup": probe.Int(counts.Round(int64(e.AttemptsSetup))),
		"attempts_build": probe.Int(counts.Round(int64(e.AttemptsBuild))),
		"lookups_off":    probe.Int(counts.Round(int64(e.LookupsOff))),
		"boot":           probe.Bool(e.Triggers.Boot),
		"sim_ready":      probe.Bool(e.Triggers.SIMReady),
		"data_up":        probe.Bool(e.Triggers.DataUp),
		"observed_hours": probe.Int(hours.Round(int64(e.ObservedHours))),
		"transport":      probe.Word(string(e.Transport)),
	}
	return r
}

// ConsentWhen is the answer to consent_when: a day before the first build that could ask is none on which anybody
// could have agreed.
func ConsentWhen(day, promptDay string) probe.Value {
	switch {
	case day == "":
		return probe.Word("no_day")
	case day < promptDay:
		return probe.Word("before_prompt")
	}
	return probe.Word("since_prompt")
}

// slot says how a SIM slot stands: absent, free, or registered by the handset or its user.
func (e Evidence) slot(i int) probe.Value {
	if i >= len(e.Slots) {
		return probe.Word("absent")
	}
	s := e.Slots[i]
	switch {
	case s.Registered && s.By == RegisteredByAuto:
		return probe.Word("auto")
	case s.Registered && s.By == RegisteredByUser:
		return probe.Word("user")
	case !s.Present && !s.Registered:
		return probe.Word("absent")
	}
	return probe.Word("free")
}
