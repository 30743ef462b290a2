// SPDX-License-Identifier: Apache-2.0

// Command figures runs the benchmarks whose figures the house promises, and prints each beside what it ought to be:
//
//	go run ./internal/figures
//	go run ./internal/figures -only 'Growth' -installations 1000000
//	go run ./internal/figures -only 'Pages'
//
// Parties: whoever changes a hot path, or wonders if a machine is good enough. It promises that all is measured in this run, on this
// machine, and that figures are ratios where a ratio says more. It refuses nothing: a figure that misses its aim is printed, and
// whether that is the machine's doing is for people to say; it exits with 1 only if a benchmark fails, or prints no such figure.
package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
)

func main() {
	only := flag.String("only", "", "run only benchmarks whose folder or pattern matches this `pattern`")
	installations := flag.Int("installations", 0, "the larger of the two fleets of the figures of growth "+
		"(the smaller is a hundredth), and the fleet of those of pages; 0: 10,000 and 120,000")
	flag.Parse()
	pattern, err := regexp.Compile(*only)
	if err == nil {
		err = all(os.Stdout, pattern, *installations)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "figures:", err)
		os.Exit(1)
	}
}

// all prints the figures of the benchmarks that match. A benchmark that fails does not keep the others from being run.
func all(out io.Writer, only *regexp.Regexp, installations int) error {
	ran := map[bench][]line{}
	var faults []error
	for _, f := range figures {
		if !only.MatchString(f.from.folder + " " + f.from.pattern) {
			continue
		}
		lines, ok := ran[f.from]
		if !ok {
			var err error
			if lines, err = f.from.run(installations); err != nil {
				faults = append(faults, err)
			}
			ran[f.from] = lines
		}
		if f.print(out, lines) == 0 {
			faults = append(faults, fmt.Errorf("%s %s prints no %s for %q", f.from.folder, f.from.pattern, f.unit, f.what))
		}
	}
	if len(ran) == 0 {
		return errors.New("no benchmark matches -only")
	}
	return errors.Join(faults...)
}

// run runs a benchmark once.
func (b bench) run(installations int) ([]line, error) {
	cmd := exec.Command("go", "test", "-run", "^$", "-bench", b.pattern, "-benchtime", b.times, "-timeout", "6h", b.folder)
	cmd.Env = os.Environ()
	if size := cmp.Or(installations, b.size); size > 0 {
		cmd.Env = append(cmd.Env, "LANDED_INSTALLATIONS="+strconv.Itoa(size))
	}
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return read(string(text)), fmt.Errorf("%s %s: %w\n%s", b.folder, b.pattern, err, text)
	}
	return read(string(text)), nil
}
