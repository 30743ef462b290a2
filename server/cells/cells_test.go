// SPDX-License-Identifier: Apache-2.0

package cells_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"landed/server/cells"
	"landed/server/fleet"
)

var start = time.Date(2014, 8, 1, 12, 0, 0, 0, time.UTC)

func day(n int) time.Time { return start.AddDate(0, 0, n) }

func always(n int64) func(int64) int64 { return func(int64) int64 { return n } }

func TestNext(t *testing.T) {
	type ask struct {
		day    int
		exact  int64
		number int64
		shown  bool
	}
	for name, tt := range map[string]struct {
		threshold, draw int64
		asks            []ask
	}{
		"exact":                        {0, 0, []ask{{0, 3, 3, true}, {0, 4, 4, true}}},
		"too few are not shown":        {20, 0, []ask{{0, 19, 0, false}, {1, 19, 0, false}, {2, 20, 20, true}}},
		"chance says from how many on": {20, 19, []ask{{0, 38, 0, false}, {1, 39, 40, true}}},
		"a number stands":              {20, 5, []ask{{0, 104, 100, true}, {1, 128, 100, true}, {2, 129, 130, true}}},
		"also downwards":               {20, 0, []ask{{0, 104, 100, true}, {1, 85, 100, true}, {2, 84, 80, true}}},
		"gone":                         {20, 0, []ask{{0, 30, 30, true}, {1, 11, 30, true}, {2, 10, 0, false}}},
		"once a day":                   {20, 0, []ask{{0, 100, 100, true}, {0, 900, 100, true}, {1, 900, 900, true}}},
		"no day comes twice":           {20, 0, []ask{{5, 100, 100, true}, {3, 900, 100, true}, {6, 900, 900, true}}},
		"to and fro is no change, however often so": {20, 0, []ask{{0, 100, 100, true}, {1, 119, 100, true}, {2, 81, 100, true}}},
	} {
		var c cells.Cell
		for n, a := range tt.asks {
			c = c.Next(a.exact, tt.threshold, day(a.day), always(tt.draw))
			if c.Number != a.number || c.Shown != a.shown {
				t.Errorf("%s, %d: %d, %t; wanted %d, %t", name, n, c.Number, c.Shown, a.number, a.shown)
			}
		}
	}
	exact := cells.Cell{}.Next(7, 0, day(0), always(0))
	if hidden := exact.Next(7, 20, day(1), always(0)); hidden.Shown || hidden.Number != 0 {
		t.Errorf("a number that was exact before is shown on: %+v", hidden)
	}
}

// TestRaised: what was made under a lower threshold is hidden at once, on the same day too; a lower one is taken up with the
// next number.
func TestRaised(t *testing.T) {
	for name, tt := range map[string]struct {
		exact, from, to int64
		shown           bool
	}{
		"too few now":           {45, 20, 50, false},
		"enough, made anew":     {400, 20, 50, true},
		"lower":                 {45, 50, 20, false},
		"lower, and shown":      {400, 50, 20, true},
		"a little, and enough":  {45, 20, 21, true},
		"hidden stays so":       {19, 20, 21, false},
		"exactly so many count": {50, 20, 50, true},
	} {
		c := cells.Cell{}.Next(tt.exact, tt.from, day(0), always(0))
		next := c.Next(tt.exact, tt.to, day(0), always(0))
		if next.Shown != tt.shown || next.Shown && next.Number != (tt.exact+5)/10*10 {
			t.Errorf("%s: %+v", name, next)
		}
		if tt.to > tt.from && next.Shown && (next.Base < tt.to || next.After < tt.to) {
			t.Errorf("%s: it was not made under the new threshold: %+v", name, next)
		}
	}
}

// TestBounds: how far a number may be off, and how large one that is hidden.
func TestBounds(t *testing.T) {
	chance := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		var c cells.Cell
		exact := int64(0)
		for n := range 500 {
			exact = max(0, exact+chance.Int64N(31)-15)
			c = c.Next(exact, 20, day(n), chance.Int64N)
			if c.Shown && (exact-c.Number >= cells.Off(20) || c.Number-exact >= cells.Off(20)) || !c.Shown && exact >= cells.Hidden(20, !c.At.IsZero()) {
				t.Fatalf("day %d: %d is shown as %d, %t", n, exact, c.Number, c.Shown)
			}
		}
	}
}

func TestTotal(t *testing.T) {
	all := []fleet.PublicCell{{Shown: true, Number: 30}, {}, {Shown: true, Number: 100}}
	if sum, whole := cells.Total(all...); sum != 130 || whole {
		t.Errorf("%d, %t", sum, whole)
	}
	if sum, whole := cells.Total(all[:1]...); sum != 30 || !whole {
		t.Errorf("%d, %t", sum, whole)
	}
}

// seen is what an attacker sees of an attack: after how many of his own invented installations the number changed, and to
// what.
type seen struct {
	own    int
	number int64
}

// attack is that of whoever knows the exact number of today, adds an installation a day, and wants to know whether one
// certain other installation moved meanwhile: moved is 1 if it did.
func attack(base int64, moved int64, publish func(exact int64, day int) int64) seen {
	first := publish(base, 0)
	for n := 1; n < 1000; n++ {
		if now := publish(base+moved+int64(n), n); now != first {
			return seen{n, now}
		}
	}
	return seen{}
}

// advantage is by how much whoever judges best by what he sees is right more often than by tossing a coin: 1 is always.
func advantage(trials int, publisher func() func(exact int64, day int) int64, bases func() int64) float64 {
	counts := map[int64]map[[2]any]int{0: {}, 1: {}}
	for range trials {
		base := bases()
		for moved := range int64(2) {
			counts[moved][[2]any{base, attack(base, moved, publisher())}]++
		}
	}
	all := map[[2]any]bool{}
	for _, of := range counts {
		for k := range of {
			all[k] = true
		}
	}
	distance := 0.0
	for k := range all {
		distance += math.Abs(float64(counts[0][k])-float64(counts[1][k])) / float64(trials) / 2
	}
	return distance
}

// TestAttack: with a fixed threshold and rounding alone, whoever adds installations one by one sees each single move. Under
// the rule he is right little more often than by chance, although he knows the exact number of the day before.
func TestAttack(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	bases := func() int64 { return 100 + chance.Int64N(10) }
	naive := advantage(20_000, func() func(int64, int) int64 {
		return func(exact int64, _ int) int64 { return (exact + 5) / 10 * 10 }
	}, bases)
	rule := advantage(200_000, func() func(int64, int) int64 {
		var c cells.Cell
		return func(exact int64, n int) int64 {
			c = c.Next(exact, 20, day(n), chance.Int64N)
			return c.Number
		}
	}, bases)
	t.Logf("advantage by rounding alone %.2f, under the rule %.2f", naive, rule)
	if naive < 0.9 {
		t.Errorf("rounding alone gives an advantage of %.2f: the simulation attacks nothing", naive)
	}
	if rule > 0.2 {
		t.Errorf("the rule gives an advantage of %.2f", rule)
	}
}

// TestWatcher: of a fleet in which one installation moves a day, the number changes after 20 to 39 of them.
func TestWatcher(t *testing.T) {
	chance := rand.New(rand.NewPCG(3, 4))
	var c cells.Cell
	last, seen := 0, map[int]bool{}
	for n := range 20_000 {
		was := c.Number
		if c = c.Next(int64(500+n), 20, day(n), chance.Int64N); c.Number != was && n > 0 {
			if last > 0 {
				seen[n-last] = true
			}
			last = n
		}
		if c.Number%cells.Step != 0 {
			t.Fatalf("day %d: %d is shown", n, c.Number)
		}
	}
	for n := range seen {
		if n < 20 || n > 39 {
			t.Errorf("a number stood for %d days", n)
		}
	}
	if len(seen) != 20 {
		t.Errorf("numbers stood for %d different times, wanted each from 20 to 39", len(seen))
	}
}
