// SPDX-License-Identifier: Apache-2.0

package release

import (
	"fmt"
	"time"

	"landed/manifests"
	"landed/manifests/effect/probe"
)

// Fault is one thing about a new build that whoever signs it must know.
type Fault struct {
	Code   string // one of the codes below
	Refuse bool   // nobody should sign; else each signer has to agree
	Words  string // a sentence: what was found, what was wanted
}

// The codes of faults.
const (
	CounterLow  = "COUNTER-LOW"  // a counter or build time goes back behind what may be installed already
	DownUnpatch = "DOWN-UNPATCH" // the build cannot have what is promised, or an earlier promise is given up
)

// Faults says what every signer will say about next, a build that is to be published. ask is what its release asks of
// the handsets of the model ([Release.AskOn]); published are the builds of the model that may be installed already, of
// every channel and variant. It is pure: a server asks it when a release is made, so that nobody uploads, stages and
// waits for a release that will be refused in the end.
//
// Counters are compared whatever the channel, as a handset that changes the channel never goes to a lower one. Build
// times are compared on one channel: what is tried on lab may be newer than what goes out.
func Faults(next manifests.Custom, ask probe.Ask, published []manifests.Custom) []Fault {
	var faults []Fault
	add := func(code string, refuse bool, format string, args ...any) {
		faults = append(faults, Fault{code, refuse, fmt.Sprintf(format, args...)})
	}
	highest, newest, last := latest(next, published)
	switch {
	case highest.Counter > next.Counter:
		add(CounterLow, true, "Release %s has counter %d, but %s with counter %d may be installed on %s already; "+
			"it wants a counter above %d.",
			next.Release, next.Counter, highest.Release, highest.Counter, next.Variant, highest.Counter)
	case highest.Counter == next.Counter && highest.Release != next.Release:
		add(CounterLow, true, "Release %s has counter %d, and so has %s, which may be installed on %s already; "+
			"it wants a counter above %d.",
			next.Release, next.Counter, highest.Release, next.Variant, highest.Counter)
	}
	if newest.Build.UTC >= next.Build.UTC && newest.Build != next.Build {
		add(CounterLow, true, "Build %s for %s is of %s, and build %s of %s may be installed on %s already; "+
			"it wants a newer build.", next.Build.Incremental, next.Variant, when(next.Build.UTC),
			newest.Build.Incremental, when(newest.Build.UTC), next.Channel)
	}
	if day, err := time.Parse(time.DateOnly, ask.PromptDay); err == nil && next.Build.UTC < day.Unix() {
		add(DownUnpatch, true, "Build %s for %s is of %s, but no build before %s (the effect's prompt_day) "+
			"can have the effect %s: it would undo the fix. Build it again from the patched tree.",
			next.Build.Incremental, next.Variant, when(next.Build.UTC), ask.PromptDay, next.Effect)
	}
	if last.Effect != "" && last.Effect != next.Effect && last.Release != next.Release {
		add(DownUnpatch, false, "Release %s promised %s on %s, and %s promises %s. Make sure that the build still has it: "+
			"from now on no report can show that it does.",
			last.Release, last.Effect, next.Variant, next.Release, promise(next.Effect))
	}
	return faults
}

// latest are, of the published builds for the variant of next, the one with the highest counter; and of those on its
// channel the newest, and the one of the last release before it. Each is zero if there is none.
func latest(next manifests.Custom, published []manifests.Custom) (highest, newest, last manifests.Custom) {
	for _, had := range published {
		if had.Variant != next.Variant || had.Model != next.Model {
			continue
		}
		if had.Counter > highest.Counter || had.Counter == highest.Counter && had.Release != next.Release {
			highest = had
		}
		if had.Channel != next.Channel {
			continue
		}
		if had.Build.UTC > newest.Build.UTC || had.Build.UTC == newest.Build.UTC && had.Build != next.Build {
			newest = had
		}
		if had.Counter > last.Counter {
			last = had
		}
	}
	return highest, newest, last
}

func promise(effect string) string {
	if effect == "" {
		return "nothing"
	}
	return effect + " alone"
}

func when(utc int64) string { return time.Unix(utc, 0).UTC().Format("2006-01-02 15:04 UTC") }
