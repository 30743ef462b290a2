// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestUpper: the quantile against the sum of the distribution, where that can be written down, and on both sides of where it
// is approximated.
func TestUpper(t *testing.T) {
	for _, tt := range []struct {
		n    int64
		q    float64
		want int64
	}{
		{0, 0.5, 0}, {100, 0, 0}, {100, 1, 100}, {1, 0.01, 1}, {20, 0.5, 19}, {19, 0.5, 19}, // 2^-20 is below one in a million, 2^-19 is not
		{600, 0.01, 21}, {2_000, 0.1, 267}, // by exact fractions
	} {
		if got := upper(tt.n, tt.q); got != tt.want {
			t.Errorf("of %d at %v: %d, wanted %d", tt.n, tt.q, got, tt.want)
		}
	}
	for _, q := range []float64{0.01, 0.1, 0.5} {
		n := int64(exactly / q)
		exact, near := upper(n, q), upper(n+int64(2/q), q) // two more are expected, and the other way is taken
		if d := near - exact; d < 0 || d > 6 {
			t.Errorf("at %v: %d, and then %d", q, exact, near)
		}
	}
}

// TestExcess: an honest fleet is below at each share, and those who report without having drawn are above.
func TestExcess(t *testing.T) {
	r := running()
	random := rand.New(rand.NewPCG(4, 7))
	for stage := range r.Stages {
		r.Stage = stage
		for range 200 {
			n := 20 + random.Int64N(5_000)
			drawn := int64(0)
			for range n {
				if random.IntN(10_000) < r.Share() {
					drawn++
				}
			}
			if of, most, over := Excess(r, counts(t, fmt.Sprintf("other.met=%d other.running=%d", n, drawn))); over {
				t.Errorf("stage %d of %d handsets: %d run it, at most %d should", stage+1, n, of, most)
			}
		}
	}
	r.Stage = 0
	for text, want := range map[string]bool{
		"met=600 running=21": false, "met=600 running=22": true, "met=600 running=5 other.running=17": true, "other.met=600 other.running=22": true,
	} {
		before := r
		of, most, over := Excess(r, counts(t, text))
		if over != want {
			t.Errorf("%s: %d of at most %d, over %v", text, of, most, over)
		}
		// It stops nothing.
		if next, events := Advance(r.Since, r, Grounds{Counts: counts(t, text)}); next.State != before.State || len(events) > 0 {
			t.Errorf("%s: %s, %v", text, next.State, events)
		}
	}
	r.Stage = len(r.Stages) - 1
	if _, _, over := Excess(r, counts(t, "met=600 running=600")); over || r.Share() != 10_000 {
		t.Error("when everybody is offered it, everybody may run it")
	}
}
