// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"html/template"
	"strings"
	"time"
)

// steps of an axis of time, from finest to coarsest.
var dateSteps = []time.Duration{3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 48 * time.Hour, 7 * 24 * time.Hour,
	14 * 24 * time.Hour, 28 * 24 * time.Hour, 84 * 24 * time.Hour, 168 * 24 * time.Hour, 364 * 24 * time.Hour, 1820 * 24 * time.Hour}

// dates writes a few below.
func (l *Locale) dates(out *strings.Builder, s Series) {
	most, wide := 5, 0.17 // how many, and how much of the axis of the narrowest screen one takes
	if s.Small {
		most, wide = 2, 0.33
	}
	whole := s.Until.Sub(s.From)
	step := dateSteps[len(dateSteps)-1]
	for _, one := range dateSteps {
		if int(whole/one) <= most {
			step = one
			break
		}
	}
	key := "past.date"
	if step < 24*time.Hour {
		key = "past.hour"
	}
	y := s.top() + s.high()
	first := s.From.UTC().Truncate(step)
	if first.Before(s.From) {
		first = first.Add(step)
	}
	end := -1.0 // of the one before
	for t := first; !t.After(s.Until); t = t.Add(step) {
		at := s.at(t)
		anchor, from := "middle", at-wide/2
		if at < 0.06 {
			anchor, from = "start", at
		} else if at > 0.94 {
			anchor, from = "end", at-wide
		}
		if from < end { // at the end of the axis one is moved to the left
			continue
		}
		end = from + wide
		fmt.Fprintf(
			out,
			`<line class="tick" x1="%s" x2="%s" y1="%d" y2="%d"/><text class="date" x="%s" y="%d" text-anchor="%s">%s</text>`,
			hundredths(at),
			hundredths(at),
			y,
			y+4,
			hundredths(at),
			y+18,
			anchor,
			template.HTMLEscapeString(l.Say(key, momentOf(t))),
		)
	}
}
