// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"landed/handset/handsettest"
	"landed/manifests/offers"
)

// behind is a handset that has polled twice, and what the feed said at the first time. Nothing is offered.
func behind(t *testing.T, restart bool, lives ...time.Duration) (r *rig, older map[string][]byte) {
	t.Helper()
	r = newRig(t)
	r.server.Offers["armani"] = nil
	for i, life := range append(lives, 24*time.Hour, 24*time.Hour)[:2] {
		if i == 1 {
			older = r.server.Files()
		}
		r.server.TimestampLife = life
		r.server.Publish()
		if i == 0 {
			older = r.server.Files()
		}
		r.client.Hurry()
		if refusal := r.step(); refusal != nil {
			t.Fatal(refusal)
		}
		r.now = r.now.Add(time.Hour)
	}
	if restart {
		r.open()
	}
	return r, older
}

// trusted is the newest timestamp that this handset believes, as it lies on the disk.
func (r *rig) trusted() []byte { return readFile(r.t, r.dir+"/client/metadata/"+timestampFile) }

// TestOlderTimestampIsUnchanged: one of several servers that is a little behind, or a cache, is no reason for a failure, a
// back-off or a report. Nothing goes back, and what comes next is taken.
func TestOlderTimestampIsUnchanged(t *testing.T) {
	for _, restart := range []bool{false, true} {
		t.Run(fmt.Sprintf("restarted %v", restart), func(t *testing.T) {
			r, older := behind(t, restart)
			newer, before, reports := r.server.Files(), r.trusted(), len(r.server.Reports())
			for i := range 3 {
				r.server.Restore(older)
				r.client.Hurry()
				if refusal := r.step(); refusal != nil {
					t.Fatalf("poll %d: %v", i, refusal)
				}
				m := r.client.store.mem
				if m.State != Idle || m.Tries != 0 || m.Wake.Before(r.now.Add(10*time.Hour)) {
					t.Errorf("poll %d: %s, %d failures, the next in %s", i, m.State, m.Tries, m.Wake.Sub(r.now))
				}
				if !bytes.Equal(r.trusted(), before) {
					t.Fatalf("poll %d: another timestamp is trusted", i)
				}
				r.now = r.now.Add(time.Hour)
				if restart {
					r.open()
				}
			}
			if got := len(r.server.Reports()); got != reports {
				t.Errorf("%d reports of it", got-reports)
			}
			r.server.Restore(newer)
			r.offered()
			r.client.Hurry()
			if refusal := r.step(); refusal != nil || !r.patched() {
				t.Errorf("the feed went on: %v, patched %v", refusal, r.patched())
			}
		})
	}
}

// It is so in the midst of an update, and what is halted stays halted.
func TestOlderTimestampInAnUpdate(t *testing.T) {
	r, older := behind(t, false)
	r.offered()
	r.bend(".zip", func(w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) })
	r.client.Hurry()
	r.step()
	if r.client.store.mem.Offer == nil {
		t.Fatal("nothing was begun")
	}
	r.server.Bend = nil
	r.server.Restore(older)
	r.now = r.now.Add(time.Hour)
	r.client.Hurry()
	if refusal := r.step(); refusal != nil || !r.patched() {
		t.Errorf("it goes on with what it has begun: %v, patched %v", refusal, r.patched())
	}

	r = newRig(t)
	r.offer.Share = 0
	r.offered()
	r.step()
	r.offer.Share = offers.WholeFleet
	r.offered()
	offering := r.server.Files()
	r.now = r.now.Add(time.Hour)
	r.offer.State = offers.StateHalted
	r.offered()
	r.client.Hurry()
	r.step()
	r.server.Restore(offering)
	r.now = r.now.Add(time.Hour)
	r.client.Hurry()
	if refusal := r.step(); refusal != nil || r.patched() {
		t.Errorf("a halt that it knows of: %v, patched %v", refusal, r.patched())
	}
}

// TestOlderTimestampForEver: whoever serves an older timestamp gains nothing over whoever serves the trusted one again and
// again: when that has expired, it is an error, whatever the older one says of itself.
func TestOlderTimestampForEver(t *testing.T) {
	const week = 7 * 24 * time.Hour
	for name, c := range map[string]struct {
		lives   []time.Duration // of the older timestamp and of the trusted one
		quiet   time.Duration   // for so long nothing is wrong
		becomes Class
	}{
		"both end after a day":          {[]time.Duration{24 * time.Hour, 24 * time.Hour}, 22 * time.Hour, ClassRollback},
		"the older one outlives it":     {[]time.Duration{week, 24 * time.Hour}, 23 * time.Hour, ClassRollback},
		"the older one has had its day": {[]time.Duration{24 * time.Hour, week}, 22 * time.Hour, ClassRollback},
	} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, restarted %v", name, restart), func(t *testing.T) {
				r, older := behind(t, restart, c.lives...)
				r.server.Restore(older)
				before, began := r.trusted(), r.now.Add(-time.Hour) // when it polled last
				for r.now.Sub(began) < 3*week {
					r.client.Hurry()
					refusal := r.step()
					if r.now.Sub(began) < c.quiet && refusal != nil {
						t.Fatalf("after %s: %v", r.now.Sub(began), refusal)
					}
					if r.now.Sub(began) > c.quiet+2*time.Hour && (refusal == nil || refusal.Class != c.becomes || r.client.State() != Failed) {
						t.Fatalf("after %s: %v, wanted %s", r.now.Sub(began), refusal, c.becomes)
					}
					if !bytes.Equal(r.trusted(), before) {
						t.Fatal("another timestamp is trusted")
					}
					if r.now = r.now.Add(3 * time.Hour); r.now.Sub(began) > 30*time.Hour {
						r.now = r.now.Add(3 * 24 * time.Hour)
					}
				}
			})
		}
	}
}

// What only looks like an older timestamp is refused as ever.
func TestOlderTimestampThatIsNone(t *testing.T) {
	for name, c := range map[string]struct {
		do    func(r *rig, older map[string][]byte)
		class Class
	}{
		"signed by a stranger": {func(r *rig, _ map[string][]byte) {
			r.server.TimestampKey, r.server.Versions["timestamp"] = handsettest.KeyOf("stranger"), 1
			r.server.Renew()
		}, ClassSignature},
		"signed by keys of before": {func(r *rig, older map[string][]byte) {
			r.server.TimestampKey = handsettest.KeyOf("another")
			r.server.RotateRoot()
			r.server.Publish()
			r.client.Hurry()
			if refusal := r.step(); refusal != nil {
				r.t.Fatal(refusal)
			}
			r.server.Put(timestampFile, older[timestampFile])
		}, ClassSignature},
		"one bit of it": {func(r *rig, older map[string][]byte) {
			r.server.Put(timestampFile, bytes.Replace(older[timestampFile], []byte(`"version":`), []byte(`"version": 0`), 1))
		}, ClassSignature},
		"a newer one, of an older snapshot": {func(r *rig, _ map[string][]byte) {
			r.server.Versions["snapshot"]--
			r.server.Renew()
		}, ClassRollback},
		"a newer one, of an older role": {func(r *rig, _ map[string][]byte) {
			r.server.Versions["armani-offers"] = 0
			r.server.Publish()
		}, ClassRollback},
		"valid for years": {func(r *rig, _ map[string][]byte) {
			r.server.Versions["timestamp"], r.server.TimestampLife = 1, 2*year
			r.server.Renew()
		}, ClassFreeze},
	} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, restarted %v", name, restart), func(t *testing.T) {
				r, older := behind(t, restart)
				c.do(r, older)
				before := r.trusted()
				r.client.Hurry()
				if refusal := r.step(); refusal == nil || refusal.Class != c.class {
					t.Errorf("got %v, wanted %s", refusal, c.class)
				}
				if strings.Contains(string(r.trusted()), `"version":1,`) || c.class == ClassSignature && !bytes.Equal(before, r.trusted()) {
					t.Error("another timestamp is trusted")
				}
			})
		}
	}
}
