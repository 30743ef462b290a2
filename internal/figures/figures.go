// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// bench is a benchmark that is run once: a pattern of a package.
type bench struct {
	folder, pattern, times string
	size                   int // of the fleet, if nothing else is asked for; 0: its own
}

var (
	engines  = bench{"./server/store", "Engines", "1x", 0}
	intake   = bench{"./server/intake", "^BenchmarkIntake$", "2x", 0}
	overHTTP = bench{"./server", "ReportsOverHTTP", "6x", 0}
	polls    = bench{"./server/device/feed", "Poll", "1s", 0}
	replicas = bench{"./server", "ReplicaPolls", "3x", 0}
	readers  = bench{"./server", "Readers", "2x", 0}
	status   = bench{"./server/support", "Status", "20x", 0}
	pages    = bench{"./server", "Pages", "1x", 120_000}
	growth   = bench{"./server/store/sqlite", "Growth", "20x", 10_000}
)

// figure is a number that a benchmark prints, and what it ought to be.
type figure struct {
	what string
	from bench
	name string // what the benchmark's name has in it, after its own
	unit string
	most bool    // aim is the most it ought to be, not the least
	aim  float64 // 0 for none
}

// figures are all that are printed, in this order. A row whose name is found several times is printed as often.
var figures = []figure{
	{what: "reports stored, SQLite, against Ed25519 on one core, 64 senders", from: intake, name: "senders=64", unit: "x_verify", aim: 0.8},
	{what: "the same, 512 senders", from: intake, name: "senders=512", unit: "x_verify", aim: 1},
	{what: "processor time of a report over HTTP, against none between", from: overHTTP, unit: "x_direct", most: true, aim: 1.3},
	{what: "the same, less what a bare handler costs", from: overHTTP, unit: "x_bare", most: true},
	{what: "hot path against Ed25519: SQLite", from: engines, unit: "sqlite_x_verify"},
	{what: "PostgreSQL, one writer", from: engines, unit: "postgres_x_verify"},
	{what: "PostgreSQL, two writers of one process", from: engines, unit: "postgres_2_x_verify"},
	{what: "PostgreSQL, two processes' worth of stores", from: engines, unit: "postgres_1+1_x_verify"},
	{what: "PostgreSQL with two writers against SQLite", from: engines, unit: "postgres_2_x_sqlite", aim: 1.4},
	{what: "polls against a bare handler", from: polls, unit: "ratio", aim: 0.95},
	{what: "polls of three replicas on one database, against one", from: replicas, unit: "x_one", aim: 0.95},
	{what: "status page of 200 models, processor time", from: status, unit: "cpu-us/op"},
	{what: "48 readers: status p99, ms", from: readers, unit: "p99-ms", most: true, aim: 50},
	{what: "48 readers: reports stored, against none who reads", from: readers, unit: "x_intake", aim: 0.9},
	{what: "page that is not modified, processor us", from: pages, name: "status_304", unit: "cpu-us/request", most: true, aim: 500},
	{what: "page, processor us", from: pages, unit: "cpu-us/request"},
	{what: "page, bytes on the wire", from: pages, unit: "wire-B/request"},
	{what: "page, p50 ms", from: pages, unit: "p50-ms"},
	{what: "status page that is kept, p99 ms", from: pages, name: "status_200", unit: "p99-ms", most: true, aim: 50},
	{what: "status page for 50 viewers while figures move, p99 ms", from: pages, name: "viewers_moving", unit: "p99-ms", most: true, aim: 50},
	{what: "status page for the first reader after a pause, p99 ms", from: pages, name: "status_moved", unit: "p99-ms", most: true, aim: 50},
	{what: "page, p99 ms", from: pages, unit: "p99-ms"},
	{what: "50 viewers, of a core, percent", from: pages, name: "viewers", unit: "percent-of-core", most: true, aim: 5},
	{what: "bytes a report, with its part of the indexes", from: growth, name: "compact", unit: "B-in-all/report", most: true, aim: 300},
	{what: "what pages and gates read, against a hundredth of the fleet", from: growth, unit: "x_small", most: true, aim: 1.5},
}

// line is one line of what go test prints: a benchmark and its figures by their units.
type line struct {
	name  string
	units map[string]float64
}

// read takes the lines of benchmarks from what go test prints.
func read(text string) (all []line) {
	for row := range strings.Lines(text) {
		fields := strings.Fields(row)
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		// A name of several words has its words joined by go test; the count comes after it.
		l := line{name: fields[0], units: map[string]float64{}}
		for i := 2; i+1 < len(fields); i += 2 {
			if n, err := strconv.ParseFloat(fields[i], 64); err == nil {
				l.units[fields[i+1]] = n
			}
		}
		all = append(all, l)
	}
	return all
}

// print says what a figure is, once for each line that has it.
func (f figure) print(out io.Writer, lines []line) (found int) {
	several := 0
	for _, l := range lines {
		if _, ok := l.units[f.unit]; ok && strings.Contains(l.name, f.name) {
			several++
		}
	}
	for _, l := range lines {
		n, ok := l.units[f.unit]
		if !ok || !strings.Contains(l.name, f.name) {
			continue
		}
		found++
		what := f.what
		if _, sub, ok := strings.Cut(l.name, "/"); ok && (f.name == "" || several > 1) {
			what += ": " + strings.TrimRight(strings.TrimRight(strings.ReplaceAll(sub, "_", " "), "0123456789"), "-")
		}
		fmt.Fprintf(out, "%-92s %10.4g  %s\n", what, n, f.against(n))
	}
	return found
}

// against says how a number stands to its aim.
func (f figure) against(n float64) string {
	switch {
	case f.aim == 0:
		return ""
	case f.most && n <= f.aim, !f.most && n >= f.aim:
		return fmt.Sprintf("met: %s, %.2f of it", f.bar(), n/f.aim)
	}
	return fmt.Sprintf("MISSED: %s, %.2f of it", f.bar(), n/f.aim)
}

func (f figure) bar() string {
	if f.most {
		return fmt.Sprintf("at most %g", f.aim)
	}
	return fmt.Sprintf("at least %g", f.aim)
}
