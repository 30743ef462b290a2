// SPDX-License-Identifier: Apache-2.0

package repo

import (
	"errors"
	"fmt"
	"time"
)

// Expiry says how long metadata lives and how early it is renewed. The defaults suit a
// fleet; a rehearsal on accelerated time may use shorter lives.
type Expiry struct {
	Timestamp      time.Duration // life of timestamp.json; 24 h
	TimestampEvery time.Duration // renewed after; 4 h
	Snapshot       time.Duration // 7 days
	SnapshotEvery  time.Duration // 24 h
	Offers         time.Duration // the offers roles; 7 days
	OffersEvery    time.Duration // 24 h
	Model          time.Duration // life of a model role when it is staged for signing; 180 days
}

const day = 24 * time.Hour

// DefaultExpiry is what a fleet gets.
func DefaultExpiry() Expiry {
	return Expiry{
		Timestamp: day, TimestampEvery: 4 * time.Hour,
		Snapshot: 7 * day, SnapshotEvery: day,
		Offers: 7 * day, OffersEvery: day,
		Model: 180 * day,
	}
}

// Validate returns every fault: all lives are whole seconds, and renewal comes at the latest
// after half of a life.
func (e Expiry) Validate() error {
	var faults []error
	pair := func(name string, life, every time.Duration) {
		if life < 10*time.Second || life%time.Second != 0 {
			faults = append(faults, fmt.Errorf("expiry of %s is %s; wanted whole seconds, 10 s or more", name, life))
		}
		if every <= 0 || every > life/2 {
			faults = append(faults, fmt.Errorf("%s lives %s and is renewed every %s; renew it at the latest after half "+
				"of its life", name, life, every))
		}
	}
	pair("timestamp", e.Timestamp, e.TimestampEvery)
	pair("snapshot", e.Snapshot, e.SnapshotEvery)
	pair("offers", e.Offers, e.OffersEvery)
	pair("model roles", e.Model, e.Model/2)
	return errors.Join(faults...)
}
