// SPDX-License-Identifier: Apache-2.0

package support

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"landed/server/fleet"
)

// Mark is something that happened to releases and rollouts.
type Mark struct {
	At      time.Time `json:"at"`
	What    string    `json:"what"` // "publish", "start", "widen", "halt", "resume", "finish"; of news also "hold", "release"
	Release string    `json:"release"`
	Rollout string    `json:"rollout,omitempty"`
	Model   string    `json:"model,omitempty"`
	Share   int       `json:"share,omitempty"` // that was offered then, hundredths of a percent
}

// StageTime is when a rollout was offered to a share: until the next one, or until it was halted.
type StageTime struct {
	Rollout string     `json:"rollout"`
	Release string     `json:"release"`
	Model   string     `json:"model"`
	Channel string     `json:"channel"`
	Share   int        `json:"share"`
	From    time.Time  `json:"from"`
	Until   *time.Time `json:"until,omitempty"` // missing: it is now
}

// happened is whose marks a series has.
type happened struct {
	releases []*issue
	model    string   // "": of all
	too      []string // that is told beside what is drawn
}

func (h happened) rollouts() (all []fleet.Rollout) {
	for _, is := range h.releases {
		for _, r := range is.rollouts {
			if h.model == "" || r.Model == h.model {
				all = append(all, r)
			}
		}
	}
	return all
}

// asked one by one for the trail of so many rollouts; of more, the newest lines of all of it are read.
const (
	trailsOfEach = 12
	trailLines   = 400
)

// marked are the changes of a rollout that are drawn.
var marked = []string{"start", "widen", "halt", "resume", "finish"}

// marks are read from the trail; what stands further back there than is read is left out.
func (h happened) marks(ctx context.Context, tx fleet.Tx) ([]Mark, error) {
	all := []Mark{}
	for _, is := range h.releases {
		m := Mark{At: is.At.UTC(), What: "publish", Release: is.Name}
		trail, err := tx.Audit().OfSubject(ctx, is.Name, timelineLength)
		if err != nil {
			return nil, err
		}
		for _, e := range trail {
			if e.Action == "release.publish" {
				m.At = e.At.UTC()
			}
		}
		all = append(all, m)
	}
	of := map[string]fleet.Rollout{}
	var lines []fleet.AuditEntry
	for _, r := range h.rollouts() {
		of[r.ID] = r
	}
	if len(of) > trailsOfEach {
		trail, err := tx.Audit().Acts(ctx, "", trailLines)
		if err != nil {
			return nil, err
		}
		lines = trail
	} else {
		for id := range of {
			trail, err := tx.Audit().Acts(ctx, id, timelineLength)
			if err != nil {
				return nil, err
			}
			lines = append(lines, trail...)
		}
	}
	for _, e := range lines {
		what, of, is := strings.TrimPrefix(e.Action, "rollout."), of[e.Subject], false
		if is = of.ID != "" && what != e.Action && (slices.Contains(marked, what) || slices.Contains(h.too, what)); is {
			all = append(all, Mark{e.At.UTC(), what, of.Release, of.ID, of.Model, of.ShareAt(e.At)})
		}
	}
	slices.SortFunc(all, func(a, b Mark) int { // two of one moment always stand in one order
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Release, b.Release), cmp.Compare(a.Rollout, b.Rollout), cmp.Compare(a.What, b.What))
	})
	return all, nil
}

// stages are in the order of the releases, the newest first, and of shares.
func (h happened) stages() []StageTime {
	all := []StageTime{}
	for _, r := range h.rollouts() {
		for n, reach := range r.Reached {
			s := StageTime{Rollout: r.ID, Release: r.Release, Model: r.Model, Channel: r.Channel, Share: reach.Share, From: reach.At.UTC()}
			switch {
			case n+1 < len(r.Reached):
				until := r.Reached[n+1].At.UTC()
				s.Until = &until
			case r.State == fleet.RolloutHalted:
				until := r.Changed.UTC()
				s.Until = &until
			}
			all = append(all, s)
		}
	}
	return all
}
