// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/server/fleet"
)

// cell is one maintained figure.
type cell struct{ release, model, channel, who, kind, value string }

// Whose figures a cell is of: "" of everybody who is not quarantined, the counted ones among them too.
const (
	whoCounted     = "counted"
	whoQuarantined = "quarantined"
)

const (
	cellInstallations = "installations"
	cellVerdict       = "verdict"
	cellKind          = "kind"
	cellProgress      = "progress"
	cellBefore        = "before"
	cellLeaked        = "leaked"
	cellCause         = "cause"
	cellWaiting       = "waiting"   // value: UTC day of the newest report
	cellInstalled     = "installed" // value: hour of the newest report; of releases alone
	cellOutOfDraw     = "out_of_draw"
	cellUncounted     = "uncounted" // reports of those that are of no counted fleet; of no release, model and channel
)

// cells gathers the changes of a transaction, so that many reports write each figure once.
type cells map[cell]int64

// add counts a state under its release, and under no release if it is the current one, but for figures that stay as they are.
func (c cells) add(i *fleet.Installation, by int64, stay [][2]string) {
	if i == nil {
		return
	}
	if i.Current && !i.Member() {
		c[cell{kind: cellUncounted}] += by * i.Reports
	}
	who := ""
	if i.Quarantined {
		who = whoQuarantined
	}
	for _, kv := range cellsOf(i) {
		if slices.Contains(stay, kv) {
			continue
		}
		at := cell{i.Release, i.Model, i.Channel, who, kv[0], kv[1]}
		c.count(at, i.Counted, by)
		if at.release = ""; i.Current && at.kind != cellInstalled {
			c.count(at, i.Member(), by)
		}
	}
}

// count counts in a cell and, if it is of one that counts, in that of those as well.
func (c cells) count(at cell, counted bool, by int64) {
	c[at] += by
	if counted && at.who == "" {
		at.who = whoCounted
		c[at] += by
	}
}

// move adds what differs.
func (c cells) move(from, to *fleet.Installation) {
	var stay [][2]string
	if from != nil && to != nil && placeOf(from) == placeOf(to) {
		now := cellsOf(to)
		stay = slices.DeleteFunc(cellsOf(from), func(kv [2]string) bool { return !slices.Contains(now, kv) })
	}
	c.add(from, -1, stay)
	c.add(to, +1, stay)
}

// place is all that says, beside kind and value, in which figures a state counts.
type place struct {
	release, model, channel               string
	current, counted, member, quarantined bool
}

func placeOf(i *fleet.Installation) place {
	return place{i.Release, i.Model, i.Channel, i.Current, i.Counted, i.Member(), i.Quarantined}
}

// cellsOf names the figures that count a state: kind and value.
func cellsOf(i *fleet.Installation) [][2]string {
	room := [11][2]string{
		{cellInstallations, ""}, {cellVerdict, string(i.Verdict)}, {cellKind, string(i.Kind)},
		{cellProgress, string(i.Progress)},
		{cellBefore, string(i.Before)},
	}
	named := room[:5]
	if i.Leaked {
		named = append(named, [2]string{cellLeaked, ""})
	}
	if i.Cause != "" {
		named = append(named, [2]string{cellCause, string(i.Cause)})
	}
	if i.Waits() {
		named = append(named, [2]string{cellWaiting, number(effect.Day(i.Last))})
	}
	if i.Current && i.Progress == report.ProgressInstalled {
		named = append(named, [2]string{cellInstalled, number(fleet.Hour(i.Last))})
	}
	if i.OutOfDraw {
		named = append(named, [2]string{cellOutOfDraw, ""})
	}
	return named
}

func compareCells(a, b cell) int {
	return cmp.Or(cmp.Compare(a.release, b.release), cmp.Compare(a.model, b.model), cmp.Compare(a.channel, b.channel),
		cmp.Compare(a.who, b.who), cmp.Compare(a.kind, b.kind), cmp.Compare(a.value, b.value))
}

// Flush writes what was gathered.
func (t *Tx) Flush(ctx context.Context) error {
	if err := t.merge(ctx); err != nil {
		return err
	}
	changes := make([]Change, 0, len(t.cells))
	for _, c := range slices.SortedFunc(maps.Keys(t.cells), compareCells) {
		if by := t.cells[c]; by != 0 {
			changes = append(changes, Change{c.release, c.model, c.channel, c.who, c.kind, c.value, by, c.ages()})
		}
	}
	if len(changes) > 0 {
		if err := t.reports.Count(ctx, changes); err != nil {
			return err
		}
	}
	clear(t.cells)
	return nil
}

// countColumns are a figure. An engine may keep one in several rows, which are added up.
const countColumns = `release, model, channel, who, kind, value, n`

type counts struct{ t *Tx }

// Move implements fleet.CountsTable. The figures are written when they are read in this
// transaction, or when it is committed.
func (s counts) Move(_ context.Context, from, to *fleet.Installation) error {
	if s.t.cells == nil {
		return s.t.refused
	}
	s.t.cells.move(from, to)
	return nil
}

// Of implements fleet.CountsTable.
func (s counts) Of(ctx context.Context, release, model, channel string) (fleet.Counts, error) {
	all, err := s.list(ctx, ` WHERE release = $1 AND model = $2 AND channel = $3`, release, model, channel)
	if err != nil || len(all) == 0 {
		return zeroCounts(release, model, channel), err
	}
	return all[0], nil
}

// Total implements fleet.CountsTable.
func (s counts) Total(ctx context.Context, model, channel string) (fleet.Counts, error) {
	return s.Of(ctx, "", model, channel)
}

// OfRelease implements fleet.CountsTable.
func (s counts) OfRelease(ctx context.Context, release string) ([]fleet.Counts, error) {
	return s.list(ctx, ` WHERE release = $1 AND model <> ''`, release)
}

// OfModel implements fleet.CountsTable.
func (s counts) OfModel(ctx context.Context, model string) ([]fleet.Counts, error) {
	return s.list(ctx, ` WHERE model = $1 AND release <> ''`, model)
}

// Totals implements fleet.CountsTable.
func (s counts) Totals(ctx context.Context) ([]fleet.Counts, error) { return s.OfRelease(ctx, "") }

// Uncounted implements fleet.CountsTable.
func (s counts) Uncounted(ctx context.Context) (n int64, err error) {
	if err := s.t.Flush(ctx); err != nil {
		return 0, err
	}
	return n, s.t.reports.Row(ctx, []any{&n}, `SELECT CAST(coalesce(sum(n), 0) AS BIGINT) FROM counts
		WHERE release = '' AND model = '' AND channel = '' AND who = '' AND kind = 'uncounted'`)
}

// List implements fleet.CountsTable.
func (s counts) List(ctx context.Context) ([]fleet.Counts, error) {
	return s.list(ctx, ` WHERE release <> ''`)
}

func (s counts) list(ctx context.Context, where string, args ...any) ([]fleet.Counts, error) {
	if err := s.t.Flush(ctx); err != nil {
		return nil, err
	}
	rows, err := s.t.reports.Query(ctx, `SELECT `+countColumns+` FROM counts`+where+` ORDER BY release, model, channel`,
		args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []fleet.Counts
	var c cell
	var n int64
	into := []any{&c.release, &c.model, &c.channel, &c.who, &c.kind, &c.value, &n} // once: there are many rows
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		if last := len(all) - 1; last < 0 || all[last].Release != c.release || all[last].Model != c.model ||
			all[last].Channel != c.channel {
			all = append(all, zeroCounts(c.release, c.model, c.channel))
		}
		put(figures(&all[len(all)-1], c.who), c, n)
	}
	for n := range all {
		for _, of := range []*fleet.Figures{&all[n].Figures, &all[n].Counted, &all[n].Quarantined} {
			maps.DeleteFunc(of.Waiting, isZero) // several rows may add up to nothing
			maps.DeleteFunc(of.Installed, isZero)
		}
	}
	return all, rows.Err()
}

func isZero(_, n int64) bool { return n == 0 }

func figures(of *fleet.Counts, who string) *fleet.Figures {
	switch who {
	case whoCounted:
		return &of.Counted
	case whoQuarantined:
		return &of.Quarantined
	}
	return &of.Figures
}

func put(into *fleet.Figures, c cell, n int64) {
	switch c.kind {
	case cellInstallations:
		into.Installations += n
	case cellLeaked:
		into.Leaked += n
	case cellOutOfDraw:
		into.OutOfDraw += n
	case cellVerdict:
		into.Verdicts[fleet.Class(c.value)] += n
	case cellKind:
		into.Kinds[fleet.Kind(c.value)] += n
	case cellProgress:
		into.Progress[report.Progress(c.value)] += n
	case cellBefore:
		into.Before[fleet.Before(c.value)] += n
	case cellCause:
		into.Causes[report.Cause(c.value)] += n
	case cellWaiting:
		into.Waiting[age(c.value)] += n
	case cellInstalled:
		into.Installed[age(c.value)] += n
	}
}

// zeroCounts has no class, kind, progress, finding or cause: what was never counted is absent, and absent is zero.
func zeroCounts(release, model, channel string) fleet.Counts {
	return fleet.Counts{Release: release, Model: model, Channel: channel, Figures: fleet.NewFigures(),
		Counted: fleet.NewFigures(), Quarantined: fleet.NewFigures()}
}
