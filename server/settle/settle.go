// SPDX-License-Identifier: Apache-2.0

// Package settle decides what reports change: who sent them stands how, from what is known and what is judged by.
//
// Parties: intake has new reports come in, and stored ones come in again; whoever recounts published figures outside of
// the server does the same with the same code. It promises to be a function of its arguments, and that stored reports that
// come in again, in their order, with what people decided meanwhile, give what they gave. It refuses stores, clocks and
// randomness.
package settle

import (
	"fmt"
	"time"

	"landed/manifests/effect"
	"landed/manifests/report"
	v1 "landed/manifests/report/v1"
	"landed/server/fleet"
)

// MaxReports is how many reports of one installation are kept. A handset that reports
// every week has enough for fifteen years; a forger fills no disk with one key.
const MaxReports = 1000

// atOnce is how many reports of one installation may come at once: what a handset's outbox holds. One more may come for
// each day since its first, so that no honest one is ever refused, and one key costs little. See docs/design/counted.md.
const atOnce = 64

// Arrival is one opened report: what was signed, who signed it, and what it is judged by.
type Arrival struct {
	Envelope []byte
	Report   report.Report
	Ref      report.Reference
	Rule     effect.Standard
	Shown    *effect.Shown // what it shows by that rule; nil if nobody has looked yet
}

// Key has no number for version 1: its handset chose the id, and may repeat it under another number.
func (a Arrival) Key() fleet.ReportID {
	id := fleet.ReportID{Ref: a.Ref, Seq: a.Report.Seq, ID: a.Report.ID}
	if a.Report.Schema == v1.Schema {
		id.Seq = 0
	}
	return id
}

// Number is its sequence number.
func (a Arrival) Number() fleet.ReportSeq { return fleet.ReportSeq{Ref: a.Ref, Seq: a.Report.Seq} }

// Loaded is what is stored about the installations of a batch.
type Loaded struct {
	States    map[report.Reference][]fleet.Installation // every state, the current one first
	Newest    map[report.Reference]Arrival              // newest report of those that a twin may judge again
	First     map[report.Reference]string               // build of the first report of those that say they were sold with theirs
	Stored    map[fleet.ReportID]fleet.StoredReport     // reports of the batch that are stored
	Sequences map[fleet.ReportSeq]bool                  // sequence numbers of the batch that stored reports carry
	Control   Control                                   // of the models and channels of the batch
}

// Receipt says what became of a report.
type Receipt struct {
	ID     string `json:"id"`
	Stored Stored `json:"stored"`
}

// Stored is what became of a report.
type Stored string

// What becomes of a report that is not refused.
const (
	StoredNew      Stored = "new"
	StoredReplayed Stored = "replayed" // it was here already, byte for byte
	StoredLate     Stored = "late"     // a newer one was here: kept as history
	// it is kept for now, and may be let go of: the handset keeps its copy, and sends it again another day
	StoredProvisional Stored = "provisional"
)

// Outcome is what a batch changes.
type Outcome struct {
	Results []Result             // one for each report, in their order
	Reports []fleet.StoredReport // to be stored, in this order
	Changes []Change             // each changed state once
}

// Result is the answer to one report.
type Result struct {
	Receipt Receipt
	Refused error // of fleet's kinds; there is no receipt then
	First   bool  // by this report its installation is heard of for the first time
	Leaks   bool  // by this report its installation leaks for the first time on its release
	Evicts  bool  // it is provisional, in the place of another
	// It was stored, and what its installation says of its release cannot have been seen by now.
	Implausible bool
}

// Change is one state before and after a batch. From is nil for a new one.
type Change struct{ From, To *fleet.Installation }

// Settle decides what the reports of a batch change, in their order: a report sees what those before it did. It does
// no I/O. A report whose id is stored is a replay, and stays as it is; one that is older than the newest moves nothing;
// two with one sequence number are of a clone; all may tell of the time before the patch of their release.
func Settle(now time.Time, batch []Arrival, loaded Loaded) Outcome {
	var out Outcome
	handsets := make(map[report.Reference]*Handset, len(batch))
	order := make([]*Handset, 0, len(batch))
	for _, a := range batch {
		h, ok := handsets[a.Ref]
		if !ok {
			h = NewHandset(a.Ref, &loaded)
			handsets[a.Ref], order = h, append(order, h)
		}
		result, stored := h.receive(now, a)
		out.Results = append(out.Results, result)
		if stored != nil {
			out.Reports = append(out.Reports, *stored)
		}
	}
	for _, h := range order {
		for _, s := range h.States {
			if s.Changed {
				out.Changes = append(out.Changes, Change{s.Was, &s.Is})
			}
		}
	}
	return out
}

// receive takes one report of h in. What is to be stored is nil for a replay and a refusal.
func (h *Handset) receive(now time.Time, a Arrival) (Result, *fleet.StoredReport) {
	if stored, ok := h.stored(a); ok {
		return replay(a, stored), nil
	}
	if refused := h.refuse(now, a); refused != nil {
		return Result{Refused: refused}, nil
	}
	leaked, first := h.leaked(a.Report.Release), h.Current == nil
	stored := &fleet.StoredReport{
		ID: a.Report.ID, Ref: a.Ref, Seq: a.Report.Seq, Schema: a.Report.Schema, Release: a.Report.Release,
		Envelope: a.Envelope, At: now, Late: h.Take(now, a),
	}
	result := Result{Receipt: Receipt{a.Report.ID, StoredNew}, First: first, Leaks: !leaked && h.leaked(a.Report.Release)}
	if stored.Late {
		result.Receipt.Stored = StoredLate
	}
	result.Implausible = !stored.Late && h.Current.Is.Verdict == effect.Implausible
	return result, stored
}

// Answered says that a needs no room: it is stored already, or refused.
func (l *Loaded) Answered(now time.Time, a Arrival) bool {
	h := NewHandset(a.Ref, l)
	_, stored := h.stored(a)
	return stored || h.refuse(now, a) != nil
}

// replay answers a report whose id is stored already: the stored one stays. It is welcome where a new report is not, and
// known also where its body was dropped.
func replay(a Arrival, stored fleet.StoredReport) Result {
	if !stored.Same(a.Envelope) {
		return Result{Refused: fleet.Errorf(fleet.Conflict, "id_reused",
			"another report with this id is stored, and stays; a new report needs a new id")}
	}
	return Result{Receipt: Receipt{a.Report.ID, StoredReplayed}}
}

// allowed is how many reports of an installation may be stored so long after its first.
func allowed(known time.Duration) int64 {
	return atOnce + int64(max(known, 0)/(24*time.Hour))
}

// refuse names what a new report of a known installation may not do.
func (h *Handset) refuse(now time.Time, a Arrival) error {
	if h.Current == nil {
		return nil
	}
	switch old := h.Current.Is; {
	case old.Model != a.Report.Model:
		return fleet.Errorf(fleet.Conflict, "model_changed",
			"this installation is a %s; the model of a handset does not change. Set-up after a reset makes a new key", old.Model)
	case old.Reports >= MaxReports:
		return fleet.Errorf(fleet.Conflict, "too_many_reports", "%d reports of this installation are stored; more are "+
			"not taken", old.Reports)
	case old.Reports >= allowed(now.Sub(old.First)):
		return &fleet.Error{Kind: fleet.Busy, Code: "too_many_today", Wait: time.Hour, Msg: fmt.Sprintf("%d reports of this "+
			"installation are stored already, and one more is taken each day; keep this one, and send it again later", old.Reports)}
	}
	return nil
}
