// SPDX-License-Identifier: Apache-2.0

package support

import (
	"slices"
	"time"

	"landed/manifests/effect"
	"landed/server/fleet"
)

// UnreadableRelease is published, and this program cannot read it: a later one published it, or what is stored of it is
// damaged. Everything else is shown without it, and people are told.
type UnreadableRelease struct {
	Name    string      `json:"name"`
	Counter int64       `json:"counter"`
	At      time.Time   `json:"at"`
	Models  []ModelLink `json:"models"` // that it is for, as far as is known
}

// unreadable lists the releases that cannot be read, newest first.
func (d describer) unreadable(snap *snapshot) (all []UnreadableRelease) {
	for _, is := range snap.unreadable {
		u := UnreadableRelease{clean(is.Name), is.Counter, is.At.UTC(), []ModelLink{}}
		for _, device := range is.models {
			m := d.unreleased(device)
			u.Models = append(u.Models, ModelLink{m.Model, m.Role, m.Product})
		}
		all = append(all, u)
	}
	return all
}

// unreadableOn names those of them that are for a model.
func (snap *snapshot) unreadableOn(device string) (names []string) {
	for _, is := range snap.unreadable {
		if slices.Contains(is.models, device) {
			names = append(names, clean(is.Name))
		}
	}
	return names
}

// today is a model as it stands: under its newest release, with its whole fleet. Where no release of it can be read, its
// handsets are counted, and nothing is said of them.
func (d describer) today(snap *snapshot, device string) Model {
	v := d.known(device)
	if is := snap.newest(device); is != nil {
		v = d.model(snap, is, device, snap.whole(is, device))
	} else {
		v.Standing, v.Figures, v.Say = Unreadable, d.words.plain.figures(unjudged(snap.totals[device])), ""
		v.Badge = d.words.locale.Say("standing."+string(v.Standing), nil)
		for _, is := range snap.unreadable {
			v.Rollouts = append(v.Rollouts, d.rollouts(snap, is, device)...)
		}
	}
	if v.Unreadable = snap.unreadableOn(device); len(v.Unreadable) > 0 {
		v.Say = d.words.locale.Sentences(v.Say, d.words.locale.Say("say.unreadable", v))
	}
	return v
}

// unjudged are the handsets of cells of which nothing can be said.
func unjudged(cells []fleet.Counts) fleet.Counts {
	c := sum(cells...)
	c.Kinds = map[fleet.Kind]int64{effect.Unjudged: c.Installations}
	c.Verdicts = map[fleet.Class]int64{effect.Unknown: c.Installations}
	return c
}
