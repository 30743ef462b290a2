// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"time"

	"landed/server/fleet"
	"landed/server/reasons"
)

// witnessHalt says that a witness found the opposite of what is promised, or nothing. It is one handset that somebody
// answers for, of this model: that stops the model at once, and no forgiveness covers it.
func witnessHalt(now time.Time, w fleet.Witnesses) fleet.Reason {
	if bad := w.At(now).Bad; bad > 0 {
		return reason(reasons.WitnessHalt, "n", bad)
	}
	return fleet.Reason{}
}

// witnessWaits lists what witnesses still have to show before a stage may widen. Where nobody vouches for a handset of
// the model, and nobody did while the rollout ran, nothing: a voucher that runs out opens no gate. Of a model whose
// witnesses were all overruled it takes another one, or a person who widens.
func witnessWaits(now time.Time, w fleet.Witnesses) []fleet.Reason {
	c := w.At(now)
	switch {
	case c.Bad > 0:
		return []fleet.Reason{reason(reasons.WaitsWitnessBad, "n", c.Bad, "vouched", max(c.Vouched, c.Bad))}
	case c.Vouched == 0 && c.Expired > 0:
		return []fleet.Reason{reason(reasons.WaitsWitnessExpired, "n", c.Expired)}
	case c.Vouched == 0:
		return nil
	case c.Suspended == c.Vouched:
		return []fleet.Reason{reason(reasons.WaitsWitnessAll, "n", c.Vouched)}
	case c.Good == 0:
		return []fleet.Reason{reason(reasons.WaitsWitness, "days", int64(fleet.WitnessFresh/(24*time.Hour)), "n", c.Vouched-c.Suspended)}
	}
	return nil
}
