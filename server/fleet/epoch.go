// SPDX-License-Identifier: Apache-2.0

package fleet

import "time"

// Epoch is the evidence epoch of a model on a channel: by a larger one its offers ask handsets to say once more what they
// said last, as after a loss of reports. It never falls, for handsets pass over a smaller one.
type Epoch struct {
	Model, Channel string
	N              int       // 1…offers.MaxEpoch
	At             time.Time // when it was asked; zero if only a feed tells of it
	By, Reason     string
}

// AskedEvery is how often a model and channel is asked, at most, unless a person wants it again: a handset answers once
// a day.
const AskedEvery = 24 * time.Hour

// Fresh says if it was asked for less than AskedEvery ago. A time that is still to come was told by a clock that was wrong.
func (e Epoch) Fresh(now time.Time) bool {
	ago := now.Sub(e.At)
	return !e.At.IsZero() && ago >= 0 && ago < AskedEvery
}
