// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"landed/internal/format"
	"landed/server/fleet"
)

// daily is how often the gates of a stage are looked at once it has soaked; one that soaks for less is looked at as
// often as that. Each look is a test that chance may pass, so there are few.
const daily = 24 * time.Hour

// Known is how many installations the gates of r reckon with: those that had reported before its salt was drawn, which
// it cannot have drawn in; where nobody had, those that have met its release.
func Known(r fleet.Rollout, c fleet.Counts) int64 { return cmp.Or(r.Known, c.Installations) }

// due says if the gates are to be looked at now.
func due(now time.Time, r fleet.Rollout, down time.Duration) bool { return nextLook(now, r, down) <= 0 }

// nextLook is how long it is until the gates are to be looked at. Time in which reports could not come is no soak.
func nextLook(now time.Time, r fleet.Rollout, down time.Duration) time.Duration {
	soak := r.Stages[r.Stage].Soak
	first := r.Since.Add(soak + down)
	every := min(soak, daily)
	if r.Looked.Before(first) || every <= 0 {
		return first.Sub(now)
	}
	return first.Add((r.Looked.Sub(first)/every + 1) * every).Sub(now)
}

// look notes that the gates did not open.
func look(r fleet.Rollout, now time.Time, waits []string) (fleet.Rollout, []Event) {
	if r.Stages[r.Stage].Soak <= 0 {
		return r, nil // it is looked at at every tick
	}
	r.Looked, r.Changed = now, now
	return r, []Event{{"rollout.look", "stage " + fmt.Sprint(r.Stage+1) + " waits until " + strings.Join(waits, ", and "), false}}
}

// Waiting lists what must come true before the current stage may widen, each in words that
// go on from "when"; nothing means that it may.
func Waiting(now time.Time, r fleet.Rollout, known Grounds) []string {
	c := known.Counts
	if r.Stage >= len(r.Stages) {
		return nil
	}
	var waits []string
	if known.Distrusted {
		waits = append(waits, "the clock of the server, which jumped, is right again or a person has accepted it")
	}
	left := nextLook(now, r, known.Down)
	soaks := r.Stages[r.Stage].Soak + known.Down - now.Sub(r.Since)
	if soaks > 0 {
		words := "another " + waitText(soaks) + " passed"
		if known.Down >= time.Minute {
			words += ", since " + downText(known.Down) + " in which no reports could come do not count"
		}
		waits = append(waits, words)
	}
	waits = append(append(waits, missing(r, c)...), witnessWaits(now, known.Witnesses)...)
	if len(waits) == 0 && left > 0 {
		waits = append(waits, "another "+waitText(left)+" passed, when the gates are looked at again")
	}
	return waits
}

// missing lists what the figures still have to show before the current stage may widen.
func missing(r fleet.Rollout, c fleet.Counts) (waits []string) {
	g, known := r.Stages[r.Stage].Gates, Known(r, c)
	most := g.MinReports
	if most == 0 && g.MinProven > 0 {
		most = maxNeeded
	}
	judged, needed := c.Judged(), min(most, Needed(known, r.Share()))
	ten := int64(0) // that must be judged before the next stage
	if most > 0 {
		ten = tenth(known, r)
	}
	switch lower, _ := wilson(c.Proven(), judged); {
	case judged < max(needed, ten):
		words := fmt.Sprintf("at least %s could be judged, now %d", count(max(needed, ten), "installation"), judged)
		if ten > needed {
			words += ", since no stage goes to more than ten times that"
		}
		waits = append(waits, words)
	case needed == 0 && most > 0:
		if bad := unforgiven(c.Leaked, r.Forgiven) + unforgiven(c.Blamed(), r.Excused); bad > 0 {
			waits = append(waits, fmt.Sprintf("nothing bad is known of a stage that is too small to be counted on, now of %s",
				count(bad, "installation")))
		}
	case g.MinProven > 0 && lower+slack < min(float64(g.MinProven)/10_000, allGood(judged)):
		waits = append(waits, fmt.Sprintf("it is beyond chance that at least %s of those judged are proven, now %d of %d are",
			format.Percent(g.MinProven), c.Proven(), judged))
	}
	failed := unforgiven(c.Blamed(), r.Excused)
	if _, upper := wilson(failed, c.Ended()); failed > 0 &&
		upper-slack > max(float64(allowed(g))/10_000, 1-allGood(c.Ended())) {
		waits = append(waits, fmt.Sprintf("it is beyond chance that at most %s fail, now %d of %d did", format.Percent(allowed(g)),
			failed, c.Ended()))
	}
	return waits
}

// tenth is how many must have been judged before the next stage: a tenth of those that it is expected to be offered to.
// A stage for a thousand or fewer needs none.
func tenth(known int64, r fleet.Rollout) int64 {
	if r.Stage+1 >= len(r.Stages) {
		return 0
	}
	expected := known * int64(r.Stages[r.Stage+1].Share) / 10_000
	if expected <= fleet.FirstExpected {
		return 0
	}
	return (expected + 9) / 10
}

// Cautions are what is unwise about stages that people wrote, for a fleet of so many known installations. Nothing is
// refused for it.
func Cautions(stages []fleet.Stage, known int64) (words []string) {
	for i, s := range stages {
		expected := known * int64(s.Share) / 10_000
		switch {
		case expected <= fleet.FirstExpected:
		case i == 0:
			words = append(words, fmt.Sprintf("the first stage is offered to about %d handsets at once; begin with %d or fewer",
				expected, fleet.FirstExpected))
		case s.Share > 10*stages[i-1].Share:
			words = append(words, fmt.Sprintf("stage %d is more than ten times stage %d: it cannot be reached through its gates, "+
				"only by a person", i+1, i))
		}
	}
	return words
}

func widen(r fleet.Rollout, now time.Time, c fleet.Counts) (fleet.Rollout, []Event) {
	if r.Stage == len(r.Stages)-1 {
		r.State, r.Changed = fleet.RolloutFinished, now
		return r, []Event{{"rollout.finish", fmt.Sprintf("the last stage passed its gates with %d of %s proven; "+
			"late joiners are included",
			c.Proven(), count(c.Judged(), "judged installation")), false}}
	}
	why := shown(r, c)
	r.Stage++
	r.Since, r.Changed, r.Looked = now, now, time.Time{}
	return r, []Event{{"rollout.widen", fmt.Sprintf("stage %d of %d: %s of the fleet%s", r.Stage+1, len(r.Stages),
		format.Percent(r.Share()), why), false}}
}

// shown says what a stage has shown when it widens.
func shown(r fleet.Rollout, c fleet.Counts) string {
	switch needed := Needed(Known(r, c), r.Share()); {
	case r.Stages[r.Stage].Gates.MinReports == 0 && r.Stages[r.Stage].Gates.MinProven == 0:
		return ""
	case needed == 0:
		return fmt.Sprintf("; of %s the stage before was too small to be counted on, and its time passed with nothing bad",
			count(Known(r, c), "known installation"))
	case c.Ended() >= 10 && c.Ended() <= 30_000 && c.Blamed() == 0: // it rules out more than 3 in so many
		return fmt.Sprintf("; %d of %d proven, and none of %d failed, which rules out more than %s", c.Proven(), c.Judged(),
			c.Ended(), format.Percent(int(min(10_000, 30_000/c.Ended()))))
	}
	return fmt.Sprintf("; %d of %d proven", c.Proven(), c.Judged())
}
