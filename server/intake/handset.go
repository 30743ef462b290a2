// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"time"

	"landed/manifests/report"
	"landed/server/fleet"
)

// handset is one installation while the reports of a batch are settled.
type handset struct {
	states    []*state
	current   *state  // nil before its first report
	first     string  // build that its first report spoke of; "" if nothing depends on it
	newest    Arrival // its newest report and what that is judged by, if it is known
	loaded    *Loaded
	envelopes map[string][]byte // by id, of its reports that are stored with the batch
	sequences map[int64]bool    // of those
	lived     int               // admissions that it has gone through
	entries   []int64           // those of them that admitted it
}

// state is what it has shown of one release. was is nil for a new one.
type state struct {
	was     *fleet.Installation
	is      fleet.Installation
	changed bool
}

// change is called before is changes.
func (s *state) change() { s.changed = true }

// newHandset gathers what is loaded of an installation.
func newHandset(ref report.Reference, loaded *Loaded) *handset {
	h := &handset{newest: loaded.Newest[ref], first: loaded.First[ref], loaded: loaded}
	for _, was := range loaded.States[ref] {
		s := &state{was: &was, is: was}
		if h.states = append(h.states, s); was.Current {
			h.current = s
		}
	}
	return h
}

// stored is the stored report with the id of a, if there is one.
func (h *handset) stored(a Arrival) (fleet.StoredReport, bool) {
	if stored, ok := h.loaded.Stored[a.id()]; ok {
		return stored, true
	}
	envelope, ok := h.envelopes[a.Report.ID]
	return fleet.StoredReport{ID: a.Report.ID, Envelope: envelope}, ok
}

// taken says if another report has the sequence number of a.
func (h *handset) taken(a Arrival) bool {
	return h.current != nil && h.current.is.Seq == a.Report.Seq || h.sequences[a.Report.Seq] || h.loaded.Sequences[a.seq()]
}

// keep remembers a for the reports that follow it in the batch.
func (h *handset) keep(a Arrival) {
	if h.envelopes == nil {
		h.envelopes, h.sequences = map[string][]byte{}, map[int64]bool{}
	}
	h.envelopes[a.Report.ID], h.sequences[a.Report.Seq] = a.Envelope, true
}

// of is the state of a release, nil if there is none.
func (h *handset) of(release string) *state {
	for _, s := range h.states {
		if s.is.Release == release {
			return s
		}
	}
	return nil
}

func (h *handset) leaked(release string) bool {
	s := h.of(release)
	return s != nil && s.is.Leaked
}

// take has a new report move what it can, and says if it is late.
func (h *handset) take(now time.Time, a Arrival) (late bool) {
	late = h.current != nil && a.Report.Seq < h.current.is.Seq
	if h.current == nil {
		h.first = a.Report.Build
	}
	switch {
	case h.taken(a):
		h.clone()
	case !late:
		h.advance(now, a)
	}
	h.keep(a)
	h.current.change()
	h.current.is.Reports++
	h.find(a)
	h.reckon()
	return late
}
