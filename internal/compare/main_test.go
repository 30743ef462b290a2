// SPDX-License-Identifier: Apache-2.0

package main

import "testing"

func TestFigures(t *testing.T) {
	figures := map[string][]float64{}
	for _, text := range []string{
		"goos: linux\nBenchmarkIntake/64-2 \t 100\t 2000 ns/op\t 31.5 cpu-us\nPASS\n",
		"BenchmarkIntake/64-2 100 1000 ns/op 30 cpu-us\n", "BenchmarkIntake/64-2 100 9000 ns/op 32 cpu-us\nok \n",
	} {
		read([]byte(text), figures)
	}
	if got := median(figures["Intake/64-2 ns/op"]); got != 2000 {
		t.Errorf("the median of ns/op is %v", got)
	}
	if got := median(figures["Intake/64-2 cpu-us"]); got != 31.5 || len(figures) != 2 {
		t.Errorf("the median of cpu-us is %v, of %v", got, figures)
	}
	if median(nil) != 0 {
		t.Error("a median of nothing")
	}
}
