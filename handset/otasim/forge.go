// SPDX-License-Identifier: Apache-2.0

package otasim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"landed/handset/sim"
)

// forge plays the attacker instead of a fleet: for each model one that invents its part of the installations.
func (o options) forge(ctx context.Context, out io.Writer) error {
	if o.n < 1 || o.patient < 0 || o.days < 1 {
		return errors.New("--n wants 1 or more, --patient 0 or more days, --days 1 or more")
	}
	time0, began := time.Now(), time.Now()
	now := func() time.Time { return time0.Add(time.Duration(float64(time.Since(began)) * o.speed)) }
	if o.speed == 0 { // no time but what they wait for
		now = func() time.Time { return time0 }
	}
	var all []*sim.Forger
	for i, device := range o.models {
		part := o.n / len(o.models)
		if i < o.n%len(o.models) {
			part++
		}
		if part == 0 {
			continue
		}
		f, err := sim.NewForger(sim.ForgerConfig{Forgery: sim.Forgery(o.forgery), N: part, Rate: o.rate / float64(len(o.models)),
			Patient: time.Duration(o.patient) * 24 * time.Hour, URL: o.server, Model: device, Seed: o.seed, Now: now})
		if err != nil {
			return err
		}
		all = append(all, f)
	}
	end := time0.AddDate(0, 0, o.days+o.patient)
	for now().Before(end) && ctx.Err() == nil {
		wake, done, err := stepAll(ctx, all, end)
		if err != nil {
			return err
		}
		if done {
			break
		}
		if o.speed == 0 {
			time0 = latest(wake, time0.Add(time.Millisecond))
			continue
		}
		if err := pause(ctx, time.Duration(float64(wake.Sub(now()))/o.speed)); err != nil {
			break // stopped by hand: what was sent is told all the same
		}
	}
	return tellForged(all, o, out)
}

// stepAll lets every attacker do what is due. wake is when the first of them is due again.
func stepAll(ctx context.Context, all []*sim.Forger, end time.Time) (wake time.Time, done bool, err error) {
	wake, done = end, true
	for _, f := range all {
		at, err := f.Step(ctx)
		if err != nil && ctx.Err() == nil {
			return wake, false, err
		}
		if done = done && f.Done(); at.Before(wake) {
			wake = at
		}
	}
	return wake, done, nil
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// tellForged prints what became of the reports of all attackers: by HTTP status, with the code of a refusal.
func tellForged(all []*sim.Forger, o options, out io.Writer) error {
	told := struct {
		Forgery       string         `json:"forgery"`
		Patient       int            `json:"patient_days"`
		Installations int            `json:"installations"`
		Struck        int            `json:"struck"` // that have made a claim
		Reports       map[string]int `json:"reports"`
	}{Forgery: o.forgery, Patient: o.patient, Installations: o.n, Reports: map[string]int{}}
	for _, f := range all {
		told.Struck += f.Struck()
		for answer, n := range f.Became() {
			told.Reports[answer] += n
		}
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	if err := enc.Encode(told); err != nil {
		return err
	}
	if len(told.Reports) == 0 {
		return fmt.Errorf("nothing was sent: no release of these models is offered, or within --days=%d nothing was due", o.days)
	}
	return nil
}
