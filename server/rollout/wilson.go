// SPDX-License-Identifier: Apache-2.0

package rollout

import "math"

// z is that of a Wilson score interval of 99 % (two sides). Gates are looked at once a day, for weeks: with 1.96 one in thirty
// releases that miss their bar slightly would pass one of the looks, with this one in five hundred.
const z = 2.576

// readersZ is that of the interval that pages print: of 95 %, as readers expect of one that nobody looks at for weeks until it fits.
const readersZ = 1.96

// Confidence is how many of a hundred such intervals have the true share in them.
const Confidence = 95

// Interval is the Wilson score interval of Confidence for a share of which part of whole were seen, 0…1; all of it if whole is 0.
func Interval(part, whole int64) (lower, upper float64) { return wilsonAt(readersZ, part, whole) }

// Hundredths is Interval in hundredths of a percent, the lower end rounded down and the upper end up.
func Hundredths(part, whole int64) (low, high int) {
	lower, upper := Interval(part, whole)
	const slack = 1e-6 // of floating point: all of all ends at 100 %, none begins at 0
	return int(math.Floor(lower*10_000 + slack)), int(math.Ceil(upper*10_000 - slack))
}

// wilson is the interval in which the true share lies of which part of whole were seen, 0…1. Of nothing, nothing is
// known. (E. B. Wilson, 1927.)
func wilson(part, whole int64) (lower, upper float64) { return wilsonAt(z, part, whole) }

func wilsonAt(z float64, part, whole int64) (lower, upper float64) {
	if whole <= 0 {
		return 0, 1
	}
	n, p := float64(whole), float64(min(max(part, 0), whole))/float64(whole)
	middle := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return max(0, middle-half), min(1, middle+half)
}

// allGood is the lower bound if all of whole are good: no sample of that size can show more. 1 - allGood is the upper
// bound if none is bad.
func allGood(whole int64) float64 { return float64(whole) / (float64(whole) + z*z) }

// slack is what the arithmetic may be off by.
const slack = 1e-9

// maxNeeded is the most that a gate asks for: by then an interval is a few points wide.
const maxNeeded = 400

// Needed is how many installations a gate asks for, of known ones of which a share (hundredths of a percent) is offered
// the build: half of what the stage has with 95 % probability at least, at most 400. So a fleet of 8 and one of 8
// million both move.
func Needed(known int64, share int) int64 {
	return min(maxNeeded, quantile(known, float64(share)/10_000, 0.05, 2*maxNeeded)/2)
}

// quantile is the quantile p of Binomial(n, q): the smallest k with P(X ≤ k) ≥ p. It is looked for up to most.
func quantile(n int64, q, p float64, most int64) int64 {
	switch {
	case n <= 0 || q <= 0:
		return 0
	case q >= 1:
		return min(n, most)
	}
	term := float64(n) * math.Log1p(-q) // the logarithm of P(X = k)
	odds := math.Log(q) - math.Log1p(-q)
	sum := 0.0
	for k := int64(0); k < min(n, most); k++ {
		if sum += math.Exp(term); sum >= p {
			return k
		}
		term += odds + math.Log(float64(n-k)/float64(k+1))
	}
	return min(n, most)
}
