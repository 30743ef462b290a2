// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"testing"
	"time"

	"landed/handset/handsettest"
	"landed/manifests/tufrepo"
)

const year = 365 * 24 * time.Hour

// waiting is a rig that has polled a good feed without an offer, and is due again.
func waiting(t *testing.T) *rig {
	r := newRig(t)
	r.server.Offers["armani"] = nil
	r.server.Publish()
	if refusal := r.step(); refusal != nil {
		t.Fatal(refusal)
	}
	r.pass(14 * time.Hour)
	return r
}

// rotate gives the server other online keys, as after a theft.
func (r *rig) rotate() {
	r.server.TimestampKey, r.server.SnapshotKey = handsettest.KeyOf("t2"), handsettest.KeyOf("s2")
	r.server.OffersKey = handsettest.KeyOf("o2")
	r.server.RotateRoot()
}

// A timestamp that a thief signed for 80 years is refused by a clock that is believed, and leaves no mark on one
// that is not. The handset updates as soon as the keys were exchanged.
func TestStolenTimestampKeyLeavesNoMark(t *testing.T) {
	for name, prepare := range map[string]struct {
		skew  time.Duration
		fresh bool // the thief's is the first timestamp that it sees
		takes bool
	}{
		"believed clock":     {0, false, false},
		"first poll":         {0, true, true},
		"clock in 1970":      {time.Unix(0, 0).Sub(testStart), false, true},
		"clock a year ahead": {year, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := waiting(t)
			if prepare.fresh {
				if err := Reset(r.dir + "/client"); err != nil {
					t.Fatal(err)
				}
				r.open()
			}
			r.skew = prepare.skew
			r.server.TimestampLife = 80 * year
			r.server.Renew()
			r.client.Hurry()
			refusal := r.step()
			if prepare.skew <= 0 && (refusal == nil) != prepare.takes || refusal != nil && refusal.Class != ClassFreeze {
				t.Errorf("the thief's timestamp: %v", refusal)
			}
			r.skew = 0
			if got := r.client.Time().Sub(r.now); got > slack {
				t.Errorf("the handset believes to be %s ahead", got)
			}
			r.server.TimestampLife = 24 * time.Hour
			r.server.Versions["timestamp"] = 100
			r.rotate()
			r.offered()
			r.open()
			r.client.Hurry()
			if refusal := r.step(); !r.patched() {
				t.Errorf("after the keys were exchanged: %v", refusal)
			}
		})
	}
}

// Roles besides the timestamp that last too long are refused too.
func TestSnapshotThatLastsTooLong(t *testing.T) {
	r := waiting(t)
	files := map[string]tufrepo.RoleFile{}
	for _, role := range []string{"targets", "armani", "armani-offers"} {
		var err error
		if files[role], err = tufrepo.FileOf(r.server.File(tufrepo.MetadataFile(role, r.server.Versions[role]))); err != nil {
			t.Fatal(err)
		}
	}
	r.server.Versions["snapshot"]++
	doc, err := tufrepo.NewSnapshot(r.server.Versions["snapshot"], r.now.Add(80*year), files)
	if err != nil {
		t.Fatal(err)
	}
	if doc, err = tufrepo.Sign(doc, r.server.SnapshotKey); err != nil {
		t.Fatal(err)
	}
	r.server.Put(tufrepo.MetadataFile("snapshot", r.server.Versions["snapshot"]), doc)
	r.server.Renew()
	if refusal := r.step(); refusal == nil || refusal.Class != ClassFreeze {
		t.Errorf("got %v", refusal)
	}
}

// A server whose clock was a year ahead for an hour is refused for that hour.
func TestServerClockAYearAhead(t *testing.T) {
	r := waiting(t)
	r.server.Now = func() time.Time { return r.now.AddDate(1, 0, 0) }
	r.offered()
	if refusal := r.step(); refusal == nil || refusal.Class != ClassFreeze {
		t.Errorf("got %v", refusal)
	}
	r.server.Now = func() time.Time { return r.now }
	r.offered()
	r.client.Hurry()
	if refusal := r.step(); !r.patched() {
		t.Errorf("after the clock was right again: %v", refusal)
	}
}

// A clock that stopped while the handset lay in a drawer locks it out for a month at most.
func TestStoppedClock(t *testing.T) {
	r := waiting(t)
	r.skew = -60 * 24 * time.Hour
	r.pass(60 * 24 * time.Hour)
	r.offered()
	r.elapsed = -r.now.Sub(testStart) // a restart: steady time begins anew
	r.open()
	r.client.Hurry()
	if refusal := r.step(); refusal == nil || refusal.Class != ClassFreeze {
		t.Fatalf("got %v", refusal)
	}
	for range 32 {
		r.pass(24 * time.Hour)
		r.step()
	}
	if !r.patched() {
		t.Error("still locked out")
	}
}

// What a good timestamp has proven holds against a clock that falls back to 1970.
func TestProvenTimeHolds(t *testing.T) {
	r := waiting(t)
	before := r.server.Files()
	r.pass(30 * 24 * time.Hour)
	if refusal := r.step(); refusal != nil {
		t.Fatal(refusal)
	}
	r.skew = time.Unix(0, 0).Sub(r.now)
	r.open()
	if got := r.client.Time(); got.Before(testStart.Add(20 * 24 * time.Hour)) {
		t.Errorf("the handset believes that it is %s", got)
	}
	r.server.Restore(before)
	r.client.Hurry()
	if refusal := r.step(); refusal == nil {
		t.Error("a feed of a month ago was taken")
	}
}
