// SPDX-License-Identifier: Apache-2.0

package web

import (
	"strings"
	"testing"
	"time"
)

func aSeries() Series {
	start := time.Date(2014, 8, 10, 0, 0, 0, 0, time.UTC)
	s := Series{ID: "x", Title: "A <title>", Desc: "A & b", From: start, Until: start.Add(72 * time.Hour)}
	for n := range 4 {
		s.Times = append(s.Times, start.Add(time.Duration(n)*24*time.Hour))
	}
	s.Layers = []Layer{{Colour: "bad-1", Name: "Bad", Values: []int64{0, 0, 5, 40}, Texture: 2},
		{Colour: "good-1", Name: "Good", Values: []int64{100, 90, 90, 60}}}
	return s
}

// TestSeries: a picture has a name and a description, escapes what it is given, carries no inline style, and tells each layer
// by more than its colour.
func TestSeries(t *testing.T) {
	l, err := NewLocale("en")
	if err != nil {
		t.Fatal(err)
	}
	s := aSeries()
	s.Marks = []SeriesMark{{s.From.Add(-time.Hour), "publish", "before"}, {s.From.Add(24 * time.Hour), "start", "began"},
		{s.From.Add(25 * time.Hour), "halt", "stopped"}, {s.From.Add(70 * time.Hour), "resume", "goes on"}}
	out := string(l.series(s))
	for _, want := range []string{`role="img" aria-labelledby="x-t x-d"`, "A &lt;title&gt;", "A &amp; b", "url(#texture-2)", ">Good</text>",
		">100</text>", ">12 Aug</text>", `class="mark halt"`} {
		if !strings.Contains(out, want) {
			t.Errorf("there is no %s in\n%s", want, out)
		}
	}
	if strings.Contains(out, "style=") || strings.Contains(out, "NaN") || strings.Count(out, "<circle") != 2 {
		t.Error(out)
	}
	if all := s.Numbered(); len(all) != 2 || !all[0].Halt || len(all[0].All) != 2 || all[1].Halt {
		t.Errorf("numbered: %+v", all)
	}
	for name, odd := range map[string]func(*Series){
		"no time at all": func(s *Series) {
			s.Until = s.From
			s.Times = s.Times[:1]
			s.Layers[0].Values = s.Layers[0].Values[:1]
			s.Layers[1].Values = []int64{0}
		},
		"all zero":          func(s *Series) { s.Layers[0].Values, s.Layers[1].Values = make([]int64, 4), make([]int64, 4) },
		"shares past whole": func(s *Series) { s.Percent = true; s.Layers[1].Values = []int64{10_010, 9_000, 9_000, 10_010} },
		"lines":             func(s *Series) { s.Lines = true },
	} {
		s := aSeries()
		odd(&s)
		if out := string(l.series(s)); strings.Contains(out, "NaN") || strings.Contains(out, "Inf") || strings.Contains(out, `y="-`) ||
			!strings.Contains(out, "</svg>") {
			t.Errorf("%s:\n%s", name, out)
		}
	}
}

// TestAxis: the axis of values has few lines at round numbers, and ends where the values do or above.
func TestAxis(t *testing.T) {
	for most, want := range map[int64][2]int64{0: {1, 1}, 1: {1, 1}, 3: {3, 1}, 7: {8, 2}, 10: {10, 5}, 800: {800, 200},
		1100: {1500, 500}, 159_473: {200_000, 50_000}} {
		s := aSeries()
		s.Layers = []Layer{{Values: []int64{most, 0, 0, 0}}}
		if highest, step := s.highest(); highest != want[0] || step != want[1] {
			t.Errorf("%d: up to %d by %d, wanted %v", most, highest, step, want)
		}
	}
}
