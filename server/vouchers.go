// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"maps"
	"slices"
	"time"

	"landed/server/evidence"
	"landed/server/fleet"
)

// voucherWatch looks at when people cease to vouch for the witness handsets of a model: then its gates stay shut.
type voucherWatch struct {
	cfg    *Config
	store  fleet.Viewer
	reader evidence.Reader
	told   map[string]int // by model, the step that the log knows; of Tick alone
}

// voucherAlarmAt are the parts of its life, in percent, at which a voucher alarms. At 100 it has ended.
var voucherAlarmAt = []int{100, 90, 75}

// voucherForgotten is how long after its end a voucher is spoken of, if nobody made a new one: a lab may have given it up.
const voucherForgotten = 7 * 24 * time.Hour

// all are the vouchers by model: of each handset the last.
func (v *voucherWatch) all(ctx context.Context) (of map[string][]fleet.Span, err error) {
	err = v.store.View(ctx, func(tx fleet.Tx) error {
		signed, err := v.reader.Open(ctx, tx)
		if err == nil {
			of, err = signed.Spans()
		}
		return err
	})
	return of, err
}

// tell writes a line at each step of the life of a model's vouchers, of the one that is furthest.
func (v *voucherWatch) tell(ctx context.Context) error {
	of, err := v.all(ctx)
	if err != nil {
		return err
	}
	now, steps := v.cfg.Now(), map[string]int{}
	for _, model := range slices.Sorted(maps.Keys(of)) {
		step, ends, n := ending(of[model], now)
		if steps[model] = step; step > v.told[model] {
			v.cfg.Log.ErrorContext(ctx, "vouchers for witness handsets end: without one that holds, the gates of the model wait for a "+
				"person", "model", model, "vouchers", n, "first", ends.UTC(), "percent", step)
		}
	}
	v.told = steps
	return nil
}

// ending is the largest step that any of spans has reached, when the first of those ends that have reached one, and how many
// they are; zeros if none has.
func ending(spans []fleet.Span, now time.Time) (step int, first time.Time, n int) {
	for _, s := range spans {
		life := s.Until.Sub(s.From)
		if life <= 0 || now.Sub(s.Until) > voucherForgotten {
			continue
		}
		over := int(100 * now.Sub(s.From).Hours() / life.Hours())
		i := slices.IndexFunc(voucherAlarmAt, func(percent int) bool { return over >= percent })
		if i < 0 {
			continue
		}
		if n++; first.IsZero() || s.Until.Before(first) {
			first = s.Until
		}
		step = max(step, voucherAlarmAt[i])
	}
	return step, first, n
}

// last is when the last voucher of each model ends.
func (v *voucherWatch) last(ctx context.Context) map[string]time.Time {
	of, err := v.all(ctx)
	if err != nil {
		return nil // a database that does not answer has a metric of its own
	}
	ends := map[string]time.Time{}
	for model, spans := range of {
		for _, s := range spans {
			if s.Until.After(ends[model]) {
				ends[model] = s.Until
			}
		}
	}
	return ends
}
