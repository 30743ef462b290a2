// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
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
// the model, nothing. Of a model whose witnesses were all overruled it takes another one, or a person who widens.
func witnessWaits(now time.Time, w fleet.Witnesses) (waits []string) {
	c := w.At(now)
	switch {
	case c.Vouched == 0:
		return nil
	case c.Bad > 0:
		return []string{fmt.Sprintf("no witness handset shows the opposite of what is promised, now %d of %d do", c.Bad, c.Vouched)}
	case c.Suspended == c.Vouched:
		return []string{fmt.Sprintf("a witness handset has shown the effect that was not overruled; all %d were, so vouch for "+
			"another, or widen by hand", c.Vouched)}
	case c.Good == 0:
		return []string{fmt.Sprintf("a witness handset has shown the effect within the last %d days, now none of %d has",
			fleet.WitnessFresh/(24*time.Hour), c.Vouched-c.Suspended)}
	}
	return nil
}
