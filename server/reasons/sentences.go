// SPDX-License-Identifier: Apache-2.0

package reasons

import "landed/server/fleet"

// Codes of reasons that hold for every effect.
const (
	Cloned       = "cloned"
	OtherModel   = "other_model"
	ClaimsToRun  = "claims_to_run"
	TooSoon      = "too_soon"
	NotOfRelease = "not_of_release"
	Silent       = "silent"
)

// Codes of why a rollout stays where it is, or stopped.
const (
	LeaksFound    = "leaks_found"    // n, share
	LeaksHalt     = "leaks_halt"     // n
	FailuresHalt  = "failures_halt"  // failed, n, share
	FailuresFound = "failures_found" // failed, n, share
	// more report a leak than count, or than were forgiven: n, share
	LeaksUnconfirmed = "leaks_unconfirmed"
	LostFound        = "lost_found"       // lost, failed, n, share
	WitnessHalt      = "witness_halt"     // n
	NotListed        = "not_listed"       // text
	RestoredHeld     = "restored_held"    // the feed says more than the database that was restored from a copy
	RestoredHalted   = "restored_halted"  //
	RestoredResumed  = "restored_resumed" //
	RestoredUnread   = "restored_unread"  //
	RestoredUnknown  = "restored_unknown" //
)

// sentences are in the words of no particular reader: small beginnings, so that others can go on with them.
var sentences = map[string]string{
	fleet.SaidCode:     "{text}",
	fleet.RecordedCode: "{text}",

	Cloned:       "two different reports carried the same sequence number",
	OtherModel:   "the running build is not made for this model and variant",
	ClaimsToRun:  "says that the update runs, but the running build is not of this release",
	TooSoon:      "claims {observed_hours:hour} of observation, {hours:hour} after the build was published",
	NotOfRelease: "the running build is not one of this release",
	Silent:       "no report for more than 15 days, and none from the patched build",

	// Cloud Messaging. Values are named as its probes are.
	"activated_since_setup":   "set up on this build, and activated itself {attempts_setup:times} since",
	"activated_itself":        "activated itself {attempts_build:times} since this build first booted",
	"looked_up_contacts":      "looked up contact numbers {lookups_off:times} while switched off",
	"plain_http":              "sent identifiers over plain HTTP",
	"patched_without_feature": "the running build is a patched one, but says that it has no opt-in",
	"on_by_itself":            "an opt-in build that switched itself on",
	"on_by_default":           "an opt-in build that is on by factory default",
	"on_by_policy":            "on by a policy that can only switch off",
	"on_without_consent":      "on by the user, without a consent on record",
	"off_carried_over":        "off, but carried over as on",
	"gate_open":               "an opt-in build whose guard against self-activation is open",
	"more_since_build":        "more self-activations since this build than since set-up",
	"consent_too_early":       "consent before any build could ask for it",
	"on_by_user":              "on, switched on by the user",
	"on_from_before":          "still on from before the update; nobody was asked",
	"slot_1_registered":       "the switch is off, but SIM slot 1 is still registered by itself",
	"slot_2_registered":       "the switch is off, but SIM slot 2 is still registered by itself",
	"off_and_tested":          "off, nothing was sent, and the silence was tested: boot, SIM, data and a full day",
	"not_booted":              "not booted since the update",
	"no_sim":                  "no SIM was ready since the update",
	"no_data":                 "no data network since the update",
	"not_long_enough":         "observed for {observed_hours} of 24 hours",

	LeaksFound:       "{n:installation} found leaking; the stage is held at {share:percent}",
	LeaksUnconfirmed: "{n:installation} reported a leak, which nothing has confirmed yet; the stage is held at {share:percent}",
	LostFound: "{lost:installation} installed it and fell silent, and {failed} failed, of {n}: more than the {share:percent} that the gate " +
		"allows; the stage is held",
	LeaksHalt:     "{n:installation} leak: the update does the opposite of what its release promises",
	FailuresHalt:  "{failed} of {n:installation} failed; the gate allows {share:percent}",
	FailuresFound: "{failed} of {n:attempt} failed, more than the {share:percent} that the gate allows; the stage is held",
	WitnessHalt:   "{n:witness handset} in a lab showed the opposite of what the release promises",
	NotListed:     "nothing of it is offered: {text}",
	RestoredHeld:  "It was held before the database was restored from a copy; look at its figures, then resume it.",
	RestoredHalted: "It was halted before the database was restored from a copy; who halted it, and why, is not known here. " +
		"Resume it once that is known.",
	RestoredResumed: "It is halted in the restored database, and was resumed after the copy was made. Resume it if that still holds.",
	RestoredUnread: "The database was restored from a copy, and what was offered meanwhile cannot be read. " +
		"Resume it if nothing speaks against it.",
	RestoredUnknown: "It was started after the copy from which the database was restored; who started it, and with which stages, " +
		"is not known here. Resume it to go on with the usual stages.",
}
