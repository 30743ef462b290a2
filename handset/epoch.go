// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"encoding/binary"
	"strconv"
	"time"

	"landed/manifests/offers"
	"landed/manifests/report"
)

// epochs is what the state file holds of being asked again. By an evidence epoch those who sign the offers ask every
// handset to say once more what it said last, as after the loss of reports.
type epochs struct {
	Epoch     int       `json:"epoch,omitempty"`     // the largest that verified offers have had
	EpochDue  time.Time `json:"epoch_due,omitzero"`  // when the answer is due, by the handset's clock; zero if none is owed
	EpochSaid time.Time `json:"epoch_said,omitzero"` // when the last one was made
}

// epochDay is over how long the answers of a fleet are spread, and the least time between two of one handset: whatever
// stolen keys publish, they get one report a day.
const epochDay = 24 * time.Hour

// epoch takes notice of the epoch of verified offers. The answer that is owed already will do for a later one, too; who
// has said nothing has nothing to repeat.
func (r *reporter) epoch(n int) {
	if n <= r.epochs.Epoch {
		return
	}
	r.epochs.Epoch = n
	if r.mem.Release == "" || !r.epochs.EpochDue.IsZero() {
		return
	}
	r.epochs.EpochDue = latest(r.clock.now().Add(r.spread(n)), r.epochs.EpochSaid.Add(epochDay))
}

// spread is how long after it was seen an epoch is answered, 0 to a day. It comes from the installation's secret, so that
// answers do not come together, and is another each time; the blank keeps it apart from what is drawn with for releases.
func (r *reporter) spread(epoch int) time.Duration {
	s := offers.DrawSecret(r.secret, "epoch "+strconv.Itoa(epoch))
	return time.Duration(binary.BigEndian.Uint64(s)%uint64(epochDay/time.Second)) * time.Second
}

// answerEpoch makes the report that is owed, of the kind that would be made now, and says if there was one.
func (r *reporter) answerEpoch() bool {
	if r.epochs.EpochDue.IsZero() || !r.clock.reached(r.epochs.EpochDue) {
		return false
	}
	r.epochs.EpochDue, r.epochs.EpochSaid = time.Time{}, r.clock.now()
	kind := report.KindBaseline
	if r.observing() {
		kind = report.KindEffect
	}
	r.make(kind)
	if r.ahead.Release != "" {
		r.sayAhead()
	}
	return true
}
