// SPDX-License-Identifier: Apache-2.0

package support

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/server/fleet"
	"landed/web"
)

// Past is what a page shows of a series: pictures, with what happened, and what changed lately in words.
type Past struct {
	Series  *Series
	Changes []Change
	Charts  []web.Series
	Stages  []web.Series // of each stage of the release of now
	JSON    string       // the address of the series
	// Outlined: of what everybody may see alone.
	Outlined bool
}

// Change is what there is more or less of than some time ago.
type Change struct {
	Key   string // "day", "week"
	Since time.Time
	Parts []string // none if nothing is
}

// kindsShown are the kinds from the bottom of a picture to its top: what is bad lies on the axis, where one sees it grow.
var kindsShown = []struct {
	kind    fleet.Kind
	colour  string
	texture int
}{
	{effect.Bad, web.Shade(string(effect.Bad), 0), 2}, {effect.Open, web.Shade(string(effect.Open), 0), 1},
	{effect.Good, web.Shade(string(effect.Good), 0), 0}, {effect.Unjudged, "rest", 0},
}

var stepsShown = []struct {
	step    report.Progress
	texture int
}{
	{report.ProgressFailed, 2}, {report.ProgressRunning, 0}, {report.ProgressInstalled, 1}, {report.ProgressDownloading, 2},
	{report.ProgressKnown, 0},
}

// tableRows bounds the table behind a picture.
const tableRows = 32

// past makes pictures of a series. There are none before there is something to compare.
func (d chronicle) past(s *Series, claims bool, address string) *Past {
	if len(s.Points) < 2 {
		return nil
	}
	p := &Past{Series: s, JSON: d.links.To(address)}
	days := d.links.To(cmp.Or(strings.TrimSuffix(strings.TrimSuffix(address, "series.json"), "/"), "/") + "?" + onDay + "=")
	for _, one := range []struct {
		key string
		by  *Difference
	}{{"day", s.Day}, {"week", s.Week}} {
		if one.by != nil {
			p.Changes = append(p.Changes, Change{one.key, one.by.Since, d.changed(one.by.Parts, claims)})
		}
	}
	marks := d.marked(s)
	if claims {
		p.Charts = append(p.Charts, d.chart(s.Points, "kinds", marks, d.kindLayers(s.Points, nil)))
	}
	if judged := judgedOf(s.Points); claims && len(judged) > 1 {
		c := d.shares(judged, "judged", marks, func(p Point) int64 { return p.Judged }, effect.Unjudged)
		c.From = s.Points[0].At // as in the others
		p.Charts = append(p.Charts, c)
	}
	p.Charts = append(p.Charts, d.chart(s.Points, "steps", marks, d.stepLayers(s.Points, nil)))
	if runs := d.runLayers(s.Points); len(runs) > 1 {
		field := d.chart(s.Points, "field", marks, runs)
		field.Lines = true
		p.Charts = append(p.Charts, field)
	}
	p.Stages = d.stageCharts(s)
	for _, charts := range [][]web.Series{p.Charts, p.Stages} {
		for i := range charts {
			charts[i].Days = days
		}
	}
	return p
}

func (d chronicle) word(key string, data any) string { return d.words.locale.Say(key, data) }

// changed are sentences of what there is more or less of.
func (d chronicle) changed(by Parts, claims bool) (all []string) {
	for _, one := range []struct {
		key string
		n   int64
		is  bool
	}{
		{"installations", by.Installations, true}, {"running", by.Running, true}, {"proven", by.Proven, claims},
		{"opposite", by.Opposite, claims}, {"failed", by.Failed, true}, {"lost", by.Lost, true},
	} {
		switch {
		case !one.is:
		case one.n > 0:
			all = append(all, d.word("past.more."+one.key, one.n))
		case one.n < 0:
			all = append(all, d.word("past.less."+one.key, -one.n))
		}
	}
	return all
}

// chart is a picture of points, without more of it than its layers.
func (d chronicle) chart(points []Point, id string, marks []web.SeriesMark, layers []web.Layer) web.Series {
	first, last := points[0], points[len(points)-1]
	c := web.Series{ID: "past-" + id, Title: d.word("past."+id, nil), From: first.At, Until: last.At, Layers: layers, Marks: marks,
		Skipped: (len(points) + tableRows - 1) / tableRows}
	for _, p := range points {
		c.Times = append(c.Times, p.At)
	}
	c.Percent = slices.Contains([]string{"judged", "shares", "ways"}, id)
	if c.Percent {
		c.Top = 10_000
	}
	number := func(n int64) string {
		if c.Percent {
			return d.words.locale.Percent(int(n))
		}
		return d.words.locale.Number(n)
	}
	c.Desc = d.word("past.desc", c)
	for _, l := range layers {
		if from, to := l.Values[0], l.Values[len(l.Values)-1]; from != 0 || to != 0 || slices.Max(l.Values) > 0 {
			c.Desc = d.words.locale.Sentences(
				c.Desc,
				d.word("past.desc.part", map[string]any{"Name": l.Name, "From": number(from), "To": number(to),
					"Most": number(slices.Max(l.Values))}),
			)
		}
	}
	return c
}

// judgedOf are the points from when on somebody could be judged.
func judgedOf(points []Point) []Point {
	for len(points) > 0 && points[0].Judged == 0 {
		points = points[1:]
	}
	return points
}

// shares is a picture of the kinds as shares of a part of all, that has some of them alone.
func (d chronicle) shares(points []Point, id string, marks []web.SeriesMark, of func(Point) int64, without ...fleet.Kind) web.Series {
	return d.sharesOf(points, id, marks, of, d.kindLayers(points, of, without...))
}

// sharesOf is a picture of layers that are shares. It says of how many: a share of three handsets is not one of three thousand.
func (d chronicle) sharesOf(
	points []Point, id string, marks []web.SeriesMark, of func(Point) int64, layers []web.Layer,
) web.Series {
	c := d.chart(points, id, marks, layers)
	for _, p := range points {
		c.Of = append(c.Of, of(p))
	}
	c.OfName = d.word("past."+id+".of", nil)
	now := d.word("past.of", c.Of[len(c.Of)-1])
	c.Title += d.words.locale.Mark("open") + now + d.words.locale.Mark("close")
	return c
}

// partOf adds a count to a layer, or, if of says of how many it is a part, its share and in which range that lies.
func partOf(l *web.Layer, n int64, p Point, of func(Point) int64) {
	if of == nil {
		l.Values = append(l.Values, n)
		return
	}
	in := interval(n, of(p))
	if in == nil || n == 0 {
		in = &Interval{}
	}
	l.Values, l.Low, l.High = append(l.Values, tenthsOf(n, of(p))), append(l.Low, in.Low), append(l.High, in.High)
}

// kindLayers are counts, or, as shares of what of says, hundredths of a percent.
func (d chronicle) kindLayers(points []Point, of func(Point) int64, without ...fleet.Kind) (all []web.Layer) {
	for _, k := range kindsShown {
		if slices.Contains(without, k.kind) {
			continue
		}
		l := web.Layer{Colour: k.colour, Name: d.word("of_kind."+string(k.kind)+".name", nil), Texture: k.texture}
		for _, p := range points {
			partOf(&l, p.Kinds[k.kind], p, of)
		}
		all = append(all, l)
	}
	return all
}

// tenthsOf is a share in hundredths of a percent, rounded to tenths.
func tenthsOf(part, of int64) int64 { return (part*1000 + of/2) / max(of, 1) * 10 }

// stepLayers are counts or shares, as kindLayers.
func (d chronicle) stepLayers(points []Point, of func(Point) int64) (all []web.Layer) {
	for _, s := range stepsShown {
		colour := "step-" + string(s.step)
		if s.step == report.ProgressKnown {
			colour = "rest"
		}
		l := web.Layer{Colour: colour, Name: d.word("step."+string(s.step), nil), Texture: s.texture}
		for _, p := range points {
			partOf(&l, p.Progress[s.step], p, of)
		}
		all = append(all, l)
	}
	return all
}

// runLayers are how many have run each release of a model.
func (d chronicle) runLayers(points []Point) (all []web.Layer) {
	for n, release := range slices.Sorted(keysOf(points[len(points)-1].Ran)) {
		l := web.Layer{Colour: fieldColours[n%len(fieldColours)], Name: release, Texture: n % 4}
		for _, p := range points {
			l.Values = append(l.Values, p.Ran[release])
		}
		all = append(all, l)
	}
	return all
}

var fieldColours = []string{"good-1", "good-2", "unjudged-1", "open-1", "contradictory", "open-2"}

func keysOf[K comparable, V any](of map[K]V) func(func(K) bool) {
	return func(yield func(K) bool) {
		for k := range of {
			if !yield(k) {
				return
			}
		}
	}
}

// marked are the marks of a series in words.
func (d chronicle) marked(s *Series) (all []web.SeriesMark) {
	for _, m := range s.Marks {
		product := ""
		if s.Model == "" && m.Model != "" {
			product = m.Model
			if known, ok := d.lineup.device(m.Model); ok {
				product = clean(known.Product)
			}
		}
		all = append(all, web.SeriesMark{At: m.At, What: m.What, Words: d.word("past.mark."+m.What, map[string]any{
			"Release": m.Release, "Product": product, "Share": m.Share})})
	}
	return all
}

// stageCharts are the same picture of each stage of the release under which a model stands, on the axis of all of them.
func (d chronicle) stageCharts(s *Series) (all []web.Series) {
	if s.Model == "" {
		return nil
	}
	last := s.Points[len(s.Points)-1]
	for n, stage := range s.Stages {
		var points []Point
		for _, p := range s.Points {
			if stage.Release == last.Release && !p.At.Before(stage.From) && (stage.Until == nil || !p.At.After(*stage.Until)) {
				points = append(points, p)
			}
		}
		if len(points) < 2 {
			continue
		}
		c := d.chart(points, fmt.Sprint("stage-", n), nil, d.stepLayers(points, nil))
		c.Title, c.Small, c.Top = d.word("past.stage", stage), true, last.Installations
		all = append(all, c)
	}
	return all
}

// ran is how many have run each release: of its figures, which keep who moved on.
func ran(cells []fleet.Counts) map[string]int64 {
	all := map[string]int64{}
	for _, c := range cells {
		all[c.Release] += c.Running()
	}
	return all
}

// Happened are the marks by their numbers, which all pictures share.
func (p *Past) Happened() []web.MarkGroup { return p.Charts[0].Numbered() }
