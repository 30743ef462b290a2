// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// fleets are the columns of the page.
var fleets = []float64{1e4, 1e6, 1e7, 1e8}

// tables are the three of the page: what comes out, where the walls stand, and what went in.
func tables(in inputs, fleets []float64) string {
	var b strings.Builder
	b.WriteString(outcomes(in, fleets) + "\n")
	b.WriteString("| wall, in order | handsets | then |\n| --- | ---: | --- |\n")
	for _, w := range walls(in) {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", w.what, number(w.handsets), w.then)
	}
	b.WriteString("\n| input | value | is | from |\n| --- | ---: | --- | --- |\n")
	for _, i := range in.list() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", i.name, strings.TrimSpace(exact(*i.value)+" "+i.unit), i.what, i.from)
	}
	return b.String()
}

func outcomes(in inputs, fleets []float64) string {
	var all []outcome
	heads, rule := "| |", "| --- |"
	for _, n := range fleets {
		all = append(all, compute(in, n))
		heads += " " + number(n) + " |"
		rule += " ---: |"
	}
	lines := []string{heads, rule}
	row := func(name string, cell func(outcome) string) {
		line := "| " + name + " |"
		for _, o := range all {
			line += " " + cell(o) + " |"
		}
		lines = append(lines, line)
	}
	row("smallest shape", func(o outcome) string { return o.shape.name })
	row("polls a second, mean", func(o outcome) string { return number(o.polls) })
	row("of the feed: requests a second, mean", func(o outcome) string { return number(o.pollRequests) })
	row("of the feed: a month", func(o outcome) string { return size(o.feedGB) })
	row("reports of a release", func(o outcome) string { return number(o.reports) })
	row("reports a second, mean", func(o outcome) string { return number(o.reportsMean) })
	row("of reports: a month, on their way in", func(o outcome) string { return size(o.reportsGB) })
	row("reports a second, busiest hour of the widest stage", func(o outcome) string { return number(o.reportsPeak) })
	row("processors at that hour: `otad`, database, TLS", func(o outcome) string {
		return cores(o.intakeCores+o.feedCores) + ", " + cores(o.dbCores) + ", " + cores(o.edgeCores)
	})
	row("reports of a release on disk, as they came", func(o outcome) string { return size(o.diskGB) })
	row("the same, compact", func(o outcome) string { return size(o.compactGB) })
	row("database after a year, compact", func(o outcome) string { return size(o.yearGB) })
	row("`otad fsck` after a year", func(o outcome) string { return hours(o.fsckHours) })
	row("packages of a release, full", func(o outcome) string { return size(o.packagesTB * 1e3) })
	row("packages of a release, incremental", func(o outcome) string { return size(o.deltaTB * 1e3) })
	row("a month: servers", func(o outcome) string { return dollars(o.serversDollars) })
	row("a month: disks, after a year", func(o outcome) string { return dollars(o.diskDollars) })
	row("a month: the feed on its way out", func(o outcome) string { return dollars(o.feedDollars) })
	row("a month: packages, full", func(o outcome) string { return dollars(o.packagesDollars) })
	row("a month: packages, incremental", func(o outcome) string { return dollars(o.deltasDollars) })
	row("**a month, full packages**", func(o outcome) string { return dollars(o.fixed() + o.packagesDollars) })
	row("**a month, incremental ones**", func(o outcome) string { return dollars(o.fixed() + o.deltasDollars) })
	row("of that, a handset, without packages", func(o outcome) string { return "$ " + exact(round(o.fixed()/o.handsets, 2)) })
	return strings.Join(lines, "\n") + "\n"
}

// fixed is what a month costs without packages.
func (o outcome) fixed() float64 { return o.serversDollars + o.diskDollars + o.feedDollars }

// number has two digits that count: nothing here is known better.
func number(n float64) string {
	r := round(n, 2)
	if r >= 100 {
		r = math.Round(r) // or 1000000 would be 999999.9999
	}
	switch {
	case r >= 1e9:
		return exact(round(n/1e9, 2)) + " G"
	case r >= 1e6:
		return exact(round(n/1e6, 2)) + " M"
	case r >= 1e4:
		return exact(round(n/1e3, 2)) + " k"
	default:
		return exact(r)
	}
}

func size(gb float64) string {
	switch r := round(gb, 2); {
	case r >= 1e6:
		return exact(round(gb/1e6, 2)) + " PB"
	case r >= 1e3:
		return exact(round(gb/1e3, 2)) + " TB"
	case r < 1:
		return exact(round(gb*1e3, 2)) + " MB"
	default:
		return exact(r) + " GB"
	}
}

func cores(n float64) string {
	if n < 0.01 {
		return "0"
	}
	return number(n)
}

func dollars(d float64) string { return "$ " + number(d) }

func round(n float64, digits int) float64 {
	if n == 0 {
		return 0
	}
	scale := math.Pow(10, float64(digits)-1-math.Floor(math.Log10(math.Abs(n))))
	return math.Round(n*scale) / scale
}

func exact(n float64) string {
	text := strconv.FormatFloat(n, 'f', -1, 64)
	if whole, rest, ok := strings.Cut(text, "."); ok && len(rest) > 8 {
		return whole + "." + rest[:8]
	}
	return text
}

// hours are minutes, hours or days.
func hours(h float64) string {
	switch {
	case h < 1:
		return exact(round(h*60, 2)) + " min"
	case h < 48:
		return exact(round(h, 2)) + " h"
	}
	return number(h/24) + " days"
}
