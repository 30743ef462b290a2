// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"landed/manifests/tufrepo"
)

// timestampLife is the longest that a timestamp may be valid: one that expires at E was signed after E minus
// this. Timestamps carry no date of signing (TUF 4.6), so this is what they prove about the time.
var timestampLife = tufrepo.MaxLife(tufrepo.Timestamp)

const (
	slack    = 24 * time.Hour      // by which an honest server's clock and a believed one may differ
	believed = 30 * 24 * time.Hour // how long a clock is believed after a timestamp has fitted it
)

// trustedTime is what the handset knows of the time besides its clock. The time is the latest of three: the clock;
// Floor, which is the build time of a system that ran here; and Online, which timestamps have proven. Both floors
// move on with the steady time. The clock by itself moves neither: one that was a year ahead for a day must not
// leave a mark.
//
// Floor comes from offline signatures alone. Online comes from keys that lie on a server and may be stolen, or
// sign by a wrong clock for an hour, so it is bounded twice: it never lies later than the clock did when it was
// raised, and it is forgotten when a root names other online keys, the way back after a theft.
//
// An expiry further ahead than a role may last is false if the clock is right, and normal if the clock is behind.
// The handset tells the two apart by Fitted, the clock's reading when a timestamp last fitted it:
//
//   - A clock that has not fallen behind the floors, and that was fitted at most 30 days ago, is believed. Metadata
//     of online roles that last longer are refused.
//   - Any other clock is not believed: in 1970, at the factory's default, or stopped while the handset lay in a
//     drawer. Such metadata are accepted, since to refuse them would lock the handset out for ever, and nothing is
//     kept of what they say about the time.
type trustedTime struct {
	Floor  time.Time `json:"floor"`
	Online time.Time `json:"online"`
	Fitted time.Time `json:"fitted"`
	Keys   string    `json:"keys"` // the online keys that Online and Fitted come from

	last time.Duration // steady time of the last reading
}

// read is the clock, or the later floor if that is later.
func (tt *trustedTime) read(clock time.Time, elapsed time.Duration) time.Time {
	if passed := elapsed - tt.last; passed > 0 {
		for _, floor := range []*time.Time{&tt.Floor, &tt.Online} {
			if !floor.IsZero() {
				*floor = floor.Add(passed)
			}
		}
	}
	tt.last = elapsed
	return latest(clock, tt.Floor, tt.Online).UTC()
}

// raise takes notice that a system was built at t.
func (tt *trustedTime) raise(t time.Time) { tt.Floor = latest(tt.Floor, t) }

// behind says if the clock is proven wrong.
func (tt *trustedTime) behind(clock time.Time) bool { return clock.Before(latest(tt.Floor, tt.Online)) }

func (tt *trustedTime) accepts(clock time.Time) bool {
	return !tt.Fitted.IsZero() && !tt.behind(clock) && clock.Sub(tt.Fitted) <= believed
}

// fit takes notice of a verified timestamp by these keys, if it fits the clock.
func (tt *trustedTime) fit(expires, clock time.Time, keys string) {
	if tt.behind(clock) || expires.After(clock.Add(timestampLife+slack)) {
		return
	}
	tt.Online = latest(tt.Online, earliest(expires.Add(-timestampLife), clock))
	tt.Fitted, tt.Keys = clock, keys
}

// forgetOtherKeys forgets what other online keys than those of the root have proven. It says if anything was forgotten.
func (tt *trustedTime) forgetOtherKeys(keys string) bool {
	if tt.Keys == "" || tt.Keys == keys {
		return false
	}
	tt.Online, tt.Fitted, tt.Keys = time.Time{}, time.Time{}, ""
	return true
}

// errLasting is refused as expired metadata are: both would hold the handset at one state of the feed.
var errLasting = errors.New("no such role lasts so long: its key is in wrong hands, " +
	"or the server's clock or this handset's is wrong")

// checkLifetime refuses metadata of an online role that are valid for longer than they may be, by a clock that is
// believed.
func (tt *trustedTime) checkLifetime(role string, expires, clock time.Time) error {
	if limit := clock.Add(tufrepo.MaxLife(role) + slack); tt.accepts(clock) && expires.After(limit) {
		return fmt.Errorf("%s is valid until %s, and at most %s was wanted: %w", role,
			expires.Format(time.DateOnly), limit.Format(time.DateOnly), errLasting)
	}
	return nil
}

// onlineKeys names the keys of the roles that a server signs by itself.
func onlineKeys(root *metadata.Metadata[metadata.RootType]) string {
	var names []string
	for _, role := range []string{metadata.TIMESTAMP, metadata.SNAPSHOT} {
		ids := slices.Clone(root.Signed.Roles[role].KeyIDs)
		slices.Sort(ids)
		names = append(names, role+" "+strings.Join(ids, " "))
	}
	return strings.Join(names, "; ")
}

func latest(times ...time.Time) time.Time { return slices.MaxFunc(times, time.Time.Compare) }

func earliest(times ...time.Time) time.Time { return slices.MinFunc(times, time.Time.Compare) }
