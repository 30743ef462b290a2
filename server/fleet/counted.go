// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"landed/manifests/effect"
	"landed/manifests/report"
)

// What makes an installation a candidate for the counted fleet: keys are cheap to make, and time is not.
const (
	KnownFor    = 14 * 24 * time.Hour // since its first report
	HeardOver   = 7 * 24 * time.Hour  // between its first report and its newest, at least
	HeardWithin = 28 * 24 * time.Hour // since its newest report, at most
)

// Admission is an entry: at At, those of the candidates of a model and channel whose Lot is at most Cutoff were admitted to
// its counted fleet. Key is made for it when the candidates are known, so nobody can make a reference that it favours.
// Whoever has the entry and the reports can say of each installation whether it was admitted.
type Admission struct {
	N       int64 // given by the store, in their order
	Model   string
	Channel string
	At      time.Time
	Key     []byte // 16 random bytes
	Cutoff  int64
	// As they were then: the counted fleet, the candidates, and how many of them were drawn.
	Counted, Candidates, Admitted int64
	By                            string // who vouched for them; "landed" for the budget
	Reason                        string
}

// Lot is what an installation draws for an admission: the first eight bytes of HMAC-SHA256 of its reference, without the
// last bit.
func Lot(key []byte, ref report.Reference) int64 {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(ref))
	return int64(binary.BigEndian.Uint64(mac.Sum(nil)[:8]) >> 1)
}

// Candidate says if an installation that stands as i does at a time may be admitted to the counted fleet then.
func (i Installation) Candidate(at time.Time) bool {
	return i.Current && i.Admitted.IsZero() && !i.Quarantined && at.Sub(i.First) >= KnownFor &&
		i.Last.Sub(i.First) >= HeardOver && at.Sub(i.Last) <= HeardWithin
}

// Member says if an installation is of the counted fleet of its model and channel.
func (i Installation) Member() bool { return !i.Admitted.IsZero() && !i.Quarantined }

// Quarantine is an entry: installations first heard of in a time are out of the figures, until it is lifted. Nobody picks
// by it the reports that he likes: see Covers.
type Quarantine struct {
	ID       string // 8 hex digits
	From, To time.Time
	Model    string // "": every model
	At       time.Time
	By       string
	Reason   string
	// As it stood then: how many were covered, and how many of them had leaked, or failed for a reason that speaks
	// against the update.
	Installations, Bad int64
	Lifted             time.Time // zero: it holds
	LiftedBy           string
	LiftedReason       string
}

// Until is the end of the time: when it was made at the latest, whatever was asked for, since nobody can have looked at
// what was yet to come.
func (q Quarantine) Until() time.Time {
	if q.At.Before(q.To) {
		return q.At
	}
	return q.To
}

// Covers says if an installation that stands as i does is out of the figures by q. What took nothing bad away when it was
// made takes nothing bad away later either: one person decided on it, who was not to decide on that.
func (q Quarantine) Covers(i Installation) bool {
	return q.Lifted.IsZero() && (q.Model == "" || q.Model == i.Model) && !i.First.Before(q.From) && i.First.Before(q.Until()) &&
		(q.Bad > 0 || !i.Bad())
}

// Bad says that it leaked or shows the opposite of the effect, or failed for a reason that speaks against the update.
func (i Installation) Bad() bool { return i.Leaked || i.Kind == effect.Bad || i.Cause.Blamed() }

// Muster is how the installations of a model and channel stand with the counted fleet, by their current states.
type Muster struct {
	Model, Channel string
	Installations  int64 // all that are not quarantined
	Counted        int64 // admitted, and heard of within HeardWithin
	Quiet          int64 // admitted, and not heard of for longer
	Candidates     int64 // may be admitted
	Quarantined    int64
}

// Reach says since when a rollout was offered to a share, in hundredths of a percent.
type Reach struct {
	At    time.Time `json:"at"`
	Share int       `json:"share"`
}

// ShareAt is the largest share that a rollout had been offered to at a time. Of rollouts that older programs started it
// is known from their next stage on.
func (r Rollout) ShareAt(at time.Time) (share int) {
	if len(r.Reached) == 0 {
		return r.Share()
	}
	for _, step := range r.Reached {
		if !step.At.After(at) {
			share = max(share, step.Share)
		}
	}
	return share
}

// Reaching is r with its share on record, as of at, if it is larger than before.
func (r Rollout) Reaching(was Rollout, at time.Time) Rollout {
	if len(r.Reached) == 0 && was.Share() > 0 {
		r.Reached = []Reach{{was.Started, was.Share()}}
	}
	if r.ShareAt(at) < r.Share() || len(r.Reached) == 0 {
		r.Reached = append(r.Reached[:len(r.Reached):len(r.Reached)], Reach{at, r.Share()})
	}
	return r
}
