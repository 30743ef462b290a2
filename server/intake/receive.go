// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/manifests/report/envelope"
	"landed/server/fleet"
	"landed/server/settle"
)

// What takes reports in, and says what became of them, decides without a store: package settle.
type (
	Arrival = settle.Arrival
	Control = settle.Control
	Going   = settle.Going
	Loaded  = settle.Loaded
	Outcome = settle.Outcome
	Result  = settle.Result
	Receipt = settle.Receipt
	Stored  = settle.Stored
)

// What becomes of a report that is not refused.
const (
	StoredNew         = settle.StoredNew
	StoredReplayed    = settle.StoredReplayed
	StoredLate        = settle.StoredLate
	StoredProvisional = settle.StoredProvisional
)

// MaxReports is how many reports of one installation are kept.
const MaxReports = settle.MaxReports

// answered is a Result, and who sent the report, before it.
type answered struct {
	Result
	who standing
}

// waiting is an opened report in the queue.
type waiting struct {
	Arrival
	answer chan answered // of one place: the committer never waits
	since  time.Time
}

// Receive takes one envelope (DSSE, see manifests/report) and returns when its report is on
// disk. Errors are of fleet's kinds. If ctx ends while the report waits, the error is that
// of ctx and the report may still be stored: sending it again is safe.
func (i *Intake) Receive(ctx context.Context, text []byte) (r Receipt, err error) {
	var sent shed
	defer func() { i.Tally.count(r, err, sent) }()
	if i.Room != nil {
		if err := i.Room(); err != nil {
			sent = shedAll
			return Receipt{}, err
		}
	}
	w, err := i.open(ctx, text)
	if err != nil {
		return Receipt{}, err
	}
	who, err := i.sort(ctx, w.Ref)
	if err != nil {
		sent = shedNew
		return Receipt{}, err
	}
	if err := i.enqueue(w); err != nil {
		sent = shedAll
		i.away(ctx, w.Ref, who)
		return Receipt{}, err
	}
	select {
	case a := <-w.answer:
		i.Pressure.count(a.who, false)
		if a.First && i.Newcomers != nil {
			i.Newcomers.Came(ctx)
		}
		if a.Implausible {
			i.Tally.implausible.Add(1)
		}
		i.wake(ctx, w, a)
		return a.Receipt, a.Refused
	case <-ctx.Done():
		i.waking.Go(func() {
			a := <-w.answer
			i.Pressure.count(a.who, false)
			i.wake(context.WithoutCancel(ctx), w, a)
		})
		return Receipt{}, ctx.Err()
	}
}

// open does all that needs no transaction, on the caller's goroutine.
func (i *Intake) open(ctx context.Context, text []byte) (*waiting, error) {
	r, ref, err := envelope.Open(text)
	if err != nil {
		return nil, refusal(err)
	}
	model, ok := i.Catalogue().Model(r.Model)
	if !ok {
		return nil, fleet.Errorf(fleet.Invalid, "model_unknown", "the report names a model that is not in the catalogue; "+
			"wanted ro.product.device, spelled as in build.prop")
	}
	if !model.HasVariant(r.Variant) {
		return nil, fleet.Errorf(fleet.Invalid, "variant_unknown", "the report names an image variant that model %s does "+
			"not have; wanted one of %v", model.Device, model.Variants)
	}
	if channels := i.Channels(); !slices.Contains(channels, r.Channel) {
		return nil, fleet.Errorf(fleet.Invalid, "channel_unknown", "the report names a channel that is not known here; "+
			"wanted one of %s", strings.Join(channels, ", "))
	}
	rule, err := i.Rules.Of(ctx, r.Release, r.Model)
	if err != nil {
		return nil, err
	}
	if err := i.admit(r, rule); err != nil {
		return nil, err
	}
	for _, build := range []string{r.Build, r.PreviousBuild} {
		if build != "" && build != report.BuildOther && !i.Rules.Names(r.Model, build) {
			return nil, fleet.Errorf(fleet.Invalid, "build_unknown", "the report names a build that no published document of "+
				"model %s names; wanted one of those, or %q", model.Device, report.BuildOther)
		}
	}
	if r.Build != report.BuildOther && !i.Rules.Built(r) {
		return nil, fleet.Errorf(fleet.Invalid, "build_unknown", "the report gives its build a time that no published "+
			"document of model %s gives it; wanted the build_utc of the build", model.Device)
	}
	arrival := Arrival{Envelope: text, Report: r, Ref: ref, Rule: rule, Shown: effect.Show(r, rule)}
	return &waiting{arrival, make(chan answered, 1), time.Now()}, nil
}

// refusal gives the reasons of envelope.Open a kind and a code. Its words are safe.
func refusal(err error) error {
	switch {
	case errors.Is(err, envelope.ErrTooLarge):
		return fleet.Errorf(fleet.TooLarge, "report_too_large", "%v", err)
	case errors.Is(err, envelope.ErrSignature):
		return fleet.Errorf(fleet.Forbidden, "report_forged", "%v", err)
	case errors.Is(err, envelope.ErrFuture):
		return fleet.Errorf(fleet.Unsupported, "report_version", "%v", err)
	case errors.Is(err, envelope.ErrEnvelope):
		return fleet.Errorf(fleet.Invalid, "envelope_malformed", "%v", err)
	}
	return fleet.Errorf(fleet.Invalid, "report_malformed", "%v", err)
}

func (i *Intake) enqueue(w *waiting) error {
	i.closing.RLock()
	defer i.closing.RUnlock()
	if i.closed {
		return fleet.Errorf(fleet.Busy, "closing", "the server is stopping; send the report again later")
	}
	if len(i.queue) < i.gauge.room() {
		select {
		case i.queue <- w:
			return nil
		default:
		}
	}
	return fleet.Errorf(fleet.Busy, "queue_full", "%d reports wait already; send this one again later", len(i.queue))
}

// away counts a report for which there was no room in the queue. Who sent it is known by then, unless the queue filled up at
// this moment.
func (i *Intake) away(ctx context.Context, ref report.Reference, who standing) {
	if who == notAsked {
		who, _ = standingOf(ctx, i.Store, ref) // damage is told elsewhere
	}
	i.Pressure.count(who, true)
}

// wake advances the rollouts of a model when a report showed a leak.
func (i *Intake) wake(ctx context.Context, w *waiting, a answered) {
	if !a.Leaks {
		return
	}
	// The handset's patience is not a reason to leave a leak alone.
	if err := i.Advance(context.WithoutCancel(ctx), w.Report.Model); err != nil {
		i.Log.ErrorContext(ctx, "advance after a leak", "model", w.Report.Model, "err", err)
	}
}
