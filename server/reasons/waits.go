// SPDX-License-Identifier: Apache-2.0

package reasons

import (
	"fmt"
	"strconv"
	"strings"
)

// Codes of what a stage waits for. They are computed and never stored.
const (
	WaitsSoak       = "waits_soak"        // minutes
	WaitsDown       = "waits_down"        // minutes, down
	WaitsClock      = "waits_clock"       //
	WaitsRestore    = "waits_restore"     //
	WaitsLook       = "waits_look"        // minutes
	WaitsJudged     = "waits_judged"      // needed, judged
	WaitsTenth      = "waits_tenth"       // needed, judged
	WaitsProven     = "waits_proven"      // share, proven, judged
	WaitsFailures   = "waits_failures"    // share, failed, n
	WaitsLost       = "waits_lost"        // share, failed, lost, n
	WaitsSmall      = "waits_small"       // known
	WaitsNobody     = "waits_nobody"      //
	WaitsNothingBad = "waits_nothing_bad" // n
	WaitsWitnessBad = "waits_witness_bad" // n, vouched
	WaitsWitnessAll = "waits_witness_all" // n: every one was overruled
	WaitsWitness    = "waits_witness"     // days, n
	// n: nobody vouches for them any more
	WaitsWitnessExpired = "witness_expired"
)

// waits are their sentences: each goes on from "when" or "until".
var waits = map[string]string{
	WaitsSoak:    "another {minutes:wait} passed",
	WaitsDown:    "another {minutes:wait} passed, since {down:span} in which no reports could come do not count",
	WaitsClock:   "the clock of the server, which jumped, is right again or a person has accepted it (otactl clock accept)",
	WaitsRestore: "a person has said what was lost when the database was restored from a backup (otactl restore name)",
	WaitsLook:    "another {minutes:wait} passed, when the gates are looked at again",
	WaitsJudged:  "at least {needed:counted installation} could be judged, now {judged}",
	WaitsTenth: "at least {needed:counted installation} could be judged, now {judged}, since no stage goes to more than ten times " +
		"that",
	WaitsProven: "it is beyond chance that at least {share:percent} of the counted installations that could be judged are proven, now " +
		"{proven} of {judged} are",
	WaitsFailures: "it is beyond chance that at most {share:percent} fail, now {failed} of {n} did",
	WaitsLost: "it is beyond chance that at most {share:percent} fail or fall silent after installing, now {failed} failed and " +
		"{lost} fell silent, of {n}",
	WaitsSmall: "a witness handset has shown the effect, or a person widens it (otactl rollout widen): of {known:counted installation} " +
		"too few are in the stage to be counted on",
	WaitsNobody: "a witness handset has shown the effect, or a person widens it (otactl rollout widen): nobody had vouched for the " +
		"installations of this model when it was started, so none of them counts (otactl fleet admit)",
	WaitsWitnessBad: "no witness handset shows the opposite of what is promised, now {n} of {vouched} do",
	WaitsWitnessAll: "a witness handset has shown the effect that was not overruled; all {n} were, so vouch for another, or widen by hand",
	WaitsWitnessExpired: "a lab vouches for a handset of the model again (otactl witness vouch), or a person widens it (otactl rollout " +
		"widen): the {n:voucher} that there were ran out",
	WaitsWitness:    "a witness handset has shown the effect within the last {days:day}, now none of {n} has",
	WaitsNothingBad: "nothing bad is known of a stage that is too small to be counted on, now of {n:installation}",
}

// waitText writes minutes to wait for people, rounded up: 18 hours have, 3 days have.
func waitText(minutes int) string {
	ceil := func(unit int) int { return (minutes + unit - 1) / unit }
	switch day := 24 * 60; {
	case minutes > 2*day:
		return fmt.Sprintf("%d days have", ceil(day))
	case minutes > 90:
		return fmt.Sprintf("%d hours have", ceil(60))
	case minutes > 1:
		return fmt.Sprintf("%d minutes have", minutes)
	}
	return "minute has"
}

// minutesOf takes what waitText and spanText wrote apart again: as many minutes as it says.
func minutesOf(n, unit string) string {
	units := map[string]int{"minute": 1, "minutes": 1, "hours": 60, "days": 24 * 60}
	unit, _, _ = strings.Cut(unit, " ")
	many, err := strconv.Atoi(n)
	if err != nil { // "minute has"
		many, unit = 1, "minute"
	}
	return strconv.Itoa(many * units[unit])
}

// spanText writes minutes that are over: 18 hours, 3 days.
func spanText(minutes int) string {
	if minutes <= 1 {
		return "1 minute"
	}
	return strings.TrimSuffix(waitText(minutes), " have")
}
