// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"landed/manifests/effect"
	"landed/server/fleet"
	"landed/web"
)

// OutlineSeries is how what is shown came to be what it is: of all models, /series.json, or of one, /models/{role}/series.json.
type OutlineSeries struct {
	Schema    int            `json:"schema"` // OutlineSchema
	Threshold int64          `json:"threshold"`
	Model     string         `json:"model,omitempty"`
	Points    []OutlinePoint `json:"points"` // of each moment at which anything changed, oldest first, at most [pointsMost], and of today
	Marks     []Mark         `json:"marks"`
	Stages    []StageTime    `json:"stages"`
}

// OutlinePoint is what was shown from a moment on.
type OutlinePoint struct {
	At    time.Time            `json:"at"`
	Kinds map[fleet.Kind]int64 `json:"kinds"` // about so many; one that was not shown is missing
}

func (o outlinePages) fleetSeries(r *http.Request) (v view, err error) {
	err = o.load(r.Context(), func(tx fleet.Tx, snap *snapshot) error {
		v, err = o.series(r.Context(), tx, snap, "")
		return err
	})
	return v, err
}

func (o outlinePages) modelSeries(r *http.Request) (v view, err error) {
	known, ok := o.models.lineup.catalogue().ByRole(r.PathValue("role"))
	if !ok {
		return nil, unknownModel()
	}
	err = o.load(r.Context(), func(tx fleet.Tx, snap *snapshot) error {
		v, err = o.series(r.Context(), tx, snap, known.Device)
		return err
	})
	return v, err
}

// series reads what was shown of a model, "" of all together.
func (o outlinePages) series(ctx context.Context, tx fleet.Tx, snap *snapshot, device string) (*OutlineSeries, error) {
	happened := happened{releases: snap.releases}
	if device != "" {
		happened.releases, happened.model = snap.of[device], device
	}
	s := &OutlineSeries{Schema: OutlineSchema, Threshold: o.least, Model: device, Points: []OutlinePoint{}, Stages: happened.stages()}
	past, err := tx.PublicCells().Past(ctx, o.least, device)
	if err != nil {
		return nil, err
	}
	s.Points = shownPoints(past)
	if n := len(s.Points); n > pointsMost { // the first stays, and the newest
		s.Points = slices.Delete(s.Points, 1, 1+n-pointsMost)
	}
	if n := len(s.Points); n > 0 {
		if today := o.evidence.now().UTC().Truncate(day); today.After(s.Points[n-1].At) {
			s.Points = append(s.Points, OutlinePoint{today, s.Points[n-1].Kinds})
		}
	}
	s.Marks, err = happened.marks(ctx, tx)
	return s, err
}

// shownPoints adds up what was shown, from its changes, oldest first: a point for each moment of which it is whole. Of a cell
// of which older changes may be forgotten nothing is known before the oldest that is left.
func shownPoints(past []fleet.PublicCell) []OutlinePoint {
	type name struct {
		model string
		kind  fleet.Kind
	}
	type cell struct {
		now, first fleet.PublicCell
		changes    int
	}
	of := map[name]*cell{}
	var whole time.Time // from when on
	for _, c := range past {
		was := of[name{c.Model, c.Kind}]
		if was == nil {
			was = &cell{first: c}
			of[name{c.Model, c.Kind}] = was
		}
		if was.changes++; was.changes >= fleet.PastMost && was.first.At.After(whole) {
			whole = was.first.At
		}
	}
	points, sum, shown := []OutlinePoint{}, map[fleet.Kind]int64{}, map[fleet.Kind]int{}
	for n, c := range past {
		was := of[name{c.Model, c.Kind}]
		if was.now.Shown {
			sum[c.Kind], shown[c.Kind] = sum[c.Kind]-was.now.Number, shown[c.Kind]-1
		}
		if was.now = c; c.Shown {
			sum[c.Kind], shown[c.Kind] = sum[c.Kind]+c.Number, shown[c.Kind]+1
		}
		if c.At.Before(whole) || n+1 < len(past) && past[n+1].At.Equal(c.At) {
			continue // there is more of this moment
		}
		kinds := map[fleet.Kind]int64{}
		for kind, cells := range shown {
			if cells > 0 {
				kinds[kind] = sum[kind]
			}
		}
		points = append(points, OutlinePoint{c.At, kinds})
	}
	return points
}

// past makes a picture of what was shown. There is none before there is something to compare.
func (o outlinePages) past(s *OutlineSeries, address string) *Past {
	if s == nil || len(s.Points) < 2 {
		return nil
	}
	d, points := o.says.chronicle(), []Point{}
	for _, p := range s.Points {
		points = append(points, Point{At: p.At, Kinds: p.Kinds})
	}
	layers := d.kindLayers(points, nil)
	layers = slices.DeleteFunc(layers, func(l web.Layer) bool { return slices.Max(l.Values) == 0 })
	if len(layers) == 0 {
		return nil
	}
	marks := d.marked(&Series{Model: s.Model, Marks: s.Marks})
	return &Past{JSON: o.says.links.To(address), Outlined: true, Charts: []web.Series{d.chart(points, "kinds", marks, layers)}}
}

// Table has a row for each moment; what was not shown is empty.
func (s *OutlineSeries) Table() table {
	t := table{columns: []string{"at", "model"}}
	for _, k := range effect.Kinds {
		t.columns = append(t.columns, "kind_"+string(k))
	}
	for _, p := range s.Points {
		row := []string{p.At.Format(time.RFC3339), s.Model}
		for _, k := range effect.Kinds {
			row = append(row, about(p.Kinds, k))
		}
		t.rows = append(t.rows, row)
	}
	return t
}

func about(of map[fleet.Kind]int64, k fleet.Kind) string {
	if n, ok := of[k]; ok {
		return strconv.FormatInt(n, 10)
	}
	return ""
}

// outlineTable has a row for each model; what is not shown is empty.
func outlineTable(models []OutlineModel) table {
	t := table{columns: []string{"model", "product", "release", "effect", "standing", "opposite"}}
	for _, k := range effect.Kinds {
		t.columns = append(t.columns, "kind_"+string(k))
	}
	for _, m := range models {
		row := []string{m.Model, m.Product, m.Release, m.Effect, string(m.Standing), string(m.Opposite)}
		for _, k := range effect.Kinds {
			cell := ""
			if n := m.Kinds[k]; n != nil {
				cell = count(*n)
			}
			row = append(row, cell)
		}
		t.rows = append(t.rows, row)
	}
	return t
}
