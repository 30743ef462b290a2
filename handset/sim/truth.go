// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"cmp"
	"slices"
	"time"

	"landed/firmware-fixtures/virtual"
	"landed/manifests/report"
)

// Classes of truth, by the names under which the server counts verdicts.
const (
	confirmedOff       = "confirmed_off"
	consented          = "consented"
	carriedOver        = "carried_over"
	registeredByItself = "registered_by_itself"
	notExercised       = "not_exercised"
	leak               = "leak"
	contradictory      = "contradictory"
	unpatched          = "unpatched"
	unknown            = "unknown"
)

// Classes lists every class that a truth may have.
var Classes = []string{confirmedOff, consented, carriedOver, registeredByItself, notExercised, leak, contradictory, unpatched, unknown}

// silentAfter is how long an unpatched handset may be silent before nobody can say what it does: it reports
// weekly; two missed reports and a little.
const silentAfter = 15 * 24 * time.Hour

// Installation is one set-up of one handset, and what is really so.
type Installation struct {
	Reference report.Reference
	Model     string
	Situation Situation
	Known     bool   // the server has confirmed at least one report of it
	Ended     bool   // by a factory reset; Class is what it was then
	Class     string // one of Classes
	Build     string // fingerprint that runs, or ran
	Fault     string // what the last step complained of, or why its last request got no answer; "" if nothing
}

// Installations lists every installation that ever was, the ended ones of a handset first.
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
		all = append(all, h.installation(now))
	}
	return all
}

// Truth is the class of one installation, and "" for one that does not exist or that no report has made known.
func (f *Fleet) Truth(ref report.Reference) string {
	for _, i := range f.Installations() {
		if i.Reference == ref && i.Known {
			return i.Class
		}
	}
	return ""
}

// Counts are the known installations of a model by class; every class is listed.
func (f *Fleet) Counts(model string) map[string]int {
	counts := map[string]int{}
	for _, c := range Classes {
		counts[c] = 0
	}
	for _, i := range f.Installations() {
		if i.Model == model && i.Known {
			counts[i.Class]++
		}
	}
	return counts
}

// Identifiers is what the observer received, as F-Secure counted: messages that hold an identifier.
type Identifiers struct {
	Before         int // while an unpatched build ran
	AfterPatched   int // from patched builds whose user had not agreed: leaks, and what was carried over
	AfterConsented int // from patched builds whose user had agreed
}

// Identifiers asks the observer, and the handsets for nothing but who agreed.
func (f *Fleet) Identifiers() Identifiers {
	f.mu.RLock()
	defer f.mu.RUnlock()
	var n Identifiers
	for _, h := range f.handsets {
		if h.patched.IsZero() {
			n.Before += f.observer.Received(h.name).Total()
			continue
		}
		n.Before += f.observer.ReceivedBefore(h.name, h.patched).Total()
		after := f.observer.ReceivedSince(h.name, h.patched).Total()
		if h.leaks() || !h.phone.Truth().Consented {
			n.AfterPatched += after
		} else {
			n.AfterConsented += after
		}
	}
	return n
}

// installation says what is so at now.
func (h *handset) installation(now time.Time) Installation {
	i := Installation{Reference: h.client.Reference(), Model: h.model.Device, Situation: h.situation,
		Known: !h.radio.heard.IsZero(), Class: h.class(now), Build: h.phone.State().Build}
	if fault := cmp.Or(h.last, h.radio.lost); fault != nil {
		i.Fault = fault.Error()
	}
	return i
}

// class looks at the files in the slot, at the userdata and at what the observer received, in the order of
// the table of docs/design/effect.md.
func (h *handset) class(now time.Time) string {
	img, err := h.slots.Image()
	if err != nil {
		return unknown
	}
	system, err := virtual.Load(img.System)
	if err != nil {
		return unknown
	}
	t := h.phone.Truth()
	switch {
	case system.Behaviour.Feature < 1 && now.Sub(h.radio.heard) > silentAfter:
		return unknown
	case system.Behaviour.Feature < 1:
		return unpatched
	case h.leaks():
		return leak
	case system.Behaviour.Gate == report.GateOpen:
		return contradictory // an opt-in image whose guard is open, and which has not acted on it yet
	case t.On && t.Consented && t.Origin == report.OriginUser:
		return consented
	case t.On:
		return carriedOver
	case t.SelfRegistered:
		return registeredByItself
	case !t.Tested || now.Sub(t.Since) < 24*time.Hour:
		return notExercised
	}
	return confirmedOff
}

// leaks says if anything left the patched build that nobody had agreed to: the handset's own count of why, and
// the observer's of what, in case the first is wrong.
func (h *handset) leaks() bool {
	t := h.phone.Truth()
	if !t.OptIn {
		return false
	}
	if t.Sent.Auto+t.Sent.LookupsOff > 0 || t.Sent.Plain {
		return true
	}
	received := h.fleet.observer.ReceivedSince(h.name, t.Since).Total()
	return received > 0 && t.Sent.User+t.Sent.LookupsOn == 0
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
