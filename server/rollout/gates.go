// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"strings"
	"time"

	"landed/internal/format"
	"landed/server/fleet"
	"landed/server/reasons"
)

// daily is how often the gates of a stage are looked at once it has soaked; one that soaks for less is looked at as
// often as that. Each look is a test that chance may pass, so there are few.
const daily = 24 * time.Hour

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
func look(r fleet.Rollout, now time.Time, waits []fleet.Reason) (fleet.Rollout, []Event) {
	if r.Stages[r.Stage].Soak <= 0 {
		return r, nil // it is looked at at every tick
	}
	r.Looked, r.Changed = now, now
	words := strings.Join(reasons.All(waits), ", and ")
	return r, []Event{{fleet.ActionLook, "stage " + fmt.Sprint(r.Stage+1) + " waits until " + words, false}}
}

// Waiting lists what must come true before the current stage may widen; its sentences go on from "when". Nothing means
// that it may.
func Waiting(now time.Time, r fleet.Rollout, known Grounds) []fleet.Reason {
	if r.Stage >= len(r.Stages) {
		return nil
	}
	var waits []fleet.Reason
	if known.Distrusted {
		waits = append(waits, reason(reasons.WaitsClock))
	}
	if known.Unnamed {
		waits = append(waits, reason(reasons.WaitsRestore))
	}
	left := nextLook(now, r, known.Down)
	soaks := r.Stages[r.Stage].Soak + known.Down - now.Sub(r.Since)
	switch {
	case soaks > 0 && known.Down >= time.Minute:
		waits = append(waits, reason(reasons.WaitsDown, "minutes", minutes(soaks), "down", minutes(known.Down)))
	case soaks > 0:
		waits = append(waits, reason(reasons.WaitsSoak, "minutes", minutes(soaks)))
	}
	waits = append(waits, missing(now, r, known)...)
	if len(waits) == 0 && left > 0 {
		waits = append(waits, reason(reasons.WaitsLook, "minutes", minutes(left)))
	}
	return waits
}

// minutes are those of a time to wait, rounded up.
func minutes(d time.Duration) int64 { return int64((d + time.Minute - 1) / time.Minute) }

// missing lists what has still to be shown before the current stage may widen.
func missing(now time.Time, r fleet.Rollout, known Grounds) (waits []fleet.Reason) {
	c := known.at(now)
	waits = append(waits, unproven(now, r, c.Counted, known.Witnesses)...)
	waits = append(waits, doubtful(r, c.Counted)...)
	return append(waits, witnessWaits(now, known.Witnesses)...)
}

// unproven lists what the counted fleet has still to prove, or somebody in its place: a witness, or a person who widens.
func unproven(now time.Time, r fleet.Rollout, c fleet.Figures, w fleet.Witnesses) []fleet.Reason {
	g := r.Stages[r.Stage].Gates
	most := g.MinReports
	if most == 0 && g.MinProven > 0 {
		most = maxNeeded
	}
	needed, ten := min(most, Needed(r.Known, r.Share())), int64(0) // that must be judged before the next stage
	if most > 0 {
		ten = tenth(r)
	}
	judged := c.Judged()
	lower, _ := wilson(c.Proven(), judged)
	switch vouched := w.At(now).Good > 0; {
	case r.Known == 0 && !vouched:
		return []fleet.Reason{reason(reasons.WaitsNobody)}
	case r.Known > 0 && judged < max(needed, ten):
		code := reasons.WaitsJudged
		if ten > needed {
			code = reasons.WaitsTenth
		}
		return []fleet.Reason{reason(code, "needed", max(needed, ten), "judged", judged)}
	case needed == 0 && (most > 0 || r.Known == 0):
		return tooSmall(r, c, vouched)
	case g.MinProven > 0 && lower+slack < min(float64(g.MinProven)/10_000, allGood(judged)):
		return []fleet.Reason{reason(reasons.WaitsProven, "share", g.MinProven, "proven", c.Proven(), "judged", judged)}
	}
	return nil
}

// tooSmall is for a stage in which so few counted ones are expected that nothing follows from their number.
func tooSmall(r fleet.Rollout, c fleet.Figures, vouched bool) (waits []fleet.Reason) {
	if !vouched {
		waits = append(waits, reason(reasons.WaitsSmall, "known", r.Known))
	}
	if bad := unforgiven(c.Leaked, r.ForgivenCounted) + unforgiven(c.Blamed(), r.Excused); bad > 0 {
		waits = append(waits, reason(reasons.WaitsNothingBad, "n", bad))
	}
	return waits
}

// doubtful says if more than the gate allows may fail, or be lost, by what is known.
func doubtful(r fleet.Rollout, c fleet.Figures) []fleet.Reason {
	g := r.Stages[r.Stage].Gates
	failed, all := unforgiven(c.Blamed()+c.Lost, r.Excused+r.ExcusedLost), c.LostOrEnded()
	if _, upper := wilson(failed, all); failed == 0 || upper-slack <= max(float64(allowed(g))/10_000, 1-allGood(all)) {
		return nil
	}
	if c.Lost > 0 {
		return []fleet.Reason{reason(reasons.WaitsLost, "share", allowed(g), "failed", c.Blamed(), "lost", c.Lost, "n", all)}
	}
	return []fleet.Reason{reason(reasons.WaitsFailures, "share", allowed(g), "failed", failed, "n", all)}
}

// tenth is how many must have been judged before the next stage: a tenth of the counted ones that it is expected to be
// offered to. A stage for a thousand or fewer needs none.
func tenth(r fleet.Rollout) int64 {
	if r.Stage+1 >= len(r.Stages) {
		return 0
	}
	expected := r.Known * int64(r.Stages[r.Stage+1].Share) / 10_000
	if expected <= fleet.FirstExpected {
		return 0
	}
	return (expected + 9) / 10
}

// Cautions are what is unwise about stages that people wrote, for a counted fleet of so many. Nothing is refused for it.
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

func widen(r fleet.Rollout, now time.Time, c fleet.Figures) (fleet.Rollout, []Event) {
	if r.Stage == len(r.Stages)-1 {
		r.State, r.Changed = fleet.RolloutFinished, now
		return r, []Event{{"rollout.finish", "the last stage passed its gates" + shown(r, c, " with ") +
			"; late joiners are included", false}}
	}
	why := shown(r, c, "; ")
	r.Stage++
	r.Since, r.Changed, r.Looked = now, now, time.Time{}
	return r, []Event{{"rollout.widen", fmt.Sprintf("stage %d of %d: %s of the fleet%s", r.Stage+1, len(r.Stages),
		format.Percent(r.Share()), why), false}}
}

// shown says what a stage has shown when it widens, after a word that leads to it.
func shown(r fleet.Rollout, c fleet.Figures, lead string) string {
	g := r.Stages[r.Stage].Gates
	switch needed := Needed(r.Known, r.Share()); {
	case r.Known == 0:
		return lead + "a witness handset that showed it, since nobody vouched for a fleet that counts"
	case g.MinReports == 0 && g.MinProven == 0:
		return ""
	case needed == 0:
		return lead + fmt.Sprintf("a witness handset that showed it, since of %s too few are in the stage to be counted on",
			count(r.Known, "counted installation"))
	case c.Ended() >= 10 && c.Ended() <= 30_000 && c.Blamed()+c.Lost == 0: // it rules out more than 3 in so many
		return lead + fmt.Sprintf("%d of %d counted installations proven, and none of %d failed, which rules out more than %s",
			c.Proven(), c.Judged(), c.Ended(), format.Percent(ruledOut(c.Ended())))
	}
	return lead + fmt.Sprintf("%d of %d counted installations proven", c.Proven(), c.Judged())
}

// ruledOut is above which share of failures none of so many speaks, with 95 % confidence, in hundredths of a percent: 3 in so many (the
// rule of three), rounded up, since an upper bound must not be told better than it is.
func ruledOut(none int64) int { return int(min(10_000, (30_000+none-1)/none)) }
