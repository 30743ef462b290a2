// SPDX-License-Identifier: Apache-2.0

package settle

import (
	"time"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/server/fleet"
)

// Handset is one installation while the reports of a batch are settled.
type Handset struct {
	States    []*State
	Current   *State            // nil before its first report
	First     string            // build that its first report spoke of; "" if nothing depends on it
	Newest    Arrival           // its newest report and what that is judged by, if it is known
	Loaded    *Loaded           // of its batch
	Entries   []int64           // numbers of the admissions that admitted it
	kept      kept              // the first of its reports that is stored with the batch; most send no other
	envelopes map[string][]byte // by id, of those that follow
	sequences map[int64]bool    // of those
	lived     int               // admissions that it has gone through
}

// kept is a report in a batch; without one seq is 0, which no report has.
type kept struct {
	id       string
	seq      int64
	envelope []byte
}

// State is what it has shown of one release. Was is nil for a new one.
type State struct {
	Was     *fleet.Installation
	Is      fleet.Installation
	Changed bool
}

// Change is called before Is changes.
func (s *State) Change() { s.Changed = true }

// NewHandset gathers what is loaded of an installation.
func NewHandset(ref report.Reference, loaded *Loaded) *Handset {
	h := &Handset{Newest: loaded.Newest[ref], First: loaded.First[ref], Loaded: loaded}
	stored := loaded.States[ref]
	for n := range stored {
		was := &stored[n]
		s := &State{Was: was, Is: *was}
		if h.States = append(h.States, s); was.Current {
			h.Current = s
		}
	}
	return h
}

// stored is the stored report with the id of a, if there is one.
func (h *Handset) stored(a Arrival) (fleet.StoredReport, bool) {
	if stored, ok := h.Loaded.Stored[a.Key()]; ok {
		return stored, true
	}
	if h.kept.id == a.Report.ID {
		return fleet.StoredReport{ID: a.Report.ID, Envelope: h.kept.envelope}, true
	}
	envelope, ok := h.envelopes[a.Report.ID]
	return fleet.StoredReport{ID: a.Report.ID, Envelope: envelope}, ok
}

// taken says if another report has the sequence number of a.
func (h *Handset) taken(a Arrival) bool {
	return h.Current != nil && h.Current.Is.Seq == a.Report.Seq || h.kept.seq == a.Report.Seq || h.sequences[a.Report.Seq] ||
		h.Loaded.Sequences[a.Number()]
}

// keep remembers a for the reports that follow it in the batch.
func (h *Handset) keep(a Arrival) {
	if h.kept.seq == 0 {
		h.kept = kept{a.Report.ID, a.Report.Seq, a.Envelope}
		return
	}
	if h.envelopes == nil {
		h.envelopes, h.sequences = map[string][]byte{}, map[int64]bool{}
	}
	h.envelopes[a.Report.ID], h.sequences[a.Report.Seq] = a.Envelope, true
}

// Of is the state of a release, nil if there is none.
func (h *Handset) Of(release string) *State {
	for _, s := range h.States {
		if s.Is.Release == release {
			return s
		}
	}
	return nil
}

func (h *Handset) leaked(release string) bool {
	s := h.Of(release)
	return s != nil && s.Is.Leaked
}

// Take has a new report move what it can, and says if it is late.
func (h *Handset) Take(now time.Time, a Arrival) (late bool) {
	if a.Shown == nil {
		a.Shown = effect.Show(a.Report, a.Rule)
	}
	late = h.Current != nil && a.Report.Seq < h.Current.Is.Seq
	if h.Current == nil {
		h.First = a.Report.Build
	}
	switch {
	case h.taken(a):
		h.clone()
	case !late:
		h.advance(now, a)
	}
	h.keep(a)
	h.Current.Change()
	h.Current.Is.Reports++
	h.find(a)
	h.Reckon()
	return late
}
