// SPDX-License-Identifier: Apache-2.0

package support

import (
	"strings"
	"time"
	"unicode"

	"landed/server/fleet"
	"landed/server/rollout"
	"landed/web"
)

// Rollout is how far a release has come on one channel of a model.
type Rollout struct {
	ID      string             `json:"id"`
	Channel string             `json:"channel"`
	State   fleet.RolloutState `json:"state"`
	Stage   int                `json:"stage"`   // 1, 2, 3 …
	Stages  int                `json:"stages"`  // how many there are
	Share   int                `json:"share"`   // offered to this share of the model, hundredths of a percent
	Waiting []string           `json:"waiting"` // what the stage waits for, in words
	Held    string             `json:"held"`    // why it stays at its share, "" if it does not
	Reason  string             `json:"reason"`  // why it was halted or resumed last
	By      string             `json:"by"`      // by whom; "landed" is the server itself
	Since   time.Time          `json:"since"`   // when this stage was entered or resumed
	Changed time.Time          `json:"changed"` // when anything of this last changed
}

func (d describer) rollout(lex lexicon, r fleet.Rollout, c fleet.Counts, snap *snapshot) Rollout {
	v := Rollout{
		ID: r.ID, Channel: r.Channel, State: r.State, Stage: min(r.Stage+1, len(r.Stages)), Stages: len(r.Stages),
		Share: r.Share(), Waiting: []string{}, Held: clean(lex.reason(r.Held)), Reason: clean(lex.reason(r.Reason)),
		By: clean(r.By), Since: r.Since.UTC(), Changed: r.Changed.UTC(),
	}
	if r.State == fleet.RolloutRunning {
		now := d.now()
		for _, wait := range rollout.Waiting(now, r, rollout.Grounds{
			Counts: c, Down: fleet.Down(snap.outages, r.Since, now), Distrusted: d.distrusted != nil && d.distrusted(),
			Witnesses: snap.witnesses[r.ID], Unnamed: snap.unnamed,
		}) {
			v.Waiting = append(v.Waiting, clean(lex.reason(wait)))
		}
	}
	return v
}

// ByItself says that no person did it.
func (r Rollout) ByItself() bool { return r.By == rollout.Author }

// Stopped says that somebody should look: it is halted, or about to be, or held.
func (r Rollout) Stopped() bool {
	return r.State == fleet.RolloutHalted || r.State == fleet.RolloutHalting || r.State == fleet.RolloutHeld
}

// clean takes what could disturb a reader out of a text that people or handsets wrote: control
// characters, the marks that turn the direction of writing, and marks of a language that reach beyond it. Escaping is the template's work.
func clean(s string) string {
	return web.Balance(strings.Map(func(c rune) rune {
		switch {
		case c == '\n':
			return c
		case unicode.IsControl(c), unicode.Is(unicode.Bidi_Control, c), c == '\u2028', c == '\u2029':
			return '\uFFFD'
		}
		return c
	}, strings.ToValidUTF8(s, "\uFFFD")))
}
