// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"math"
	"testing"
)

// TestNeeded: known installations, and what is asked for at 1, 10, 50 and 100 %.
func TestNeeded(t *testing.T) {
	shares := [4]int{100, 1_000, 5_000, 10_000}
	for known, want := range map[int64][4]int64{
		0: {}, 1: {}, 8: {0, 0, 1, 4}, 85: {0, 2, 17, 42}, 600: {1, 24, 140, 300}, 8_000_000: {400, 400, 400, 400},
	} {
		for i, share := range shares {
			if got := Needed(known, share); got != want[i] {
				t.Errorf("of %d at %d: %d, wanted %d", known, share, got, want[i])
			}
		}
	}
}

// TestQuantileIsOne: of every small binomial, against the sum of its terms.
func TestQuantileIsOne(t *testing.T) {
	for n := int64(1); n <= 60; n++ {
		for _, q := range []float64{0.001, 0.01, 0.1, 0.3, 0.5, 0.9, 0.999} {
			below := func(k int64) (sum float64) {
				for i := range k + 1 {
					choose, _ := math.Lgamma(float64(n + 1))
					a, _ := math.Lgamma(float64(i + 1))
					b, _ := math.Lgamma(float64(n - i + 1))
					sum += math.Exp(choose-a-b) * math.Pow(q, float64(i)) * math.Pow(1-q, float64(n-i))
				}
				return sum
			}
			if k := quantile(n, q, 0.05, 800); below(k) < 0.05-slack || k > 0 && below(k-1) >= 0.05+slack {
				t.Errorf("n %d, q %g: %d", n, q, k)
			}
		}
	}
}

// TestAllGoodNeeds: with nothing bad, a bar of 90, 95 and 98 % takes 60, 127 and 326.
func TestAllGoodNeeds(t *testing.T) {
	for bar, want := range map[float64]int64{0.90: 60, 0.95: 127, 0.98: 326} {
		if allGood(want)+slack < bar || allGood(want-1) >= bar {
			t.Errorf("%g: %d give %g", bar, want, allGood(want))
		}
	}
}

func TestWilson(t *testing.T) {
	for _, tt := range []struct {
		part, whole  int64
		lower, upper float64
	}{
		{0, 0, 0, 1}, {0, 10, 0, 0.39891}, {10, 10, 0.60109, 1}, {1, 1, 0.13096, 1}, {5, 100, 0.01685, 0.13916},
		{50, 100, 0.37528, 0.62472}, {12, 10, 0.60109, 1}, {-1, 10, 0, 0.39891},
	} {
		lower, upper := wilson(tt.part, tt.whole)
		if math.Abs(lower-tt.lower) > 2e-4 || math.Abs(upper-tt.upper) > 2e-4 {
			t.Errorf("%d of %d: %.5f to %.5f, wanted %.5f to %.5f", tt.part, tt.whole, lower, upper, tt.lower, tt.upper)
		}
	}
	for n := int64(1); n < 500; n++ {
		if lower, _ := wilson(n, n); math.Abs(lower-allGood(n)) > slack {
			t.Errorf("%d of %d: %g, wanted %g", n, n, lower, allGood(n))
		}
	}
}

// TestRuledOut: the upper bound is rounded up.
func TestRuledOut(t *testing.T) {
	for none, want := range map[int64]int{10: 3000, 20: 1500, 21: 1429, 22: 1364, 29_999: 2, 30_000: 1} {
		if got := ruledOut(none); got != want {
			t.Errorf("none of %d rules out more than %d hundredths of a percent, wanted %d", none, got, want)
		}
	}
}
