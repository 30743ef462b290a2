// SPDX-License-Identifier: Apache-2.0

package support

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"landed/manifests/effect"
	"landed/server/fleet"
)

// changed are changes of every kind on so many models, on each of so many days.
func changed(models, days int) (past []fleet.PublicCell) {
	chance := rand.New(rand.NewPCG(3, 4))
	for d := range days {
		for m := range models {
			for _, k := range effect.Kinds {
				c := fleet.PublicCell{Model: fmt.Sprintf("model-%03d", m), Kind: k, At: now.AddDate(0, 0, d-days)}
				if c.Shown = chance.IntN(4) > 0; c.Shown {
					c.Number = 10 * (2 + chance.Int64N(50))
				}
				past = append(past, c)
			}
		}
	}
	return past
}

// TestShownPoints: a point is the sum of what stood then, and it is made once for each moment, not for each change.
func TestShownPoints(t *testing.T) {
	past := changed(200, 100)
	points := shownPoints(past)
	if len(points) != 100 {
		t.Fatalf("%d points of 100 days", len(points))
	}
	each := len(past) / 100
	for n, p := range points {
		want := map[fleet.Kind]int64{}
		for _, c := range past[n*each : (n+1)*each] { // every cell changed
			if c.Shown {
				want[c.Kind] += c.Number
			}
		}
		if !p.At.Equal(past[n*each].At) || !maps.Equal(p.Kinds, want) {
			t.Errorf("%s: %v; wanted %v", p.At, p.Kinds, want)
		}
	}
	if most := float64(len(past) / 10); testing.AllocsPerRun(1, func() { shownPoints(past) }) > most {
		t.Errorf("to add up %d changes took more than %.0f pieces of memory", len(past), most)
	}
}

// TestShownPointsCarry: what did not change goes on, and what is hidden again is missing.
func TestShownPointsCarry(t *testing.T) {
	at := func(n int) time.Time { return now.AddDate(0, 0, n) }
	cell := func(model string, kind fleet.Kind, number int64, n int) fleet.PublicCell {
		return fleet.PublicCell{Model: model, Kind: kind, Shown: number > 0, Number: number, At: at(n)}
	}
	points := shownPoints([]fleet.PublicCell{cell("a", effect.Good, 40, 0), cell("b", effect.Open, 30, 0), cell("b", effect.Good, 100, 1),
		cell("b", effect.Open, 0, 1), cell("a", effect.Good, 0, 2)})
	want := []map[fleet.Kind]int64{{effect.Good: 40, effect.Open: 30}, {effect.Good: 140}, {effect.Good: 100}}
	for n, p := range points {
		if len(points) != len(want) || !p.At.Equal(at(n)) || !maps.Equal(p.Kinds, want[n]) {
			t.Errorf("%d of %d: %+v; wanted %v", n, len(points), p, want)
		}
	}
}

// TestShownPointsForgotten: where older changes of a cell may be forgotten no sum is told that would lack it.
func TestShownPointsForgotten(t *testing.T) {
	past := []fleet.PublicCell{{Model: "b", Kind: effect.Good, Shown: true, Number: 70, At: now.AddDate(-1, 0, 0)}}
	for n := range fleet.PastMost {
		past = append(past, fleet.PublicCell{Model: "a", Kind: effect.Good, Shown: true, Number: 500, At: now.AddDate(0, 0, n)})
	}
	points := shownPoints(past)
	if len(points) != fleet.PastMost || !points[0].At.Equal(now) || points[0].Kinds[effect.Good] != 570 {
		t.Errorf("%d points, first %+v", len(points), points[0])
	}
}

func BenchmarkShownPoints(b *testing.B) {
	past := changed(200, 100)
	for b.Loop() {
		shownPoints(past)
	}
}
