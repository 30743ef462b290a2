// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"net/http"
	"slices"
	"time"

	"landed/server/fleet"
	"landed/server/history"
	"landed/server/recount"
)

// Series is how figures came to be what they are: of the fleet, /series.json, of a release, /releases/{name}/series.json, or of
// a model, /models/{role}/series.json, whose points are each of the release under which it stood then. Points are of the
// moments at which figures were copied, at most [pointsMost]; the last is how they stand now, as the page has them.
type Series struct {
	Schema  int         `json:"schema"` // 1
	Model   string      `json:"model,omitempty"`
	Release string      `json:"release,omitempty"`
	Points  []Point     `json:"points"` // oldest first
	Marks   []Mark      `json:"marks"`  // what happened meanwhile, oldest first
	Stages  []StageTime `json:"stages"` // when which share was offered
	// By how much there is more now than a day and a week ago; missing without a copy of 24 to 26 hours, or 7 to 8 days, ago.
	Day  *Difference `json:"since_day,omitempty"`
	Week *Difference `json:"since_week,omitempty"`
	// By the newest copy; missing before there is one.
	SilentFor *SilentFor `json:"silent_for,omitempty"`
}

// pointsMost bounds the points of a series.
const pointsMost = 120

// seriesPages answer with series.
type seriesPages struct {
	evidence *evidence
	says     describer
	lineup   *lineup
	releases releasePages
}

func (p seriesPages) fleet(r *http.Request) (v view, err error) {
	err = p.evidence.with(r.Context(), func(tx fleet.Tx, snap *snapshot) error {
		var models []Model
		for _, device := range snap.models {
			models = append(models, p.says.today(snap, device))
		}
		v, err = p.says.chronicle().fleetSeries(r.Context(), tx, snap, p.evidence.now(), p.says.together(models))
		return err
	})
	return v, err
}

func (p seriesPages) release(r *http.Request) (v view, err error) {
	name := r.PathValue("name")
	if err := p.releases.known(r.Context(), name); err != nil {
		return nil, err
	}
	err = p.evidence.with(r.Context(), func(tx fleet.Tx, snap *snapshot) error {
		is := snap.release(name)
		if is == nil {
			return unreadableRelease()
		}
		v, err = p.says.chronicle().releaseSeries(r.Context(), tx, snap, p.evidence.now(), is, p.releases.page(snap, is).Totals)
		return err
	})
	return v, err
}

func (p seriesPages) model(r *http.Request) (v view, err error) {
	known, ok := p.lineup.catalogue().ByRole(r.PathValue("role"))
	if !ok {
		return nil, unknownModel()
	}
	err = p.evidence.with(r.Context(), func(tx fleet.Tx, snap *snapshot) error {
		now := p.says.unreleased(known.Device)
		if slices.Contains(snap.models, known.Device) {
			now = p.says.today(snap, known.Device)
		}
		v, err = p.says.chronicle().modelSeries(r.Context(), tx, snap, p.evidence.now(), now)
		return err
	})
	return v, err
}

// chronicle tells how figures came to be what they are, in the words of the pages.
type chronicle struct{ describer }

func (d describer) chronicle() chronicle { return chronicle{d} }

// fleetSeries is that of all models, each under the release where it stood.
func (d chronicle) fleetSeries(ctx context.Context, tx fleet.Tx, snap *snapshot, now time.Time, last Figures) (*Series, error) {
	s, err := d.fleetSoFar(ctx, tx, snap, now, nil)
	if err != nil {
		return nil, err
	}
	return s.ending(last), nil
}

// fleetSoFar is fleetSeries without its end. What it was made as before, if it was, saves reading the same copies again.
func (d chronicle) fleetSoFar(ctx context.Context, tx fleet.Tx, snap *snapshot, now time.Time, was *soFar) (*soFar, error) {
	return d.soFar(ctx, tx, now, was, copies{
		cells: []fleet.Cell{{}}, totals: 1,
		at: func(_ time.Time, stood []fleet.Counts) (Figures, string, bool) {
			return d.ofCopy(nil, stood[0]), "", stood[0].Installations > 0
		},
		happened: happened{releases: snap.releases},
	})
}

// releaseSeries is that of a release on all its models: what was shown of it.
func (d chronicle) releaseSeries(
	ctx context.Context, tx fleet.Tx, snap *snapshot, now time.Time, is *issue, last Figures,
) (*Series, error) {
	s, err := d.series(ctx, tx, now, last, copies{
		cells: []fleet.Cell{{Release: is.Name}}, totals: 1,
		at: func(_ time.Time, stood []fleet.Counts) (Figures, string, bool) {
			return d.ofCopy(is, stood[0]), "", stood[0].Installations > 0
		},
		happened: happened{releases: []*issue{is}},
	})
	if err == nil {
		s.Release = is.Name
	}
	return s, err
}

// modelSeries is that of a model.
func (d chronicle) modelSeries(ctx context.Context, tx fleet.Tx, snap *snapshot, now time.Time, m Model) (*Series, error) {
	device := m.Model
	cells, totals := snap.cells[device], snap.totals[device]
	of := copies{totals: len(totals), happened: happened{releases: snap.of[device], model: device}}
	for _, c := range slices.Concat(cells, totals) {
		of.cells = append(of.cells, c.Cell())
	}
	of.at = func(at time.Time, stood []fleet.Counts) (Figures, string, bool) {
		cells, totals := stood[:len(cells)], stood[len(cells):]
		fleetOf := sum(totals...)
		is := snap.newestAt(device, at, totals)
		if is == nil {
			return d.allOf(fleetOf), "", fleetOf.Installations > 0
		}
		f := wholeOf(is, cells, totals, recount.Everybody)
		if anyCounted(totals) {
			f = f.carried(wholeOf(is, counted(cells), counted(totals), f.Unmet))
		}
		return f, is.Name, f.Installations > 0
	}
	of.ran = func(stood []fleet.Counts) map[string]int64 { return ran(stood[:len(cells)]) }
	s, err := d.series(ctx, tx, now, m.Figures, of)
	if err == nil {
		s.Model = device
		last := &s.Points[len(s.Points)-1]
		last.Release, last.Ran = m.Release, ran(cells)
	}
	return s, err
}

// newestAt is the release under which a model stood at a time, of whose totals it is told.
func (snap *snapshot) newestAt(device string, at time.Time, totals []fleet.Counts) *issue {
	then := &snapshot{of: map[string][]*issue{}, totals: map[string][]fleet.Counts{device: totals}}
	for _, is := range snap.of[device] {
		if is.At.After(at) {
			continue
		}
		then.of[device] = append(then.of[device], is.asOf(at))
	}
	return then.newest(device)
}

// copies say how a series is made of the copies of some cells.
type copies struct {
	cells []fleet.Cell
	// at makes figures of how these stood; false if there is nothing to tell of that time.
	at     func(at time.Time, stood []fleet.Counts) (f Figures, release string, any bool)
	totals int // the last so many cells have each handset once; the others of a model have it once for each release
	// ran, if set, says how many had run each release.
	ran func(stood []fleet.Counts) map[string]int64
	happened
}

// series reads the copies, and ends with what is now.
func (d chronicle) series(ctx context.Context, tx fleet.Tx, now time.Time, last Figures, of copies) (*Series, error) {
	s, err := d.soFar(ctx, tx, now, nil, of)
	if err != nil {
		return nil, err
	}
	return s.ending(last), nil
}

// soFar is a series without what is now, in no language.
type soFar struct {
	series      Series
	ends        time.Time
	days, weeks *fleet.Moment // copies of a day and a week ago
	copied      []fleet.Moment
}

// ending is the series with what is now; soFar stays as it is.
func (f *soFar) ending(last Figures) *Series {
	s, is := f.series, pointOf(f.ends, last)
	s.Day, s.Week = s.since(f.days, is), s.since(f.weeks, is)
	s.Points = append(slices.Clip(s.Points), is)
	return &s
}

func (d chronicle) soFar(ctx context.Context, tx fleet.Tx, now time.Time, was *soFar, of copies) (*soFar, error) {
	f := &soFar{series: Series{Schema: 1, Points: []Point{}, Marks: []Mark{}, Stages: of.stages()},
		ends: now.UTC().Truncate(time.Minute)} // so that it is the same document for a while
	moments, err := tx.History().Moments(ctx)
	if err != nil {
		return nil, err
	}
	for len(moments) > 0 && !moments[len(moments)-1].At.Before(f.ends) {
		moments = moments[:len(moments)-1]
	}
	f.days = newestOf(moments, now.Add(-dayAgo), now.Add(-day))
	f.weeks = newestOf(moments, now.Add(-weekAgo), now.Add(-7*day))
	f.copied = withThem(history.Pick(moments, pointsMost-3), f.days, f.weeks)
	if was != nil && slices.Equal(was.copied, f.copied) { // copies do not change
		f.series.Points, f.series.SilentFor = was.series.Points, was.series.SilentFor
	} else if err := f.points(ctx, tx, of); err != nil {
		return nil, err
	}
	f.series.Marks, err = of.marks(ctx, tx)
	return f, err
}

// points are those of the copies.
func (f *soFar) points(ctx context.Context, tx fleet.Tx, of copies) error {
	stood, err := stoodAt(ctx, tx, of.cells, f.copied)
	if err != nil {
		return err
	}
	s := &f.series
	for n, then := range stood {
		at := f.copied[n].At
		figures, release, any := of.at(at, then)
		if !any && len(s.Points) == 0 {
			continue
		}
		p := pointOf(at, figures)
		p.Release, p.SilentFor = release, silentFor(at, then[len(then)-of.totals:]...)
		s.SilentFor = p.SilentFor // that of the newest stays: it is always among them
		if of.ran != nil {
			p.Ran = of.ran(then)
		}
		s.Points = append(s.Points, p)
	}
	return nil
}

const day = 24 * time.Hour

// How old a copy may be to be called one of yesterday, and of a week ago: after a pause of the server there may be none.
const (
	dayAgo  = 26 * time.Hour
	weekAgo = 8 * day
)

// newestOf is the newest moment of a time, both ends with it; nil if there is none.
func newestOf(moments []fleet.Moment, from, upTo time.Time) *fleet.Moment {
	for n := range slices.Backward(moments) {
		if at := moments[n].At; !at.After(upTo) {
			if at.Before(from) {
				return nil
			}
			return &moments[n]
		}
	}
	return nil
}

// withThem adds moments to some, in order.
func withThem(some []fleet.Moment, more ...*fleet.Moment) []fleet.Moment {
	for _, m := range more {
		if m != nil && !slices.Contains(some, *m) {
			some = append(some, *m)
		}
	}
	slices.SortFunc(some, func(a, b fleet.Moment) int { return a.At.Compare(b.At) })
	return some
}

// since holds a point against that of a moment.
func (s *Series) since(m *fleet.Moment, is Point) *Difference {
	for _, p := range s.Points {
		if m != nil && p.At.Equal(m.At) {
			d := is.less(p)
			return &d
		}
	}
	return nil
}

// stoodAt is for each moment how each of cells stood then.
func stoodAt(ctx context.Context, tx fleet.Tx, cells []fleet.Cell, moments []fleet.Moment) ([][]fleet.Counts, error) {
	var at []time.Time
	for _, m := range moments {
		at = append(at, m.At)
	}
	copied, err := tx.History().Stood(ctx, at, cells...)
	if err != nil {
		return nil, err
	}
	all := make([][]fleet.Counts, len(moments))
	for n, of := range copied {
		for i, c := range of {
			if c.At.IsZero() {
				c.Counts = fleet.Counts{Model: cells[i].Model, Release: cells[i].Release, Channel: cells[i].Channel,
					Figures: fleet.NewFigures(), Counted: fleet.NewFigures(), Quarantined: fleet.NewFigures()}
			}
			all[n] = append(all[n], c.Counts)
		}
	}
	return all, nil
}
