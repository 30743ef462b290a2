// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"landed/manifests/report"
	"landed/manifests/report/envelope"
	"landed/server/fleet"
)

// load reads what Settle needs, for the whole batch at once.
func (i *Intake) load(ctx context.Context, tx fleet.Tx, batch []Arrival) (Loaded, error) {
	refs := make(map[report.Reference]bool, len(batch))
	for _, a := range batch {
		refs[a.Ref] = true
	}
	states, err := tx.Installations().Of(ctx, slices.Collect(maps.Keys(refs))...)
	if err != nil {
		return Loaded{}, err
	}
	l := Loaded{States: states}
	if l.Control, err = loadControl(ctx, tx, goings(batch, states)...); err != nil {
		return l, err
	}
	var ids []fleet.ReportID
	var seqs []fleet.ReportSeq
	for _, a := range batch {
		known := states[a.Ref]
		if len(known) == 0 {
			continue // nothing of it is stored
		}
		if id := a.Key(); id.Seq <= known[0].Seq {
			ids = append(ids, id) // one with a higher number is not stored: the newest has the highest
		}
		// Of an installation that may send no more, nothing new is taken.
		if a.Report.Seq < known[0].Seq && known[0].Reports < MaxReports {
			seqs = append(seqs, a.Number())
		}
	}
	if l.Stored, err = tx.Reports().Stored(ctx, ids...); err != nil {
		return l, err
	}
	if l.Sequences, err = tx.Reports().Sequences(ctx, seqs...); err != nil {
		return l, err
	}
	if err := i.loadNewest(ctx, tx, batch, &l); err != nil {
		return l, err
	}
	return l, loadFirst(ctx, tx, batch, &l)
}

// loadFirst adds what the first report spoke of, of installations that say they were sold with their build. They are few.
func loadFirst(ctx context.Context, tx fleet.ReportsTx, batch []Arrival, l *Loaded) error {
	l.First = map[report.Reference]string{}
	for _, a := range batch {
		_, have := l.First[a.Ref]
		if have || len(l.States[a.Ref]) == 0 || !soldWithIt(a) && !soldWithIt(l.Newest[a.Ref]) {
			continue
		}
		first, err := tx.Reports().First(ctx, a.Ref)
		if err != nil {
			return err
		}
		r, _, err := envelope.Open(first.Envelope)
		if err != nil {
			return fmt.Errorf("first report of %s: %w", a.Ref, err)
		}
		l.First[a.Ref] = r.Build
	}
	return nil
}

func soldWithIt(a Arrival) bool {
	return a.Report.PreviousBuild == "" && a.Report.Build != "" && a.Report.Build != report.BuildOther
}

// goings are what the installations of a batch speak of, and spoke of.
func goings(batch []Arrival, states map[report.Reference][]fleet.Installation) []Going {
	all := map[Going]bool{}
	for _, a := range batch {
		all[Going{Model: a.Report.Model, Channel: a.Report.Channel}] = true
		for _, i := range states[a.Ref] {
			all[Going{Model: i.Model, Channel: i.Channel}] = true
		}
	}
	return slices.Collect(maps.Keys(all))
}

// loadNewest adds the newest report of the installations that a twin in the batch may judge again. They are few.
func (i *Intake) loadNewest(ctx context.Context, tx fleet.ReportsTx, batch []Arrival, l *Loaded) error {
	l.Newest = map[report.Reference]Arrival{}
	seen := map[fleet.ReportSeq]bool{}
	for _, a := range batch {
		twin := seen[a.Number()] || l.Sequences[a.Number()]
		seen[a.Number()] = true
		known := l.States[a.Ref]
		if len(known) == 0 || known[0].Cloned || known[0].Reports >= MaxReports {
			continue
		}
		if _, replayed := l.Stored[a.Key()]; replayed || !twin && a.Report.Seq != known[0].Seq {
			continue
		}
		if _, have := l.Newest[a.Ref]; have {
			continue
		}
		newest, err := tx.Installations().Get(ctx, a.Ref)
		if err != nil {
			return err
		}
		rule, err := i.Rules.Of(ctx, newest.Release, newest.Model)
		if err != nil {
			return err
		}
		l.Newest[a.Ref] = Arrival{Report: newest.Newest, Ref: a.Ref, Rule: rule}
	}
	return nil
}

// save stores what a batch changes, at once.
func save(ctx context.Context, tx fleet.ReportsTx, out Outcome) error {
	added, err := tx.Reports().Append(ctx, out.Reports...)
	if err != nil {
		return err
	}
	if added != len(out.Reports) {
		return fmt.Errorf("%d of %d reports are stored already, under installations that are not known; run \"otad fsck\"",
			len(out.Reports)-added, len(out.Reports))
	}
	states := make([]fleet.Installation, 0, len(out.Changes))
	for _, c := range out.Changes {
		states = append(states, *c.To)
		if err := tx.Counts().Move(ctx, c.From, c.To); err != nil {
			return err
		}
	}
	return tx.Installations().Put(ctx, states...)
}
