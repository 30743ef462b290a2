// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"time"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/server/fleet"
)

// handset is one installation while the reports of a batch are settled.
type handset struct {
	states    []*state
	current   *state  // nil before its first report
	newest    Arrival // its newest report and what that is judged by, if it is known
	loaded    *Loaded
	envelopes map[string][]byte // by id, of its reports that are stored with the batch
	sequences map[int64]bool    // of those
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
	h := &handset{newest: loaded.Newest[ref], loaded: loaded}
	for _, was := range loaded.States[ref] {
		s := &state{was: &was, is: was}
		if h.states = append(h.states, s); was.Current {
			h.current = s
		}
	}
	return h
}

// envelope is the stored report with the id of a, if there is one.
func (h *handset) envelope(a Arrival) ([]byte, bool) {
	if stored, ok := h.loaded.Stored[a.id()]; ok {
		return stored.Envelope, true
	}
	envelope, ok := h.envelopes[a.Report.ID]
	return envelope, ok
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

// on is the state of a release, a new one if it has none.
func (h *handset) on(release string) *state {
	for _, s := range h.states {
		if s.is.Release == release {
			return s
		}
	}
	s := &state{}
	h.states = append(h.states, s)
	return s
}

func (h *handset) leaked(release string) bool {
	for _, s := range h.states {
		if s.is.Release == release {
			return s.is.Leaked
		}
	}
	return false
}

// advance makes a the newest report. Of another release the handset leaves behind what it had shown there.
func (h *handset) advance(now time.Time, a Arrival) {
	next := h.on(a.Report.Release)
	next.change()
	i := &next.is
	i.Progress = progress(*i, a.Report)
	if old := h.current; old == nil {
		i.First, i.Before = now, effect.NotSeen
	} else if old != next {
		old.change()
		old.is.Current = false
		i.First, i.Before, i.Cloned, i.Reports = old.is.First, old.is.Before, old.is.Cloned, old.is.Reports
	}
	i.Ref, i.Release, i.Current, i.Model, i.Channel = a.Ref, a.Report.Release, true, a.Report.Model, a.Report.Channel
	i.Seq, i.Newest, i.Last = a.Report.Seq, a.Report, now
	h.current, h.newest = next, a
	judge(i, now, a.Rule)
}

// clone notes that two different reports carry one sequence number: two hold the key. It is judged again, by what it
// said last.
func (h *handset) clone(now time.Time) {
	i := &h.current.is
	if i.Cloned {
		return
	}
	h.current.change()
	i.Cloned, i.Newest = true, h.newest.Report
	judge(i, now, h.newest.Rule)
}

func judge(i *fleet.Installation, now time.Time, by effect.Standard) {
	v := effect.Judge(now, effect.Subject{Newest: i.Newest, Last: i.Last, Cloned: i.Cloned}, by)
	i.Verdict, i.Kind, i.Because = fleet.Class(v.Class), v.Kind, v.Because
	i.Leaked = i.Leaked || isLeak(v)
}

// isLeak says if a verdict shows the opposite of the effect. What cannot be true is no leak, however bad.
func isLeak(v effect.Verdict) bool { return v.Kind == effect.Bad && v.Class != effect.Contradictory }

// progress is how far an installation counts as being; on is what it had shown of the release. A handset that refused
// the feed has not begun anything: after an outage of the feed, all that wait would count as failed, and halt every
// rollout.
func progress(on fleet.Installation, r report.Report) report.Progress {
	if r.Failure == nil || r.Failure.Phase != report.PhaseMetadata {
		return r.Progress
	}
	if on.Progress != "" && on.Progress != report.ProgressRunning {
		return on.Progress
	}
	return report.ProgressKnown
}

// strongest keeps the finding that says most of the time before the release, in the order of its effect.
func strongest(a fleet.Before, b string, by effect.Standard) fleet.Before {
	if by.Program == nil {
		return a
	}
	return fleet.Before(by.Program.Effect.Strongest(string(a), b))
}
