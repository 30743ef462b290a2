// SPDX-License-Identifier: Apache-2.0

package settle

import (
	"time"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/server/fleet"
)

// find keeps what a tells of the time before the patch with the release that it is about: to another effect it says
// nothing.
func (h *Handset) find(a Arrival) {
	s := h.Of(a.Report.Release)
	if s == nil {
		return
	}
	found := strongest(s.Is.Before, a.Shown.Before, a.Rule)
	if found != s.Is.Before {
		s.Change()
		s.Is.Before = found
	}
}

// advance makes a the newest report. Of another release the handset leaves behind what it had shown there. On one that
// it meets for the first time it keeps what was found before; when it comes back, what was found there stands.
func (h *Handset) advance(now time.Time, a Arrival) {
	next, old := h.Of(a.Report.Release), h.Current
	if next == nil {
		next = &State{Is: fleet.Installation{First: now, Before: effect.NotSeen, Drawn: -1}}
		if h.States = append(h.States, next); old != nil {
			next.Is.Before = old.Is.Before
		}
	}
	next.Change()
	i := &next.Is
	i.Progress, i.Cause = progress(*i, a.Report)
	if old == nil {
		h.belong(i, nil, a.Report.Channel, now)
	} else {
		h.belong(i, &old.Is, a.Report.Channel, now)
	}
	if old != nil && old != next {
		old.Change()
		old.Is.Current = false
		i.First, i.Cloned, i.Reports = old.Is.First, old.Is.Cloned, old.Is.Reports
	}
	i.Ref, i.Release, i.Current, i.Model, i.Channel = a.Ref, a.Report.Release, true, a.Report.Model, a.Report.Channel
	i.Seq, i.Newest, i.Last = a.Report.Seq, a.Report, now
	h.Current, h.Newest = next, a
	judge(i, h.First, a)
	h.draw(i, now, a.Report)
}

// clone notes that two different reports carry one sequence number: two hold the key. It is judged again, by what it
// said last.
func (h *Handset) clone() {
	i := &h.Current.Is
	if i.Cloned {
		return
	}
	h.Current.Change()
	i.Cloned, i.Newest = true, h.Newest.Report
	judge(i, h.First, h.Newest)
}

// Judge stores what the newest report proves, as of when it came: silence is told when it is read (fleet.Installation.At).
// first is the build that the first report of the installation spoke of, "" if that is not known.
func Judge(i *fleet.Installation, first string, by effect.Standard) {
	judge(i, first, Arrival{Rule: by})
}

// judge is Judge by what is known of the newest report.
func judge(i *fleet.Installation, first string, newest Arrival) {
	v := effect.Judge(i.Last, effect.Subject{Newest: i.Newest, Last: i.Last, Cloned: i.Cloned,
		Elsewhere: first != "" && first != i.Newest.Build, Shown: newest.Shown}, newest.Rule)
	i.Verdict, i.Kind, i.Because = fleet.Class(v.Class), v.Kind, v.Because
	i.Leaked = i.Leaked || isLeak(v)
}

// isLeak says if a verdict shows the opposite of the effect. What cannot be true is no leak, however bad.
func isLeak(v effect.Verdict) bool { return v.Kind == effect.Bad && v.Class != effect.Contradictory }

// progress is how far an installation counts as being, and what its failure is blamed on; on is what it had shown of the
// release. A handset that refused the feed has not begun anything: after an outage of the feed, all that wait would count
// as failed.
func progress(on fleet.Installation, r report.Report) (report.Progress, report.Cause) {
	switch {
	case r.Failure == nil:
		return r.Progress, ""
	case r.Failure.Phase != report.PhaseMetadata:
		return r.Progress, report.CauseOf(*r.Failure)
	case on.Progress != "" && on.Progress != report.ProgressRunning:
		return on.Progress, on.Cause
	}
	return report.ProgressKnown, ""
}

// strongest keeps the finding that says most of the time before the release, in the order of its effect.
func strongest(a fleet.Before, b string, by effect.Standard) fleet.Before {
	if by.Program == nil {
		return a
	}
	return fleet.Before(by.Program.Effect.Strongest(string(a), b))
}
