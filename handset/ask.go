// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"slices"

	"landed/manifests/effect/probe"
)

// markedSuccessful is the one probe that the client answers by itself, since only the slots know: the running system
// has come up, and is kept.
const markedSuccessful = "marked_successful"

// answers are the answers to what the release asks. What the firmware says beyond that is left out, and so is what is
// none of the answers that were declared: the promise of what a report can hold does not rest on the firmware.
func (c *Client) answers() probe.Answers {
	said, _ := c.cfg.System.Answers(c.mem.Ask)
	answers := probe.Answers{}
	for _, q := range c.mem.Ask.Probes {
		v, ok := said[q.Name]
		if q.Name == markedSuccessful {
			v, ok = probe.Bool(!c.cfg.Slots.Unproven()), true
		}
		if ok && q.Allows(v) {
			answers[q.Name] = v
		}
	}
	return answers
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

// usualHours is when the effect of a release is reported that does not say how long to observe.
const usualHours = 24

// milestones are the hours after the first boot of a new build at which its effect is reported.
func (c *Client) milestones() []int {
	hours := usualHours
	if c.mem.Ask.Hours > 0 {
		hours = int(c.mem.Ask.Hours)
	}
	all := []int{1, hours, probe.MaxHours}
	slices.Sort(all)
	return slices.Compact(all)
}
