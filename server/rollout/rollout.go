// SPDX-License-Identifier: Apache-2.0

// Package rollout decides how a rollout goes on.
//
// Advance is pure: the ledger in server/rollouts loads, calls it, stores and audits; the loop in
// server/intake has the offers published again. It promises that a share never shrinks, that anybody's leak holds, that
// no stage opens and nothing halts but by the counted fleet or a witness, that a halted rollout stays halted until a
// person resumes it, that after whatever it decided by itself a person can let the rollout go on, and that every change
// comes with its reason. It refuses to widen while anything it needs to know is unknown.
package rollout

import (
	"fmt"
	"time"

	"landed/internal/format"
	"landed/server/fleet"
	"landed/server/reasons"
)

// Author is the name under which the loop itself holds, halts and widens.
const Author = "landed"

// Event is one thing that happened to a rollout, for the audit trail and the alarm.
type Event struct {
	Action string // "rollout.widen", "rollout.look", "rollout.hold", "rollout.halt", "rollout.finish"
	Reason string
	Alarm  bool // somebody should look now
}

// Grounds are what is known of a rollout, and decided on. Package grounds loads them.
type Grounds struct {
	Counts fleet.Counts  // of its release, model and channel
	Down   time.Duration // of the time since the stage was entered or resumed, in which reports could not come
	// The clock jumped, and nobody knows how much time passed: nothing follows from that. Halts and holds by what was
	// reported go on.
	Distrusted bool
	Unnamed    bool            // the database was restored, and nobody has said yet what was lost: only stops go on
	Witnesses  fleet.Witnesses // of its model
}

// at are the figures at a time. Nobody is lost for time in which reports could not come, or while nobody knows what time
// passed.
func (g Grounds) at(now time.Time) fleet.Counts {
	c := g.Counts.At(now.Add(-g.Down))
	if g.Distrusted {
		c.Lost, c.Counted.Lost = 0, 0
	}
	return c
}

// Advance returns r as it should stand now, given what is known of it, and why.
// Without events r is returned as it was.
func Advance(now time.Time, r fleet.Rollout, known Grounds) (fleet.Rollout, []Event) {
	c := known.at(now)
	if r.State == fleet.RolloutHalted || r.Stage >= len(r.Stages) {
		return r, nil
	}
	gates := r.Stages[r.Stage].Gates
	if reason := witnessHalt(now, known.Witnesses); !reason.IsZero() {
		return halt(r, now, Author, reason), []Event{{"rollout.halt", reasons.Words(reason), true}}
	}
	if reason := haltReason(r, gates, c.Counted); !reason.IsZero() {
		return halt(r, now, Author, reason), []Event{{"rollout.halt", reasons.Words(reason), true}}
	}
	if reason := holdReason(r, gates, c); !reason.IsZero() {
		return hold(r, now, reason)
	}
	if r.State != fleet.RolloutRunning || known.Distrusted || known.Unnamed || !due(now, r, known.Down) {
		return r, nil
	}
	if waits := missing(now, r, known); len(waits) > 0 {
		return look(r, now, waits)
	}
	return widen(r, now, c.Counted)
}

// reason is a code with numbers, each after its name.
func reason(code string, values ...any) fleet.Reason {
	r := fleet.Reason{Code: code}
	if len(values) > 0 {
		r.Values = map[string]string{}
	}
	for i := 0; i < len(values); i += 2 {
		r.Values[values[i].(string)] = fmt.Sprint(values[i+1])
	}
	return r
}

// Percent writes hundredths of a percent for people: 150 is "1.5 %".
func Percent(hundredths int) string { return format.Percent(hundredths) }

func count(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
