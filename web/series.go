// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Series is a picture of figures over time, and what stands beside it as text.
type Series struct {
	ID      string // of the picture on its page
	Title   string
	Desc    string // what it shows, in a sentence or two, for whoever does not see it
	Lines   bool   // layers are lines of their own; else they are stacked, the first at the bottom
	From    time.Time
	Until   time.Time
	Top     int64 // the axis goes up to there; 0: as far as the values do
	Times   []time.Time
	Layers  []Layer
	Marks   []SeriesMark // in the order of time
	Small   bool         // one of many
	Percent bool         // values are hundredths of a percent
	Of      []int64      // of shares: of how many each is a part, for each time
	OfName  string       // what those are
	Skipped int          // rows of the table are one of so many points; 0 or 1: each
	Days    string       // the address of a day, without the day; "" if days have none
}

// Layer is one of the figures of a Series: a value for each time.
type Layer struct {
	Colour string // as the style sheet names it
	Name   string
	Values []int64
	// Of shares: in which range each lies, hundredths of a percent; 0 and 0 says nothing.
	Low, High []int
	// Texture tells it from others without its colour: 0 is plain, and there are three more. Of lines it is how they are dashed.
	Texture int
}

// SeriesMark is what happened at a time: a number on the picture, and words below it. Those that are too close together to be
// told apart have one number.
type SeriesMark struct {
	At    time.Time
	What  string // "halt" is drawn otherwise
	Words string
}

// Of the picture, in CSS pixels; across it goes by hundredths of the width, which is not known here.
const (
	seriesTop    = 30 // above the plot, for marks
	seriesHigh   = 176
	seriesLow    = 24 // below, for dates
	smallHigh    = 84
	seriesWide   = 1000 // units of the plot across it
	marksApart   = 0.07
	narrow       = 240 // the plot, on a small phone
	labelAtLeast = 17  // so thick is a layer that has its name in it
	nameOff      = 6   // from where the layer is thickest, which may be its edge
)

func (s Series) high() int {
	if s.Small {
		return smallHigh
	}
	return seriesHigh
}

func (s Series) top() int {
	if s.Small || len(s.Marks) == 0 {
		return 16
	}
	return seriesTop
}

// at is where a time stands, 0…1 of the width.
func (s Series) at(t time.Time) float64 {
	whole := s.Until.Sub(s.From)
	if whole <= 0 {
		return 1
	}
	return min(1, max(0, float64(t.Sub(s.From))/float64(whole)))
}

// highest is the end of the axis, and step how far its lines are apart.
func (s Series) highest() (highest, step int64) {
	if s.Percent {
		return 10_000, 5_000
	}
	most := max(s.Top, 1)
	for n := range s.Times {
		sum := int64(0)
		for _, l := range s.Layers {
			if sum += l.Values[n]; s.Lines {
				most, sum = max(most, sum), 0
			}
		}
		most = max(most, sum)
	}
	ten := int64(math.Pow10(int(math.Log10(float64(most)))))
	for _, step = range []int64{max(ten/5, 1), max(ten/2, 1), ten, 2 * ten, 5 * ten} {
		if highest = (most + step - 1) / step * step; highest/step <= 4 {
			return highest, step
		}
	}
	return highest, step
}

// series draws one.
func (l *Locale) series(s Series) template.HTML {
	var out strings.Builder
	top, high := s.top(), s.high()
	highest, step := s.highest()
	class := "series"
	if s.Small {
		class += " small"
	}
	fmt.Fprintf(&out, `<svg class="%s" role="img" aria-labelledby="%s-t %s-d" width="100%%" height="%d"><title id="%s-t">%s</title>`+
		`<desc id="%s-d">%s</desc>`, class, s.ID, s.ID, top+high+seriesLow, s.ID, template.HTMLEscapeString(s.Title), s.ID,
		template.HTMLEscapeString(s.Desc))
	for v := int64(0); v <= highest; v += step {
		y := float64(top) + float64(high)*(1-float64(v)/float64(highest))
		fmt.Fprintf(&out, `<line class="grid" x1="0" x2="100%%" y1="%s" y2="%s"/>`, decimal(y), decimal(y))
	}
	fmt.Fprintf(&out, `<svg x="0" y="%d" width="100%%" height="%d" viewBox="0 0 %d %d" preserveAspectRatio="none" overflow="visible">`,
		top, high, seriesWide, high)
	s.draw(&out, highest)
	out.WriteString(`</svg>`)
	for v := step; v <= highest; v += step { // beside the plot: the style sheet leaves room
		if s.Small && v+step <= highest {
			continue
		}
		y := float64(top) + float64(high)*(1-float64(v)/float64(highest)) + 4
		fmt.Fprintf(&out, `<text class="value" x="-8" y="%s" text-anchor="end">%s</text>`, decimal(y), l.value(s, v))
	}
	l.dates(&out, s)
	s.drawMarks(&out)
	if !s.Small {
		s.names(&out, highest)
	}
	out.WriteString(`</svg>`)
	return template.HTML(out.String())
}

// draw draws the layers, in units of the plot.
func (s Series) draw(out *strings.Builder, highest int64) {
	below := make([]int64, len(s.Times))
	y := func(v int64) string { // shares that were rounded may pass the whole
		return decimal(float64(s.high()) * (1 - float64(min(v, highest))/float64(highest)))
	}
	x := func(n int) string { return decimal(seriesWide * s.at(s.Times[n])) }
	for _, layer := range s.Layers {
		var there, back strings.Builder
		for i, v := range layer.Values {
			if s.Lines {
				below[i] = 0
			}
			start := "L"
			if i == 0 {
				start = "M"
			}
			fmt.Fprintf(&there, "%s%s %s", start, x(i), y(below[i]+v))
			below[i] += v
		}
		if s.Lines {
			fmt.Fprintf(
				out,
				`<path class="line c-%s dash-%d" d="%s"/>`,
				template.HTMLEscapeString(layer.Colour),
				layer.Texture,
				there.String(),
			)
			continue
		}
		for i := range slices.Backward(s.Times) {
			fmt.Fprintf(&back, "L%s %s", x(i), y(below[i]-layer.Values[i]))
		}
		path := there.String() + back.String() + "Z"
		fmt.Fprintf(out, `<path class="area c-%s" d="%s"/>`, template.HTMLEscapeString(layer.Colour), path)
		if layer.Texture > 0 {
			fmt.Fprintf(out, `<path class="over" fill="url(#texture-%d)" d="%s"/>`, layer.Texture, path)
		}
	}
}

// names puts the name of each layer where it is thickest, if it has the room.
func (s Series) names(out *strings.Builder, highest int64) {
	below := make([]int64, len(s.Times))
	for _, layer := range s.Layers {
		best, thick := -1, float64(labelAtLeast)
		for i, v := range layer.Values {
			high := float64(s.high()) * float64(v) / float64(highest)
			at := s.at(s.Times[i])
			if !s.Lines && high >= thick*1.15 && at > 0.12 && at < 0.88 || best < 0 && !s.Lines && high >= thick && at > 0.12 {
				best, thick = i, high
			}
		}
		if best >= 0 {
			middle := float64(below[best]) + float64(layer.Values[best])/2
			at, anchor, off := s.at(s.Times[best]), "start", nameOff
			if at > 0.5 {
				anchor, off = "end", -nameOff
			}
			if float64(utf8.RuneCountInString(layer.Name))*7 > max(at, 1-at)*narrow {
				best = -1 // the list below has it
			}
			if best >= 0 {
				fmt.Fprintf(
					out,
					`<text class="name" x="%s" dx="%d" y="%s" text-anchor="%s">%s</text>`,
					hundredths(at),
					off,
					decimal(
						float64(s.top())+float64(s.high())*(1-middle/float64(highest))+4,
					),
					anchor,
					template.HTMLEscapeString(layer.Name),
				)
			}
		}
		for i, v := range layer.Values {
			below[i] += v
		}
	}
}

// drawMarks draws a line for each number; in a small picture there is no room for numbers.
func (s Series) drawMarks(out *strings.Builder) {
	for n, group := range s.Numbered() {
		at, class := group.at, "mark"
		if group.Halt {
			class = "mark halt"
		}
		x := hundredths(at)
		fmt.Fprintf(out, `<line class="%s" x1="%s" x2="%s" y1="%d" y2="%d"/>`, class, x, x, s.top()-4, s.top()+s.high())
		if s.Small {
			continue
		}
		centre := hundredths(min(0.975, max(0.025, at)))
		fmt.Fprintf(
			out,
			`<circle class="%s" cx="%s" cy="14" r="9"/><text class="%s" x="%s" y="18" text-anchor="middle">%d</text>`,
			class,
			centre,
			class,
			centre,
			n+1,
		)
	}
}

// MarkGroup are the marks that have one number.
type MarkGroup struct {
	Halt bool
	All  []SeriesMark
	at   float64
}

// Numbered are the marks by their numbers, from 1; what was before the picture begins is left out.
func (s Series) Numbered() (all []MarkGroup) {
	for _, m := range s.Marks {
		if m.At.Before(s.From) || m.At.After(s.Until) {
			continue
		}
		at := s.at(m.At)
		if last := len(all) - 1; last >= 0 && at-all[last].at < marksApart {
			all[last].All = append(all[last].All, m)
			all[last].Halt = all[last].Halt || m.What == "halt"
			continue
		}
		all = append(all, MarkGroup{m.What == "halt", []SeriesMark{m}, at})
	}
	return all
}

// SeriesRow is a line of the table behind a picture.
type SeriesRow struct {
	At     time.Time
	Values []SeriesValue
	Of     int64  // of how many they are shares
	Day    string // the address of its day; "" if there is none, or it is not over
}

// SeriesValue is one value of a layer, and of a share in which range it lies.
type SeriesValue struct {
	N         int64
	Low, High int
}

// value is the nth of a layer.
func (l Layer) value(n int) SeriesValue {
	v := SeriesValue{N: l.Values[n]}
	if len(l.Low) > 0 {
		v.Low, v.High = l.Low[n], l.High[n]
	}
	return v
}

// Rows are those of the table, the newest first.
func (s Series) Rows() (all []SeriesRow) {
	for n := len(s.Times) - 1; n >= 0; n -= max(s.Skipped, 1) {
		row := SeriesRow{At: s.Times[n]}
		if day := row.At.UTC().Format(time.DateOnly); s.Days != "" && day < s.Times[len(s.Times)-1].UTC().Format(time.DateOnly) {
			row.Day = s.Days + day
		}
		if len(s.Of) > 0 {
			row.Of = s.Of[n]
		}
		for _, l := range s.Layers {
			row.Values = append(row.Values, l.value(n))
		}
		all = append(all, row)
	}
	return all
}

// Key is a layer in the list beside the picture, in the order in which one sees them: the last is on top.
type Key struct {
	Layer
	Lines, Percent bool
	Last           SeriesValue
}

// Keys are those of all layers.
func (s Series) Keys() (all []Key) {
	for _, l := range slices.Backward(s.Layers) {
		all = append(all, Key{l, s.Lines, s.Percent, l.value(len(l.Values) - 1)})
	}
	return all
}

// swatch is what a layer looks like.
func swatch(k Key) template.HTML {
	colour := template.HTMLEscapeString(k.Colour)
	if k.Lines {
		return template.HTML(fmt.Sprintf(`<svg class="swatch" width="22" height="14" aria-hidden="true" focusable="false">`+
			`<line class="line c-%s dash-%d" x1="0" x2="22" y1="7" y2="7"/></svg>`, colour, k.Texture))
	}
	over := ""
	if k.Texture > 0 {
		over = fmt.Sprintf(`<rect class="over" width="22" height="14" fill="url(#texture-%d)"/>`, k.Texture)
	}
	return template.HTML(fmt.Sprintf(`<svg class="swatch" width="22" height="14" aria-hidden="true" focusable="false">`+
		`<rect class="c-%s" width="22" height="14"/>%s</svg>`, colour, over))
}

// value writes one of the picture.
func (l *Locale) value(s Series, v int64) string {
	if s.Percent {
		return l.Percent(int(v))
	}
	return l.Number(v)
}

// texture are what tells layers apart without colours; each page with pictures has them once.
func texture() template.HTML {
	return `<svg class="textures" width="0" height="0" aria-hidden="true" focusable="false"><defs>` +
		`<pattern id="texture-1" width="6" height="6" patternUnits="userSpaceOnUse">` +
		`<line class="texture" x1="0" x2="6" y1="3" y2="3"/></pattern>` +
		`<pattern id="texture-2" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">` +
		`<line class="texture" x1="3.5" x2="3.5" y1="0" y2="7"/></pattern>` +
		`<pattern id="texture-3" width="8" height="8" patternUnits="userSpaceOnUse">` +
		`<circle class="texture" cx="4" cy="4" r="1.2"/></pattern>` +
		`</defs></svg>`
}

func decimal(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }

func hundredths(v float64) string { return decimal(v*100) + "%" }
