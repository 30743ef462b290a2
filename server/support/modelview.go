// SPDX-License-Identifier: Apache-2.0

package support

import (
	"strings"
	"time"

	"landed/manifests"
	"landed/server/fleet"
	"landed/server/support/naming"
	"landed/web"
)

// Model is a release on one model.
type Model struct {
	Model    string   `json:"model"`   // ro.product.device
	Role     string   `json:"role"`    // as in the paths
	Product  string   `json:"product"` // the name on the box
	Numbers  []string `json:"numbers"` // model numbers, as on its label
	Release  string   `json:"release"` // under which it stands here, "" before the first
	Effect   string   `json:"effect"`  // of that release, "" if it claims none
	Standing Standing `json:"standing"`
	Say      string   `json:"say"` // what a support person can say
	Figures
	Rollouts   []Rollout  `json:"rollouts"`
	Checks     []LabCheck `json:"lab"`                  // what observers found, by kind; none if the feed names nobody
	Unreadable []string   `json:"unreadable,omitempty"` // releases that are published for it, and cannot be read
	// Protocols are those by which phones of it poll that report nothing; Others says what that means, in words. Most models
	// have none.
	Protocols []manifests.Protocol `json:"protocols,omitempty"`
	Others    string               `json:"others,omitempty"`

	Badge  string    `json:"-"` // the standing in words
	Public *Outlined `json:"-"` // where small numbers are not shown: all there is of numbers

	names *naming.Names
	said  int64 // under which number it is remembered; 0 if it is not
}

// describer puts the figures and rollouts of models into the words of the pages.
type describer struct {
	lineup *lineup
	words  *dictionary
	links  web.Links
	now    func() time.Time
	// distrusted, if set, says if the clock jumped and is not believed yet.
	distrusted func() bool
}

// unreleased is what is known of a device, whatever is released for it.
func (d describer) unreleased(device string) Model {
	v := d.bare(device)
	v.Figures = d.words.plain.figures()
	return v
}

// bare is a device without figures.
func (d describer) bare(device string) Model {
	v := Model{
		Model: device, Role: strings.ToLower(device), Product: device, Numbers: []string{}, Standing: NotOffered,
		Rollouts: []Rollout{}, Checks: []LabCheck{},
	}
	if m, ok := d.lineup.device(device); ok {
		v.Role, v.Product, v.Numbers, v.names = m.Role(), clean(m.Product), numbers(m.Model), m.names
		if v.Protocols = m.Protocols; len(v.Protocols) > 0 {
			v.Others = d.words.locale.Say("others.silent", nil)
		}
	} else { // it is known by its device alone
		v.names = naming.Of(naming.Model{Device: device})
	}
	v.Badge = d.words.locale.Say("standing."+string(v.Standing), nil)
	return v
}

// model is a release on one model, its channels together.
func (d describer) model(snap *snapshot, is *issue, device string, f Figures) Model {
	v := d.bare(device)
	v.Release, v.Effect, v.Figures = is.Name, is.lex.name(), f
	v.Rollouts = append(v.Rollouts, d.rollouts(snap, is, device)...)
	v.Checks = d.checks(snap.found, is, device)
	v.Standing = standing(v.Carry(), v.Rollouts, snap.retired[device])
	v.Badge = d.words.locale.Say("standing."+string(v.Standing), nil)
	if worst := v.Carry().Adverse(); v.Standing == Leaking && worst != nil {
		v.Badge = worst.Name
	}
	v.Say = d.say(is, v, snap.haltedBefore(is, device))
	return v
}

func (d describer) rollouts(snap *snapshot, is *issue, device string) (all []Rollout) {
	for i := range is.rollouts { // a long line-up has many, and each is large
		if r := &is.rollouts[i]; r.Model == device {
			all = append(all, d.rollout(is.lex, *r, cellOf(snap.cellsOf(is, device), r.Channel), snap))
		}
	}
	return all
}

// haltedBefore names the newest release before is that was halted on a model, "" for none.
func (snap *snapshot) haltedBefore(is *issue, device string) string {
	for _, older := range snap.of[device] {
		if older.Counter < is.Counter && older.has(func(r *fleet.Rollout) bool {
			return r.Model == device && r.State == fleet.RolloutHalted
		}) {
			return older.Name
		}
	}
	return ""
}

func numbers(m manifests.Model) []string {
	out := make([]string, 0, len(m.Numbers))
	for _, n := range m.Numbers {
		out = append(out, clean(n))
	}
	return out
}

func cellOf(cells []fleet.Counts, channel string) fleet.Counts {
	for _, c := range cells {
		if c.Channel == channel {
			return c
		}
	}
	return fleet.Counts{}
}
