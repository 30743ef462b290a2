// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"landed/server/fleet"
	"landed/web"
)

// Day is of which day the figures of an answer are, if they are not those of now: as the last copy of that day has them. What
// copies do not know (how rollouts stood, what they waited for, lab checks) is left out of such an answer: a standing is "", and
// lists of these are empty.
type Day struct {
	Day string    `json:"day"`       // UTC, 2006-01-02
	At  time.Time `json:"copied_at"` // when they were copied

	Now, JSON, CSV string  `json:"-"` // the addresses of the same page as of now, and of other forms of this one
	Earlier, Later *OneDay `json:"-"` // the nearest days of which there is a copy; nil if there is none
}

// OneDay is the way to a day.
type OneDay struct{ Day, Path string }

// onDay is the parameter of an address that asks for a day.
const onDay = "on"

// dated is a view that may be of a day.
type dated interface{ of() *Day }

func (v *Status) of() *Day      { return v.On }
func (v *ReleasePage) of() *Day { return v.On }
func (v *ModelPage) of() *Day   { return v.On }

// dayOf is the day of a view; nil if it is of now.
func dayOf(v view) *Day {
	if d, ok := v.(dated); ok {
		return d.of()
	}
	return nil
}

// nearestDays is the field of a problem that has them.
const nearestDays = "nearest_days"

// noDay is an error about a day of which nothing can be shown, with the nearest days of which something can.
type noDay struct {
	error
	nearest []string
}

func (e *noDay) Unwrap() error { return e.error }

// Extend implements render.Extender.
func (e *noDay) Extend() map[string]any { return map[string]any{nearestDays: e.nearest} }

// on reads a snapshot as it was on the day that a request asks for.
func (e *evidence) on(r *http.Request, page func(*snapshot, *Day) error) error {
	ctx := r.Context()
	return e.view.View(ctx, func(tx fleet.Tx) error {
		moments, err := tx.History().Moments(ctx)
		if err != nil {
			return err
		}
		m, day, err := pickDay(moments, r.URL.Query().Get(onDay), e.now())
		if err != nil {
			return err
		}
		now, err := e.load(ctx, tx)
		if err != nil {
			return err
		}
		then, err := now.asOf(ctx, tx, m)
		if err != nil {
			return err
		}
		return page(then, day)
	})
}

// pickDay is the last copy of a day that is over.
func pickDay(moments []fleet.Moment, asked string, now time.Time) (is fleet.Moment, of *Day, err error) {
	today := now.UTC().Format(time.DateOnly)
	at, malformed := time.Parse(time.DateOnly, asked)
	if malformed != nil || at.Year() < 1 {
		at, asked = now, today
	}
	var before, after string
	for _, m := range moments {
		switch day := m.At.UTC().Format(time.DateOnly); {
		case day >= today:
		case day < asked:
			before = day
		case day > asked && after == "":
			after = day
		case day == asked:
			is = m
		}
	}
	nearest := slices.DeleteFunc([]string{before, after}, func(day string) bool { return day == "" })
	there := "there is none yet"
	if len(nearest) > 0 {
		there = "the nearest are of " + strings.Join(nearest, " and ")
	}
	switch {
	case malformed != nil:
		err = fleet.Errorf(
			fleet.Invalid,
			"day_unreadable",
			"a day is asked for with on=YYYY-MM-DD, in UTC; of days with copies, %s",
			there,
		)
	case asked >= today:
		err = fleet.Errorf(fleet.NotFound, "day_not_over", "that day is not over yet; of days with copies, %s", there)
	case is.At.IsZero():
		err = fleet.Errorf(
			fleet.NotFound,
			"day_without_copy",
			"there is no copy of the figures of that day; of days with copies, %s",
			there,
		)
	}
	if err != nil {
		return is, nil, &noDay{err, nearest}
	}
	of = &Day{Day: asked, At: is.At.UTC()}
	for _, one := range []struct {
		day string
		to  **OneDay
	}{{before, &of.Earlier}, {after, &of.Later}} {
		if one.day != "" {
			*one.to = &OneDay{Day: one.day}
		}
	}
	return is, of, nil
}

// noDays is for whoever asks for a day of a page that is of now alone: figures of now would be taken for those of that day.
func noDays(links web.Links) error {
	return fleet.Errorf(fleet.Invalid, "day_not_kept", "this is of now alone, and %s= asks for a day; where every number is shown, days "+
		"that are over have %s, %s and %s, their .json and their .csv; leave %[1]s= out for what there is now",
		onDay, links.To("/"), links.To("/releases/{name}"), links.To("/models/{role}"))
}

// aDay says that what was typed is a day, and nothing else.
func aDay(typed string) bool {
	_, err := time.Parse(time.DateOnly, typed)
	return err == nil
}

// at gives a day the addresses of a local page.
func (d *Day) at(says describer, page, file string) *Day {
	on := func(day string) string { return "?" + url.Values{onDay: {day}}.Encode() }
	d.Now, d.JSON, d.CSV = says.links.To(page), says.links.To(file+".json"+on(d.Day)), says.links.To(file+".csv"+on(d.Day))
	for _, near := range []*OneDay{d.Earlier, d.Later} {
		if near != nil {
			near.Path = says.links.To(page + on(near.Day))
		}
	}
	return d
}

// asOf is what copies of a moment know of a snapshot: the figures of the releases and rollouts that there were.
func (snap *snapshot) asOf(ctx context.Context, tx fleet.Tx, m fleet.Moment) (*snapshot, error) {
	then := &snapshot{of: map[string][]*issue{}, cells: map[string][]fleet.Counts{}, totals: map[string][]fleet.Counts{},
		found: &findings{}, retired: map[string]bool{}, unreadable: snap.unreadable, silence: map[string]*SilentFor{}}
	var cells []fleet.Cell
	for _, device := range snap.models {
		for _, c := range slices.Concat(snap.cells[device], snap.totals[device]) {
			cells = append(cells, c.Cell())
		}
	}
	wholes := []fleet.Cell{{}} // of the fleet and of each release, on all models
	for _, is := range snap.releases {
		wholes = append(wholes, fleet.Cell{Release: is.Name})
	}
	stood, err := tx.History().Stood(ctx, []time.Time{m.At}, slices.Concat(cells, wholes)...)
	if err != nil {
		return nil, err
	}
	for n, whole := range wholes {
		then.silence[whole.Release] = silentFor(m.At, stood[0][len(cells)+n].Counts)
	}
	for n, c := range stood[0][:len(cells)] {
		of := then.cells
		if cells[n].Release == "" {
			of = then.totals
		}
		if !c.At.IsZero() {
			of[cells[n].Model] = append(of[cells[n].Model], c.Counts)
		}
	}
	for _, is := range snap.releases {
		if is.At.After(m.At) {
			continue
		}
		old := is.asOf(m.At)
		then.releases = append(then.releases, old)
		for _, device := range old.models {
			then.of[device] = append(then.of[device], old)
		}
	}
	for _, device := range snap.models {
		if len(then.of[device]) > 0 || sum(then.totals[device]...).Installations > 0 {
			then.models = append(then.models, device)
		}
	}
	for _, q := range snap.quarantines {
		if !q.At.After(m.At) && (q.Lifted.IsZero() || q.Lifted.After(m.At)) {
			q.Lifted = time.Time{}
			then.quarantines = append(then.quarantines, q)
		}
	}
	return then, nil
}

// asOf is a release with the rollouts that had begun at a time. How they stood is not known.
func (is *issue) asOf(at time.Time) *issue {
	old := *is
	old.rollouts = slices.DeleteFunc(slices.Clone(is.rollouts), func(r fleet.Rollout) bool { return r.Started.After(at) })
	return &old
}

// before puts a day before the title of a page.
func (d *Day) before(title string) string {
	if d == nil {
		return title
	}
	return d.Day + " · " + title
}
