// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"time"

	"landed/manifests/effect"
	"landed/manifests/effect/probe"
	"landed/manifests/report"
	v1 "landed/manifests/report/v1"
	"landed/server/fleet"
)

// admit refuses what a report may not carry: answers that its release did not ask for, and of version 1, which chose
// more by itself, what would leave room for somebody's number. Stored reports are read without it.
func (i *Intake) admit(r report.Report, by effect.Standard) error {
	if r.Schema == v1.Schema {
		return i.admitV1(r, by)
	}
	var asked []probe.Probe
	if by.Program != nil {
		asked = by.Program.Effect.Probes
	}
	if err := probe.Check(asked, r.Answers); err != nil {
		return fleet.Errorf(fleet.Invalid, "report_malformed", "%s", fleet.InOneLine(err))
	}
	return nil
}

// A handset may say that its user chose up to a year before the first build that could ask, and ten years after it.
// Other days say nothing but what somebody wrote there. The bounds are of the release: a clock that is wrong loses no
// evidence.
const yearsBefore, yearsAfter = 1, 10

func (i *Intake) admitV1(r report.Report, by effect.Standard) error {
	switch {
	case i.RefuseV1:
		return fleet.Errorf(fleet.Invalid, "report_version_old", "reports of version 1 are not taken here any more; "+
			"the handset needs a newer update client")
	case r.Seq > report.MaxSeq:
		return fleet.Errorf(fleet.Invalid, "report_malformed", "seq is out of range; wanted 1 to %d", report.MaxSeq)
	case r.ConsentDay == "" || by.Program == nil:
		return nil
	}
	day, err := time.Parse(time.DateOnly, r.ConsentDay)
	first, err2 := time.Parse(time.DateOnly, by.Program.Effect.PromptDay)
	if err != nil || err2 != nil || day.Before(first.AddDate(-yearsBefore, 0, 0)) ||
		day.After(first.AddDate(yearsAfter, 0, 0)) {
		return fleet.Errorf(fleet.Invalid, "report_malformed", "evidence.consent_day is out of range; wanted a day from a "+
			"year before the release's prompt_day to ten years after it")
	}
	return nil
}
