// SPDX-License-Identifier: Apache-2.0

package support

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"landed/manifests"
	"landed/manifests/effect"
	"landed/manifests/release"
	"landed/manifests/report"
	"landed/server/fleet"
	"landed/web"
)

// optIn is the words of the effect that most tests are about.
func optIn(t testing.TB) lexicon {
	locale, err := web.NewLocale("en")
	if err != nil {
		t.Fatal(err)
	}
	return newLexicon(locale, release.OptIn().Effect)
}

// TestBar: parts fill the bar exactly, one handset in a million is still seen, and none of
// nothing is.
func TestBar(t *testing.T) {
	random, lex := rand.New(rand.NewPCG(1, 2)), optIn(t)
	for range 2000 {
		c := fleet.Counts{Figures: fleet.Figures{Verdicts: map[fleet.Class]int64{}}}
		for _, class := range lex.classes {
			if random.IntN(3) > 0 {
				n := 1 + random.Int64N(1<<uint(random.IntN(30)))
				c.Verdicts[fleet.Class(class.key)] = n
				c.Installations += n
			}
		}
		f := lex.figures(c)
		bar, x := f.Bar(), 0
		for i, s := range bar {
			n := f.Classes()[i].Count
			if s.X != x || s.W < 0 || (n == 0) != (s.W == 0) || (n > 0 && s.W < leastWidth*9/10) {
				t.Fatalf("%+v of %v", s, c.Verdicts)
			}
			x += s.W
		}
		if len(bar) != len(lex.classes) || (c.Installations > 0 && x != 10_000) {
			t.Fatalf("%d parts end at %d: %v", len(bar), x, c.Verdicts)
		}
	}
}

// TestSides: before and after are each of those of whom something is known, and their parts add up to that.
func TestSides(t *testing.T) {
	lex := optIn(t)
	f := lex.figures(fleet.Counts{Figures: fleet.Figures{
		Installations: 10,
		Before:        map[fleet.Before]int64{"activates_itself": 5, "quiet": 2, effect.NotSeen: 3},
		Verdicts:      map[fleet.Class]int64{"confirmed_off": 3, "leak": 1, "unpatched": 4, "unknown": 2},
		Kinds:         map[fleet.Kind]int64{effect.Good: 3, effect.Bad: 1, effect.Unjudged: 6},
	}})
	sides := f.BeforeUpdate().Sides()
	if len(sides) != 2 || sides[0].Of != 7 || sides[1].Of != 4 {
		t.Fatalf("%+v", sides)
	}
	for _, side := range sides {
		sum, width := int64(0), 0
		for _, row := range side.Rows {
			if sum += row.Count; row.Of != side.Of || row.Count > 0 && row.High == 0 {
				t.Errorf("%s: %+v is not of %d, or has no interval", side.Key, row, side.Of)
			}
		}
		for _, part := range side.Bar() {
			width += part.W
		}
		if sum != side.Of || width != 10_000 {
			t.Errorf("%s: parts are %d of %d, and %d wide", side.Key, sum, side.Of, width)
		}
	}
	if f := lex.figures(fleet.Counts{Figures: fleet.Figures{Installations: 3}}); f.BeforeUpdate().Sides() != nil {
		t.Errorf("nobody was seen before, and there are %+v", f.BeforeUpdate().Sides())
	}
}

// TestStanding: what is said of a model, and above all what is not.
func TestStanding(t *testing.T) {
	lex := optIn(t)
	some := func(proven, carried, leaks, running int64) Figures {
		return lex.figures(fleet.Counts{Figures: fleet.Figures{
			Installations: 1000, Progress: map[report.Progress]int64{"running": running},
			Kinds: map[fleet.Kind]int64{
				effect.Good: proven, effect.Open: carried, effect.Bad: leaks, effect.Unjudged: 1000 - proven - carried - leaks,
			},
			Verdicts: map[fleet.Class]int64{
				confirmedOff: proven, carriedOver: carried, leak: leaks, unpatched: 1000 - proven - carried - leaks,
			},
		}})
	}
	running, halted := []Rollout{{State: fleet.RolloutRunning}}, []Rollout{{State: fleet.RolloutRunning}, {State: fleet.RolloutHalted}}
	for name, tt := range map[string]struct {
		f    Figures
		r    []Rollout
		want Standing
	}{
		"nothing":                              {lex.figures(), nil, NotOffered},
		"offered, nobody runs it":              {some(0, 0, 0, 0), running, Waiting},
		"installed is not shown":               {some(0, 0, 0, 900), running, Testing},
		"the word of four":                     {some(4, 0, 0, 10), running, Testing},
		"five, who may be any share":           {some(5, 0, 0, 900), running, Testing},
		"nine of ten":                          {some(9, 1, 0, 900), running, Testing},
		"all of as many as it takes":           {some(35, 0, 0, 500), running, Shown},
		"all of one too few":                   {some(34, 0, 0, 500), running, Testing},
		"most do not run it":                   {some(202, 0, 0, 499), running, Spreading},
		"fewer than nine of ten":               {some(80, 20, 0, 100), running, Partly},
		"one leak among many":                  {some(900, 0, 1, 901), running, Leaking},
		"halted stays halted, however good":    {some(900, 0, 0, 900), halted, Halted},
		"runs without a rollout that we know":  {some(900, 0, 0, 900), nil, Shown},
		"only carried over, which is no proof": {some(0, 50, 0, 50), running, NotShown},
		"half is some":                         {some(50, 50, 0, 100), running, Partly},
		"fewer than half":                      {some(49, 51, 0, 100), running, NotShown},
		"fewer than half of too few":           {some(1, 3, 0, 4), running, Testing},
	} {
		if got := standing(tt.f, tt.r, false); got != tt.want {
			t.Errorf("%s: %s, wanted %s", name, got, tt.want)
		}
		if got := standing(tt.f, tt.r, true); got != Retired {
			t.Errorf("%s, of a retired model: %s", name, got)
		}
	}
}

// TestUnproven: no sentence about a model leaves out its largest group of unproven handsets.
func TestUnproven(t *testing.T) {
	for class, words := range map[fleet.Class]string{
		carriedOver: "Still on from before", registered: "still registered", contradictory: "cannot all be true",
	} {
		for _, tt := range []struct {
			proven, others int
			want           Standing
		}{{5, 33, NotShown}, {0, 6, NotShown}, {20, 18, Partly}, {198, 2, Shown}, {0, 1, Testing}} {
			h := open(t, manifests.DefaultCatalogue())
			h.publish("armani")
			h.roll("armani", nil)
			h.count("armani", tt.proven, confirmedOff, beforeActive)
			h.count("armani", tt.others, class, beforeActive)
			var got Status
			if err := json.Unmarshal(h.get("/status.json").Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			m, figure := got.Models[0], fmt.Sprintf("%d of the %d that could be judged", tt.others, tt.proven+tt.others)
			if m.Standing != tt.want || !strings.Contains(m.Say, figure) || !strings.Contains(m.Say, words) {
				t.Errorf("%d of %s beside %d proven is %s, and reads %q; wanted %s, %q and %q",
					tt.others, class, tt.proven, m.Standing, m.Say, tt.want, figure, words)
			}
			most := tt.want == NotShown
			if strings.Contains(got.Headline, "On 1 model most of the handsets that could be judged have not shown it.") != most {
				t.Errorf("with %s the headline reads %q", m.Standing, got.Headline)
			}
			if strings.Contains(h.get("/").Body.String(), `id="stopped"`) != most {
				t.Errorf("with %s the model is (not) among what to know first", m.Standing)
			}
		}
	}
}
