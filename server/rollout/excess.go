// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"math"

	"landed/manifests/offers"
	"landed/server/fleet"
)

// Excess says if more installations report to run the build than the share explains: more than chance gives in one of a
// million cases, of those that have met the release. The reason is handsets that have it from elsewhere, or reports that somebody
// invents. It is for an alarm alone: were it a hold, whoever makes keys could stop every rollout.
func Excess(r fleet.Rollout, c fleet.Counts) (running, most int64, over bool) {
	share := r.Share()
	running = c.Running()
	if share >= offers.WholeFleet {
		return running, c.Installations, false
	}
	most = upper(c.Installations, float64(share)/offers.WholeFleet)
	return running, most, running > most
}

const (
	rare  = 1e-6  // how often chance may pass the upper quantile
	rareZ = 4.753 // of the normal distribution
	// exactly is up to which expected number the distribution is summed up.
	exactly = 10_000
)

// upper is the quantile 1 - rare of Binomial(n, q): the smallest k with P(X ≤ k) ≥ 1 - rare. Large ones are of the normal
// distribution, with its first correction (Cornish and Fisher, 1937).
func upper(n int64, q float64) int64 {
	mean := float64(n) * q
	switch {
	case n <= 0 || q <= 0:
		return 0
	case q >= 1:
		return n
	case mean > exactly:
		k := mean + rareZ*math.Sqrt(mean*(1-q)) + (1-2*q)*(rareZ*rareZ-1)/6
		return min(n, int64(math.Ceil(k)))
	}
	return quantile(n, q, 1-rare, n)
}
