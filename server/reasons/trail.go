// SPDX-License-Identifier: Apache-2.0

package reasons

import (
	"regexp"
	"strings"

	"landed/server/fleet"
)

// trail are the sentences that the trail of a rollout has beside those above, in the words in which they are written
// there. A line of the trail is words, sealed as they are; that it can be worded in another language takes finding out
// what it said.
var trail = map[string]string{
	"trail_stage":         "stage {stage} of {stages}: {share:percent} of the fleet",
	"trail_finished":      "the last stage passed its gates",
	"trail_waits":         "stage {stage} waits until",
	"trail_late":          "late joiners are included",
	"trail_proposed":      "proposed by {first}, approved by {second}",
	"trail_overruled":     "the witness {reference} counts no more in this rollout",
	"trail_reached":       "The feed had reached {share:percent} when the database was restored to {from:percent}.",
	"trail_held":          "It was held before the database was restored from a copy.",
	"trail_running":       "It was running before the database was restored from a copy.",
	"trail_finished_then": "It was finished before the database was restored from a copy.",
	"shown_nobody":        "a witness handset that showed it, since nobody vouched for a fleet that counts",
	"shown_small": "a witness handset that showed it, since of {known:counted installation} too few are in the stage to be counted " +
		"on",
	"shown_none_failed": "{proven} of {judged} counted installations proven, and none of {n} failed, which rules out more than " +
		"{share:percent}",
	"shown_proven": "{proven} of {judged} counted installations proven",
}

var (
	trailPatterns = patternsOf(trail, sentences)
	waitPatterns  = patternsOf(waits)
	byTwo         = regexp.MustCompile(`^(.*) \((proposed by .+, approved by [^()]+)\)$`)
)

// Trail finds what a line of the trail of a rollout says, in its order. ok is false for a line in words that no program
// wrote: a person's.
func Trail(line string) (all []fleet.Reason, ok bool) {
	if m := byTwo.FindStringSubmatch(line); m != nil {
		all, ok = Trail(m[1])
		if !ok {
			all = []fleet.Reason{fleet.Said(m[1])} // a person gave that reason
		}
		second, _ := find(m[2], trailPatterns)
		return append(all, second), true
	}
	if m, found := strings.CutPrefix(line, "stage "); found {
		if stage, waits, found := strings.Cut(m, " waits until "); found {
			all = append(all, fleet.Reason{Code: "trail_waits", Values: map[string]string{"stage": stage}})
			return each(all, strings.Split(waits, ", and "), waitPatterns)
		}
	}
	if rest, found := strings.CutPrefix(line, trail["trail_finished"]+" with "); found {
		return each(nil, append([]string{trail["trail_finished"]}, strings.Split(rest, "; ")...), trailPatterns)
	}
	if r, found := find(line, trailPatterns); found {
		return []fleet.Reason{r}, true
	}
	return each(nil, strings.Split(line, "; "), trailPatterns)
}

// each finds every part of a line.
func each(all []fleet.Reason, parts []string, among []pattern) ([]fleet.Reason, bool) {
	for _, part := range parts {
		r, ok := find(part, among)
		if !ok {
			return nil, false
		}
		all = append(all, r)
	}
	return all, true
}
