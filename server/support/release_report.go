// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"net/http"
	"slices"
	"time"

	"landed/manifests/effect"
	"landed/server/fleet"
	"landed/server/rollout"
)

// Report is a release as a regulator or a journalist puts it into a folder: the page /releases/{name}/report and its JSON. All
// figures are those of the page of the release; beside them stands what was promised, what happened, and who else looked.
type Report struct {
	*ReleasePage
	ByHand  string          `json:"by_hand"` // what a customer can do without the update, "" for nothing
	Classes []ReportClass   `json:"classes"` // of the effect, in the order of every page
	Offered []ReportRollout `json:"offered"` // every rollout of the release, in the order of its models
	Outside []ReportOutside `json:"outside"` // who else looked, by model
	LeftOut []LeftOut       `json:"left_out"`

	title string
}

// ReportClass is a class of the effect in words.
type ReportClass struct {
	Class string      `json:"class"`
	Kind  effect.Kind `json:"kind"`
	Name  string      `json:"name"`
	Means string      `json:"means"`

	Colour string `json:"-"`
}

// ReportRollout is to whom the release was offered on a channel of a model, and when.
type ReportRollout struct {
	Model   string `json:"model"`
	Product string `json:"product"`
	Rollout
	Plan    []int         `json:"plan"`    // the share of each stage, hundredths of a percent
	Reached []fleet.Reach `json:"reached"` // since when it was offered to which share
	Events  []Event       `json:"events"`  // oldest first
	Cut     bool          `json:"cut"`     // there are older events than these
}

// ReportOutside is the second leg of evidence of a model.
type ReportOutside struct {
	Model   string `json:"model"`
	Product string `json:"product"`
	Lab
}

// LeftOut is a decision that installations of some time are in no figure, and, if it was, that it was taken back.
type LeftOut struct {
	Product       string     `json:"product"` // "" is every model
	From          time.Time  `json:"from"`    // first heard of from then on
	To            time.Time  `json:"to"`      // and before
	At            time.Time  `json:"at"`
	By            string     `json:"by"`
	Reason        string     `json:"reason"`
	Installations int64      `json:"installations"` // so many when it was decided
	Lifted        *time.Time `json:"lifted,omitempty"`
	LiftedBy      string     `json:"lifted_by,omitempty"`
	LiftedReason  string     `json:"lifted_reason,omitempty"`
}

// reportEvents is how many acts of the trail of a rollout stand in a report: that it waited on a day, the reasons of its holds say.
const reportEvents = 100

// report is a release with all that a folder needs.
func (p releasePages) report(r *http.Request) (view, error) {
	name := r.PathValue("name")
	if err := p.known(r.Context(), name); err != nil {
		return nil, err
	}
	var v *Report
	err := p.evidence.with(r.Context(), func(tx fleet.Tx, snap *snapshot) error {
		is := snap.release(name)
		if is == nil {
			return unreadableRelease()
		}
		v = &Report{
			ReleasePage: p.page(snap, is), ByHand: clean(is.lex.words.ByHand), Classes: []ReportClass{}, Offered: []ReportRollout{},
			Outside: []ReportOutside{}, LeftOut: p.leftOut(snap, is), title: p.locale.Say("folder.title", name),
		}
		if err := p.explain(r.Context(), tx, snap, is, v.ReleasePage); err != nil {
			return err
		}
		past, err := p.says.chronicle().releaseSeries(r.Context(), tx, snap, p.evidence.now(), is, v.Totals)
		if err != nil {
			return err
		}
		v.SilentFor = past.SilentFor
		for _, c := range is.lex.classes {
			v.Classes = append(v.Classes, ReportClass{c.key, c.kind, c.words.Name, c.words.Means, c.colour})
		}
		for _, m := range v.Models {
			outside := p.says.lab(snap.found, is, m.Model)
			outside.Witnesses = p.says.witnesses(snap, is, m.Model)
			v.Outside = append(v.Outside, ReportOutside{m.Model, m.Product, outside})
			for _, shown := range m.Rollouts {
				one, err := p.offered(r.Context(), tx, is, m, shown)
				if err != nil {
					return err
				}
				v.Offered = append(v.Offered, one)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// offered is a rollout with what its trail has.
func (p releasePages) offered(ctx context.Context, tx fleet.Tx, is *issue, m Model, shown Rollout) (ReportRollout, error) {
	one := ReportRollout{Model: m.Model, Product: m.Product, Rollout: shown, Plan: []int{}, Reached: []fleet.Reach{}, Events: []Event{}}
	for _, r := range is.rollouts {
		if r.ID == shown.ID {
			for _, stage := range r.Stages {
				one.Plan = append(one.Plan, stage.Share)
			}
			one.Reached = append(one.Reached, r.Reached...)
		}
	}
	trail, err := tx.Audit().Acts(ctx, shown.ID, reportEvents+1)
	if err != nil {
		return one, err
	}
	if one.Cut = len(trail) > reportEvents; one.Cut {
		trail = trail[:reportEvents]
	}
	for _, e := range slices.Backward(trail) {
		one.Events = append(one.Events, p.says.event(e, is.Name))
	}
	return one, nil
}

// event is a line of the trail of a rollout.
func (d describer) event(e fleet.AuditEntry, release string) Event {
	return Event{At: e.At.UTC(), Action: clean(e.Action), By: clean(e.Actor), Reason: trailWords(d.words.locale, e.Reason),
		Rollout: e.Subject, Release: release}
}

// leftOut are the quarantines of the models of a release, those too that were lifted.
func (p releasePages) leftOut(snap *snapshot, is *issue) []LeftOut {
	all := []LeftOut{}
	for _, q := range snap.quarantines {
		if q.Model != "" && !slices.Contains(is.models, q.Model) {
			continue
		}
		one := LeftOut{From: q.From.UTC(), To: q.Until().UTC(), At: q.At.UTC(), By: clean(q.By), Installations: q.Installations,
			Reason: p.locale.Written(clean(q.Reason)), LiftedBy: clean(q.LiftedBy)}
		if q.Model != "" {
			one.Product = p.says.unreleased(q.Model).Product
		}
		if !q.Lifted.IsZero() {
			lifted := q.Lifted.UTC()
			one.Lifted, one.LiftedReason = &lifted, p.locale.Written(clean(q.LiftedReason))
		}
		all = append(all, one)
	}
	return all
}

// Doc is the title of the page in the browser.
func (v *Report) Doc() string { return v.title }

// ReportRow is a model in the table of what was shown.
type ReportRow struct {
	Product, Role string // "" are all models together
	Figures
	NoWord  int64 // of the class of those that are silent
	Counted bool  // of those alone that count
}

// Rows are what was shown of each model, and of all together: of everybody, and of those that count.
func (v *Report) Rows() (all []ReportRow) {
	add := func(product, role string, f Figures) {
		all = append(all, ReportRow{product, role, f, f.Verdicts[effect.Unknown], false})
		if f.Vouched() {
			carry := f.Carry()
			all = append(all, ReportRow{product, role, carry, carry.Verdicts[effect.Unknown], true})
		}
	}
	for _, m := range v.Models {
		add(m.Product, m.Role, m.Figures)
	}
	if len(v.Models) > 1 {
		add("", "", v.Totals)
	}
	return all
}

// Observed says that the feed names observers.
func (v *Report) Observed() *Lab {
	for _, o := range v.Outside {
		if o.Of > 0 {
			return &o.Lab
		}
	}
	return nil
}

// Bars are what "shown" asks for, and "counted".
func (v *Report) Bars() any {
	const day = 24 * time.Hour
	return map[string]int{"Percent": ShownPercent, "Widely": WidelyPercent, "Confidence": rollout.Confidence,
		"Known": int(fleet.KnownFor / day), "Over": int(fleet.HeardOver / day), "Within": int(fleet.HeardWithin / day),
		"Lost": int(fleet.LostAfter / time.Hour)}
}

// Failing are the models of which some handset failed, with the causes.
func (v *Report) Failing() (all []Model) {
	for _, m := range v.Models {
		if len(m.Failures()) > 0 {
			all = append(all, m)
		}
	}
	return all
}
