// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestFiguresAreSaid: a figure stands beside its aim, whether it is met or missed.
func TestFiguresAreSaid(t *testing.T) {
	lines := read(`goos: linux
BenchmarkIntake/senders=64-2         	       2	      5000 reports/s	         0.6240 x_verify
BenchmarkIntake/senders=512-2        	       2	      9000 reports/s	         1.250 x_verify
PASS`)
	for _, tt := range []struct {
		f     figure
		found int
		want  string
	}{
		{figure{what: "few", name: "senders=64", unit: "x_verify", aim: 0.8}, 1, "MISSED: at least 0.8, 0.78 of it"},
		{figure{what: "many", name: "senders=512", unit: "x_verify", aim: 1}, 1, "met: at least 1, 1.25 of it"},
		{figure{what: "at most", name: "senders=512", unit: "x_verify", aim: 1, most: true}, 1, "MISSED: at most 1, 1.25 of it"},
		{figure{what: "both", unit: "reports/s"}, 2, "both: senders=512"},
		{figure{what: "none", unit: "x_none"}, 0, ""},
	} {
		var out strings.Builder
		if found := tt.f.print(&out, lines); found != tt.found || !strings.Contains(out.String(), tt.want) {
			t.Errorf("%s: %d lines, wanted %d and %q:\n%s", tt.f.what, found, tt.found, tt.want, &out)
		}
	}
}

// TestFiguresAreThere: each benchmark exists in its folder, and its folder prints figures of that unit.
func TestFiguresAreThere(t *testing.T) {
	for _, f := range figures {
		files, _ := filepath.Glob(filepath.Join("../..", f.from.folder, "*_test.go"))
		var all strings.Builder
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
		}
		pattern := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(f.from.pattern, "^"), "Benchmark"), "$")
		if !regexp.MustCompile(`func Benchmark\w*` + pattern).MatchString(all.String()) {
			t.Errorf("%s has no benchmark %s", f.from.folder, f.from.pattern)
		}
		unit := f.unit[max(strings.Index(f.unit, "_x_"), 0):] // the engines put their names before it
		if !strings.Contains(all.String(), unit+`"`) {
			t.Errorf("%s prints no %s", f.from.folder, f.unit)
		}
	}
}
