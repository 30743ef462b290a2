// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"bytes"
	"crypto/sha256"
	"time"

	"landed/manifests/report"
)

// Installation is what one set-up of one handset, known by a random reference, has shown of one release. A factory
// reset begins a new one.
//
// There is one for each release that its reports spoke of, and one of them is Current: that of its newest report.
// When a handset moves on to another release, what it had shown stays counted under the old one as it was; it is not
// aged and not judged by later reports. When it comes back, it goes on from there. Reports, First, Away, Back, Admitted, Cloned
// and Seq are of the handset and kept up in the current one. Before begins with what was found until then; reports about the
// release add to it, late ones too, and no others: another release may have another effect.
type Installation struct {
	Ref      report.Reference
	Release  string // the release it is judged against
	Current  bool   // its newest report speaks of Release
	Model    string
	Channel  string
	Seq      int64 // of the newest report about Release
	Newest   report.Report
	Progress report.Progress
	Cause    report.Cause // what a failure is blamed on, with progress failed, and only then
	Verdict  Class        // without silence, which At tells
	Kind     Kind         // of Verdict
	Because  []Reason     // why
	Before   Before       // what its reports said before the update
	Leaked   bool         // it leaked once, on this release; no later report takes that back
	Cloned   bool         // two different reports with one sequence number: a copied image, or a forger
	Reports  int64        // how many of its reports are stored
	First    time.Time
	Last     time.Time // when its newest report about Release came
	// Who counts, see Admission and docs/design/counted.md. Of a rollout, what stands here is as of Last.
	Away, Back  time.Time // of its last silence of more than HeardWithin: when it had lasted so long, and its end; zero: none
	Admitted    time.Time // to the counted fleet of its model and channel; zero: it was not
	Counted     bool      // it counts for Release
	Absent      bool      // it was not heard of within HeardWithin before the salt
	Quarantined bool      // it is out of the figures
	Commit      string    // first half of the commitment that came before the salt, 32 hex digits; "" if none did, or it is opened
	Drawn       int       // what it drew in the rollout of Release, 0…9,999; -1 while that is not known
	OutOfDraw   bool      // its newest report was of a stage that it had not drawn
}

// Before is what an installation was found to do before the update: a finding of the effect, or effect.NotSeen.
type Before string

// StoredReport is one report as it came, and what became of it.
type StoredReport struct {
	ID       string
	Ref      report.Reference
	Seq      int64
	Schema   int    // of its body
	Release  string // that it speaks of
	Envelope []byte // DSSE, as signed
	At       time.Time
	Late     bool  // it came after a newer one: kept as history, moved nothing
	N        int64 // its row, given by the store
	// Sum is the SHA-256 of Envelope if that was dropped, 32 bytes; then there is no Schema and no Release, and of ID only
	// the first 16 digits are left. nil else.
	Sum []byte
}

// Dropped says if the body is gone: a cut has closed it.
func (r StoredReport) Dropped() bool { return r.Sum != nil }

// Is says if r has an id, as far as that is kept.
func (r StoredReport) Is(id string) bool {
	return r.ID == id || r.Dropped() && len(id) >= len(r.ID) && id[:len(r.ID)] == r.ID
}

// Same says if text is the envelope of r, byte for byte.
func (r StoredReport) Same(text []byte) bool {
	if r.Dropped() {
		sum := sha256.Sum256(text)
		return bytes.Equal(sum[:], r.Sum)
	}
	return bytes.Equal(r.Envelope, text)
}
