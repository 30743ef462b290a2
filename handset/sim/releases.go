// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"cmp"
	"slices"
	"time"
)

// Release is what the fleet must know of a release in order to say what is really so under it. It says nothing of who
// is offered what: packages and rollouts come from the server, and any number of releases may follow each other.
type Release struct {
	Name   string   // as handsets meet it; "" stands for every release that has no entry of its own
	Effect string   // OptIn, BuildRuns or AppList; any other claims nothing
	Builds []string // fingerprints: its builds, and those of later releases that keep its effect
}

// Ship tells the fleet of one more release, or of more builds of one; it may be called while the fleet runs.
func (f *Fleet) Ship(r Release) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.releases = append(slices.DeleteFunc(f.releases, func(old Release) bool { return old.Name == r.Name }), r)
}

// releaseOf is what the fleet knows of a release. The caller holds f.mu.
func (f *Fleet) releaseOf(name string) Release {
	other := Release{Name: name}
	for _, r := range f.releases {
		switch r.Name {
		case name:
			return r
		case "":
			other.Effect, other.Builds = r.Effect, r.Builds
		}
	}
	return other
}

// look takes in all that a class is told by, as it is at a time that has come.
func (h *handset) look(at time.Time) view {
	v := view{at: at, phone: h.phone.Truth(), kept: !h.slots.Unproven()}
	if img, err := h.slots.Image(); err == nil {
		v.build = img.Build.Fingerprint
	}
	if system := h.phone.Image(); system != nil && system.Fingerprint == v.build {
		v.system = system
	}
	return v
}

// class says what is so under a release; the order is that of docs/design/verdict.md.
func (h *handset) class(v view, release string) string {
	r := h.fleet.releaseOf(release)
	switch on := slices.Contains(r.Builds, v.build); {
	case v.system == nil:
		return unknown
	case !on && v.at.Sub(h.radio.heard[release]) > silentAfter:
		return unknown
	case !on:
		return unpatched
	}
	// Events of this very moment belong to it: a registration at the first boot, for example.
	v.traffic = h.fleet.observer.ReceivedBetween(h.name, v.phone.Since, v.at.Add(1))
	return v.class(r.Effect)
}

// moveOn keeps what was so under a release when the handset has met another one: that is what its last report about it
// says.
func (h *handset) moveOn(before view) {
	now, ahead := h.client.Release(), h.client.Ahead()
	for _, was := range []string{h.release, h.ahead} {
		if was == "" || was == now || was == ahead {
			continue
		}
		if h.left == nil {
			h.left = map[string]string{}
		}
		h.left[was] = h.class(before, was)
	}
	delete(h.left, now)
	delete(h.left, ahead)
	h.release, h.ahead = now, ahead
}

// installations says what is so at now, under each release that the installation has met; one that has met none is
// listed all the same.
func (h *handset) installations(now time.Time) []Installation {
	v := h.look(now)
	base := Installation{Reference: h.client.Reference(), Model: h.model.Device, Situation: h.situation,
		Build: h.phone.State().Build}
	if fault := cmp.Or(h.last, h.radio.lost); fault != nil {
		base.Fault = fault.Error()
	}
	with := func(release, class string, current bool) Installation {
		i := base
		i.Release, i.Class, i.Current = release, class, current
		_, i.Known = h.radio.heard[release]
		i.Told = h.told[release]
		return i
	}
	var all []Installation
	for _, release := range sortedKeys(h.left) {
		all = append(all, with(release, h.left[release], false))
	}
	if h.ahead != "" {
		all = append(all, with(h.ahead, h.class(v, h.ahead), false))
	}
	return append(all, with(h.release, h.class(v, h.release), true))
}
