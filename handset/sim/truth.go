// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"maps"
	"slices"
	"time"

	"landed/firmware-fixtures/virtual"
	"landed/manifests/report"
)

// silentAfter is how long an unpatched handset may be silent before nobody can say what it does: it reports
// weekly; two missed reports and a little.
const silentAfter = 15 * 24 * time.Hour

// Installation is one set-up of one handset under one release that it has met, and what is really so.
type Installation struct {
	Reference report.Reference
	Model     string
	Situation Situation
	Release   string // "" if it has met none yet
	Current   bool   // its reports are about this release; if not, it has moved on, and Class is what it was then
	Known     bool   // the server has confirmed at least one report of it about this release
	Ended     bool   // by a factory reset; Class is what it was then
	Class     string // one of Classes of the release's effect
	Told      string // Class as it was when the server last confirmed a report of it about this release; "" before
	Build     string // fingerprint that runs, or ran
	Fault     string // what the last step complained of, or why its last request got no answer; "" if nothing
}

// Installations lists every installation that ever was, under each release that it has met: the ended ones of a handset
// first, and the release that it is at last.
func (f *Fleet) Installations() []Installation {
	f.mu.RLock()
	defer f.mu.RUnlock()
	var all []Installation
	now := f.Now()
	for _, h := range f.handsets {
		for _, i := range h.ended {
			i.Ended = true
			all = append(all, i)
		}
		all = append(all, h.installations(now)...)
	}
	return all
}

// Truth is the class of one installation under a release, and "" for one that does not exist or that no report about
// the release has made known.
func (f *Fleet) Truth(ref report.Reference, release string) string {
	for _, i := range f.Installations() {
		if i.Reference == ref && i.Release == release && i.Known {
			return i.Class
		}
	}
	return ""
}

// Counts are the known installations of a model under a release by class, also those that have moved on since; every
// class of the release's effect is listed.
func (f *Fleet) Counts(model, release string) map[string]int {
	return f.counts(release, func(i Installation) (string, bool) { return i.Class, i.Model == model && i.Release == release })
}

// Told are those of Counts by what was so when the server last confirmed a report of each: what can be known by then. Time
// alone moves nobody among them: who was silent for long is what it was.
func (f *Fleet) Told(model, release string) map[string]int {
	return f.counts(release, func(i Installation) (string, bool) { return i.Told, i.Model == model && i.Release == release })
}

// CurrentCounts are those of Counts that are still at the release.
func (f *Fleet) CurrentCounts(model, release string) map[string]int {
	return f.counts(release, func(i Installation) (string, bool) {
		return i.Class, i.Model == model && i.Release == release && i.Current
	})
}

func (f *Fleet) counts(release string, of func(Installation) (class string, in bool)) map[string]int {
	f.mu.RLock()
	effect := f.releaseOf(release).Effect
	f.mu.RUnlock()
	counts := map[string]int{}
	for _, c := range Classes(effect) {
		counts[c] = 0
	}
	for _, i := range f.Installations() {
		if class, in := of(i); i.Known && in {
			counts[class]++
		}
	}
	return counts
}

// Total is how many installations of a model the server knows, each once, whatever releases it has met.
func (f *Fleet) Total(model string) int {
	known := map[report.Reference]bool{}
	for _, i := range f.Installations() {
		if i.Model == model && i.Known {
			known[i.Reference] = true
		}
	}
	return len(known)
}

// Met lists the releases that the handsets of a model have met, in order.
func (f *Fleet) Met(model string) []string {
	met := map[string]bool{}
	for _, i := range f.Installations() {
		if i.Model == model && i.Release != "" {
			met[i.Release] = true
		}
	}
	return sortedKeys(met)
}

// Answers counts what the handsets of a model that are at a release answer now: by probe and answer.
func (f *Fleet) Answers(model, release string) map[string]map[string]int {
	f.mu.RLock()
	defer f.mu.RUnlock()
	counts := map[string]map[string]int{}
	for _, h := range f.handsets {
		if h.model.Device != model || h.release != release {
			continue
		}
		st, err := h.client.Status()
		if err != nil {
			continue
		}
		for name, v := range st.Answers {
			if counts[name] == nil {
				counts[name] = map[string]int{}
			}
			counts[name][v.String()]++
		}
	}
	return counts
}

// Identifiers is what the observer received, as F-Secure counted: messages that hold an identifier.
type Identifiers struct {
	Before         int // while an unpatched build ran
	AfterPatched   int // from patched builds whose user had not agreed: leaks, and what was carried over
	AfterConsented int // from patched builds whose user had agreed
	ListsBefore    int // lists of apps, while a build ran that sends them by itself
	ListsAfter     int // from then on: whatever the reason
}

// Identifiers asks the observer, and the handsets for nothing but who agreed.
func (f *Fleet) Identifiers() Identifiers {
	f.mu.RLock()
	defer f.mu.RUnlock()
	var n Identifiers
	for _, h := range f.handsets {
		if h.discreet.IsZero() {
			n.ListsBefore += f.observer.Received(h.name)[virtual.AppList]
		} else {
			n.ListsBefore += f.observer.ReceivedBefore(h.name, h.discreet)[virtual.AppList]
			n.ListsAfter += f.observer.ReceivedSince(h.name, h.discreet)[virtual.AppList]
		}
		if h.patched.IsZero() {
			n.Before += f.observer.Received(h.name).Total()
			continue
		}
		n.Before += f.observer.ReceivedBefore(h.name, h.patched).Total()
		after := f.observer.ReceivedSince(h.name, h.patched).Total()
		v := h.look(f.Now())
		v.traffic = f.observer.ReceivedSince(h.name, v.phone.Since)
		if v.leaks() || !v.phone.Consented {
			n.AfterPatched += after
		} else {
			n.AfterConsented += after
		}
	}
	return n
}

// Situations counts the fleet by situation.
func (f *Fleet) Situations() map[Situation]int {
	n := map[Situation]int{}
	for _, h := range f.handsets {
		n[h.situation]++
	}
	return n
}

// Models lists the devices of the fleet in their order.
func (f *Fleet) Models() []string {
	var devices []string
	for _, m := range f.cfg.Models {
		if !slices.Contains(devices, m.Device) {
			devices = append(devices, m.Device)
		}
	}
	return devices
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
