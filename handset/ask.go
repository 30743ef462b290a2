// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"slices"

	"landed/manifests/effect/probe"
)

// asked is what the state file holds of the questions.
type asked struct {
	Ask   probe.Ask `json:"ask,omitzero"`     // what the release asks
	AskOf string    `json:"ask_of,omitempty"` // SHA-256 of the manifest that says so
}

// usualHours is when the effect of a release is reported that does not say how long to observe.
const usualHours = 24

// milestones are the hours after the first boot of a new build at which its effect is reported.
func (a *asked) milestones() []int {
	hours := usualHours
	if a.Ask.Hours > 0 {
		hours = int(a.Ask.Hours)
	}
	all := []int{1, hours, probe.MaxHours}
	slices.Sort(all)
	return slices.Compact(all)
}

// stableAnswers is what answers say without what changes by itself as time goes by: of integers, if they are zero.
func stableAnswers(answers probe.Answers) probe.Answers {
	kept := probe.Answers{}
	for name, v := range answers {
		if v.Kind() == probe.KindInt {
			v = probe.Int(min(v.Int(), 1))
		}
		kept[name] = v
	}
	return kept
}
