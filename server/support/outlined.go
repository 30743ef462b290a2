// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"slices"

	"landed/manifests"
	"landed/manifests/effect"
	signed "landed/manifests/evidence"
	"landed/server/cells"
	"landed/server/fleet"
	"landed/server/reasons"
	"landed/web"
)

// Outlined is all that everybody may know of the installations of a model where small numbers are not shown: it is made of
// published cells, and never of figures.
type Outlined struct {
	Threshold int64
	Kinds     map[fleet.Kind]*int64 // about so many of each kind; nil: not shown
	About     int64                 // of all kinds that are shown
	Opposite  Reported              // if anybody reports the opposite of the effect
	Rows      []web.Row             // the kinds that are shown
	most      map[fleet.Kind]int64  // how many there can be of a kind that is not shown
}

// Reported is what is known of reports of the opposite of an effect, of which one bit is public.
type Reported string

// What is known.
const (
	NotReported Reported = ""
	Unconfirmed Reported = "unconfirmed" // handsets say so, and nothing else does
	Confirmed   Reported = "confirmed"   // a witness handset or an observer says so, too
)

// Any says that a number is shown.
func (o *Outlined) Any() bool { return len(o.Rows) > 0 }

// Some says that numbers are shown, and not all of them.
func (o *Outlined) Some() bool { return o.Any() && len(o.Rows) < len(effect.Kinds) }

// Bar divides the width of a bar by kind.
func (o *Outlined) Bar() []web.Segment { return segments(o.Rows, o.About) }

// outlinedFor reads what an outline is made of, in one transaction: what is published and signed, how rollouts stand, and
// the cells for everybody.
func (e *evidence) outlinedFor(threshold int64) func(context.Context, func(fleet.Tx, *snapshot) error) error {
	return func(ctx context.Context, page func(fleet.Tx, *snapshot) error) error {
		return e.view.View(ctx, func(tx fleet.Tx) error {
			snap, _, err := e.base(ctx, tx)
			if err != nil {
				return err
			}
			snap.public = &publicCells{threshold, map[string]map[fleet.Kind]fleet.PublicCell{}}
			all, err := tx.PublicCells().Shown(ctx, threshold)
			for _, c := range all {
				if snap.public.of[c.Model] == nil {
					snap.public.of[c.Model] = map[fleet.Kind]fleet.PublicCell{}
				}
				snap.public.of[c.Model][c.Kind] = c
			}
			if err != nil {
				return err
			}
			return page(tx, snap)
		})
	}
}

// publicCells are the cells for everybody, by model and kind.
type publicCells struct {
	threshold int64
	of        map[string]map[fleet.Kind]fleet.PublicCell
}

// publicHome is the channel by which it is decided under which release a model stands, where that may not follow from how
// many handsets are where: the first of all channels, if the model was ever offered anything on it.
func (snap *snapshot) publicHome(device string) string {
	home := manifests.Channels[0]
	for _, is := range snap.of[device] {
		if slices.ContainsFunc(is.rollouts, func(r fleet.Rollout) bool { return r.Model == device && r.Channel == home }) {
			return home
		}
	}
	return ""
}

// outliner describes what everybody may see.
type outliner struct{ describer }

// outline is what everybody may know of the handsets of a model under a release: nothing, if it is another one than that
// under which they were counted.
func (d outliner) outline(snap *snapshot, release, device string, m Model) *Outlined {
	o := &Outlined{Threshold: snap.public.threshold, Kinds: map[fleet.Kind]*int64{}, most: map[fleet.Kind]int64{}}
	of := snap.public.of[device]
	for _, kind := range effect.Kinds {
		o.Kinds[kind] = nil
		c, ok := of[kind]
		if !ok || c.Release != release {
			continue
		}
		if c.Any {
			o.Opposite = Unconfirmed
		}
		o.most[kind] = cells.Hidden(o.Threshold, !c.At.IsZero()) // of bad too where nobody shows the opposite: what is contradictory
		if c.Shown {
			o.Kinds[kind], o.About = &c.Number, o.About+c.Number
		}
	}
	refuted := func(c LabCheck) bool { return c.Standing == signed.Refuted }
	halted := func(code string) bool {
		return slices.ContainsFunc(snap.of[device], func(is *issue) bool {
			return slices.ContainsFunc(is.rollouts, func(r fleet.Rollout) bool {
				return r.Model == device && r.Release == release && r.Reason.Code == code
			})
		})
	}
	switch {
	case slices.ContainsFunc(m.Checks, refuted) || halted(reasons.WitnessHalt):
		o.Opposite = Confirmed
	case halted(reasons.LeaksHalt): // the halt says so, before the next day does
		o.Opposite = Unconfirmed
	}
	o.Rows = d.kindRows(func(kind fleet.Kind) *int64 { return o.Kinds[kind] }, o.About)
	return o
}

// kindRows are the kinds of which there is a number, in the order of every page.
func (d outliner) kindRows(number func(fleet.Kind) *int64, of int64) (rows []web.Row) {
	for _, row := range d.byKind(Figures{Kinds: map[fleet.Kind]int64{}}) {
		if n := number(fleet.Kind(row.Key)); n != nil {
			row.Count, row.Of, row.Low, row.High = *n, of, 0, 0
			rows = append(rows, row)
		}
	}
	for i := range rows { // of one number alone it would be all, while others are hidden
		if len(rows) > 1 {
			rows[i].Share = d.words.locale.Percent(int((rows[i].Count*100+of/2)/max(of, 1)) * 100)
		}
	}
	return rows
}

// figures are what can be said of numbers in the way of figures, if there are so many of each kind.
func (o *Outlined) figures(lex lexicon, offered bool, number func(fleet.Kind) int64) Figures {
	f := Figures{Kinds: map[fleet.Kind]int64{}, claims: lex.claims()}
	for _, kind := range effect.Kinds {
		f.Kinds[kind] = number(kind)
		f.Installations += f.Kinds[kind]
	}
	f.Proven = f.Kinds[effect.Good]
	f.Judged = f.Proven + f.Kinds[effect.Open] + f.Kinds[effect.Bad]
	if f.Running = f.Judged; !f.claims && offered { // nobody is told how many run it
		f.Running = 1
	}
	if o.Opposite != NotReported {
		f.Opposite = 1
	}
	f.ProvenInterval = interval(f.Proven, f.Judged)
	return f
}

// shown is the number that is shown of a kind, 0 if none is.
func (o *Outlined) shown(kind fleet.Kind) int64 {
	if n := o.Kinds[kind]; n != nil {
		return *n
	}
	return 0
}

// fewest and atMost are between which numbers that of a kind lies: one that is shown may be off, and one that is not shown is
// below a bound.
func (o *Outlined) fewest(kind fleet.Kind) int64 { return max(0, o.shown(kind)-cells.Off(o.Threshold)) }

func (o *Outlined) atMost(kind fleet.Kind) int64 {
	switch {
	case o.Kinds[kind] != nil:
		return o.shown(kind) + cells.Off(o.Threshold)
	case o.Any():
		return o.most[kind]
	}
	return 0 // nothing follows from what is not there
}

// stands says how a release stands by what is published: as it stands both if all that is not shown, or not exact, speaks against
// it, and if all of that speaks for it.
func (o *Outlined) stands(lex lexicon, rollouts []Rollout, retired bool) Standing {
	worst := standing(o.figures(lex, len(rollouts) > 0, func(k fleet.Kind) int64 {
		if k == effect.Good {
			return o.fewest(k)
		}
		return o.atMost(k)
	}), rollouts, retired)
	best := standing(o.figures(lex, len(rollouts) > 0, func(k fleet.Kind) int64 {
		if k == effect.Good {
			return o.atMost(k)
		}
		return o.fewest(k)
	}), rollouts, retired)
	shown := []Standing{Shown, Spreading}
	switch {
	case slices.Contains(shown, worst) && slices.Contains(shown, best) && worst != best:
		return Spreading
	case worst == best && worst != Waiting:
		return worst
	case o.Any() && (o.Kinds[effect.Good] != nil || o.Kinds[effect.Open] != nil):
		return Testing
	}
	return Offered
}

// outlineModel is a release on one model as everybody may see it.
func (d outliner) outlineModel(snap *snapshot, is *issue, device string) Model {
	v := d.unreleased(device)
	v.Release, v.Effect = is.Name, is.lex.name()
	for _, r := range is.rollouts {
		if r.Model == device {
			v.Rollouts = append(v.Rollouts, outlineRollout(is.lex, r))
		}
	}
	v.Checks = d.checks(snap.found, is, device)
	v.Public = d.outline(snap, is.Name, device, v)
	v.Standing = v.Public.stands(is.lex, v.Rollouts, snap.retired[device])
	v.Figures = v.Public.figures(is.lex, len(v.Rollouts) > 0, v.Public.shown)
	v.Opposite = 0 // how many do, nobody is told
	if v.Public.Kinds[effect.Good] == nil {
		v.Judged = 0 // as a part of those that are shown, none would be too few
	}
	v.Badge = d.words.locale.Say("standing."+string(v.Standing), nil)
	v.Say = d.say(is, v, snap.haltedBefore(is, device))
	return v
}

// outlineToday is a model as it stands, as everybody may see it.
func (d outliner) outlineToday(snap *snapshot, device string) Model {
	v := d.unreleased(device)
	if is := snap.newest(device); is != nil {
		v = d.outlineModel(snap, is, device)
	} else {
		v.Standing, v.Say = Unreadable, ""
		v.Public = d.outline(snap, "", device, v)
		v.Badge = d.words.locale.Say("standing."+string(v.Standing), nil)
		for _, is := range snap.unreadable {
			for _, r := range is.rollouts {
				if r.Model == device {
					v.Rollouts = append(v.Rollouts, outlineRollout(is.lex, r))
				}
			}
		}
	}
	if v.Unreadable = snap.unreadableOn(device); len(v.Unreadable) > 0 {
		v.Say = d.words.locale.Sentences(v.Say, d.words.locale.Say("say.unreadable", v))
	}
	return v
}

// outlineRollout says how far a rollout has come, and not what it waits for, which is counted.
func outlineRollout(lex lexicon, r fleet.Rollout) Rollout {
	return Rollout{
		ID: r.ID, Channel: r.Channel, State: r.State, Stage: min(r.Stage+1, len(r.Stages)), Stages: len(r.Stages),
		Share: r.Share(), Waiting: []string{}, Held: clean(lex.bare(r.Held)), Reason: clean(lex.bare(r.Reason)),
		By: clean(r.By), Since: r.Since.UTC(), Changed: r.Changed.UTC(),
	}
}

// bare words a reason of which the values are not told.
func (l lexicon) bare(r fleet.Reason) string {
	if key := "reason.public." + r.Code; l.locale.Has(key) {
		return l.locale.Say(key, nil)
	}
	return l.reason(r)
}
