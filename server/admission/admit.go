// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"time"

	"landed/manifests/report"
	"landed/server/fleet"
)

// Wish is a person's word that the counted fleet of a model on a channel may be as large as UpTo.
type Wish struct {
	Model, Channel string // Channel "": stable
	UpTo           int64
	By, Reason     string
}

// Admitted says what an admission did.
type Admitted struct {
	fleet.Admission
	Muster  fleet.Muster // before it
	Applied bool         // to every installation; else the server goes on with it
}

// Words say what happened, and what to do where the candidates were too few.
func (a Admitted) Words(upTo int64) string {
	before := fmt.Sprintf("the counted fleet of %s on %s was %d", a.Model, a.Channel, a.Muster.Counted)
	switch places := upTo - a.Muster.Counted; {
	case places <= 0:
		return fmt.Sprintf("nobody was admitted: %s, and you vouch for %d", before, upTo)
	case a.Admission.Admitted < places:
		others := a.Muster.Installations - a.Muster.Counted - a.Muster.Quiet - a.Muster.Candidates
		return fmt.Sprintf("%d were admitted, and %d were asked for: %s, and there were no more than %d candidates. The "+
			"other %d have been known for less than 14 days, were not heard of over 7 days, or were silent for 28 days; ask again "+
			"when they are candidates", a.Admission.Admitted, places, before, a.Candidates, others)
	}
	return fmt.Sprintf("%d of %d candidates were admitted: %s, and is %d now", a.Admission.Admitted, a.Candidates, before,
		a.Muster.Counted+a.Admission.Admitted)
}

// Admit admits candidates, drawn at random, until the counted fleet is as large as a person says.
func (a *Admission) Admit(ctx context.Context, w Wish) (done Admitted, err error) {
	w.Channel = cmp.Or(w.Channel, "stable")
	if err := reasoned(w.Reason); err != nil {
		return done, err
	}
	if w.UpTo < 1 {
		return done, fleet.Errorf(fleet.Invalid, "up_to", "the counted fleet cannot be made %d large; wanted how many handsets "+
			"the model has on the channel, as you know it from elsewhere", w.UpTo)
	}
	err = a.alone(ctx, func(ctx context.Context) error {
		done, err = a.admit(ctx, w)
		return err
	})
	return done, err
}

func (a *Admission) admit(ctx context.Context, w Wish) (done Admitted, err error) {
	now := a.Now()
	musters, err := a.musters(ctx, w.Model, w.Channel, now)
	if err != nil {
		return done, err
	}
	if len(musters) == 0 {
		return done, fleet.Errorf(fleet.NotFound, "fleet_unknown", "no installation of model %.40q on channel %.40q has "+
			"reported; wanted a device name such as \"otactl model list\" gives it", w.Model, w.Channel)
	}
	done.Muster = musters[0]
	done.Admission = fleet.Admission{Model: w.Model, Channel: w.Channel, At: now, Counted: done.Muster.Counted,
		Candidates: done.Muster.Candidates, By: w.By, Reason: w.Reason}
	done.Key, done.Cutoff = []byte{}, -1 // nobody's lot is so small
	if places := w.UpTo - done.Muster.Counted; places > 0 && done.Candidates > 0 {
		if err := a.draw(ctx, map[place]*lots{{w.Model, w.Channel}: {entry: &done.Admission, most: places}}); err != nil {
			return done, err
		}
	}
	words := done.Words(w.UpTo)
	if err := a.store(ctx, []fleet.Admission{done.Admission}, words); err != nil {
		return done, err
	}
	done.Applied, err = a.apply(ctx)
	return done, err
}

// store keeps the entries that admit somebody, and a line of the audit trail for each.
func (a *Admission) store(ctx context.Context, all []fleet.Admission, words string) error {
	return a.Store.Update(ctx, func(tx fleet.Tx) error {
		for _, e := range all {
			said := words
			if said == "" {
				said = fmt.Sprintf("%d of %d candidates, by the budget of one percent of %d until a person vouches", e.Admitted, e.Candidates,
					e.Counted)
			}
			if e.Reason != "" {
				said += ": " + e.Reason
			}
			if e.Admitted > 0 || e.By != loop { // a person's word renews the budget, whoever is there to be admitted
				if err := tx.Admissions().Put(ctx, e); err != nil {
					return err
				}
			}
			line := fleet.AuditEntry{At: e.At, Actor: e.By, Action: ActionAdmit, Subject: e.Model + "." + e.Channel, Reason: said}
			if err := tx.Audit().Append(ctx, line); err != nil {
				return err
			}
		}
		return nil
	})
}

func (a *Admission) musters(ctx context.Context, model, channel string, now time.Time) (all []fleet.Muster, err error) {
	err = a.Store.View(ctx, func(tx fleet.Tx) error {
		all, err = tx.Installations().Muster(ctx, model, channel, now)
		return err
	})
	return all, err
}

// place is a model and a channel.
type place struct{ model, channel string }

// lots are the smallest that were drawn for an entry so far, the largest of them first.
type lots struct {
	entry *fleet.Admission
	most  int64
	heap
}

// drawBatch bounds how many installations are read at once.
const drawBatch = 1_000

// draw gives each entry its key and its cutoff. The candidates are there, known for two weeks, before a key is made.
func (a *Admission) draw(ctx context.Context, all map[place]*lots) error {
	for _, l := range all {
		l.entry.Key = make([]byte, 16)
		if _, err := io.ReadFull(a.Random, l.entry.Key); err != nil {
			return err
		}
	}
	for after := report.Reference(""); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		var refs []report.Reference
		var states map[report.Reference][]fleet.Installation
		if err := a.Store.View(ctx, func(tx fleet.Tx) (err error) {
			if refs, err = tx.Installations().Refs(ctx, after, drawBatch); err == nil {
				states, err = tx.Installations().Of(ctx, refs...)
			}
			return err
		}); err != nil {
			return err
		}
		if len(refs) == 0 {
			return nil
		}
		after = refs[len(refs)-1]
		for _, s := range states {
			if l := all[place{s[0].Model, s[0].Channel}]; l != nil && s[0].Candidate(l.entry.At) {
				l.add(fleet.Lot(l.entry.Key, s[0].Ref), l.most)
				l.entry.Cutoff, l.entry.Admitted = l.heap[0], int64(len(l.heap))
			}
		}
	}
}
