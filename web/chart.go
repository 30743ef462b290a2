// SPDX-License-Identifier: Apache-2.0

package web

import (
	"html/template"
	"strconv"
	"strings"
)

// Segment is one part of a stacked bar, in hundredths of a percent of its width.
type Segment struct {
	Colour string // as the style sheet names it
	X, W   int
}

// Row is one figure: its key, how many, of how many, and what people read of it.
type Row struct {
	Key    string
	Count  int64
	Of     int64
	Colour string // as the style sheet names it
	Name   string
	Means  string
	Tell   string // what to tell a customer
	// In which range the share of all lies, hundredths of a percent; 0 and 0 if nothing is known of it.
	Low, High int
	Share     string // in words, as one of a column that adds up; of a row that [Locale.shared] gave
}

// shades is how many colours the style sheet has for the classes of one kind.
const shades = 2

// Shade names the colour of the nth class of a kind, from 0. An effect with more classes of a kind than there are
// colours has some twice: the words stand beside them.
func Shade(kind string, nth int) string { return kind + "-" + strconv.Itoa(nth%shades+1) }

// bar draws a stacked bar. It is hidden from screen readers: the figures stand beside it as
// text. Written by hand, because a page of 200 models has 1,800 of these rectangles; the one
// text in them is escaped here.
func bar(segments []Segment) template.HTML {
	var out strings.Builder
	out.WriteString(`<svg class="bar" aria-hidden="true" focusable="false">`)
	for _, s := range segments {
		out.WriteString(`<rect class="c-` + template.HTMLEscapeString(s.Colour) + `" x="` + percent(s.X) + `" width="` +
			percent(s.W) + `" height="100%"/>`)
	}
	out.WriteString(`</svg>`)
	return template.HTML(out.String())
}

// parts lists the figures of a bar that are not zero, as text.
func (l *Locale) parts(rows []Row) template.HTML {
	var out strings.Builder
	out.WriteString(`<ul class="parts">`)
	for _, r := range rows {
		if r.Count == 0 {
			continue
		}
		key := template.HTMLEscapeString(r.Key)
		out.WriteString(`<li data-k="` + key + `"><i class="dot c-` + template.HTMLEscapeString(r.Colour) + `"></i><b>` +
			l.Number(r.Count) + `</b> ` + template.HTMLEscapeString(r.Name) + `</li>`)
	}
	out.WriteString(`</ul>`)
	return template.HTML(out.String())
}

func percent(hundredths int) string {
	return strconv.FormatFloat(float64(hundredths)/100, 'f', -1, 64) + "%"
}
