// SPDX-License-Identifier: Apache-2.0

// Command compare runs one benchmark of this checkout and of an older revision in turns, and prints how they compare:
//
//	go run ./internal/compare -revision v1.2.0 -bench 'Intake' ./server/intake
//
// Parties: whoever changes a hot path. It promises that both are built the same way, run in turns on the same machine,
// and compared by their medians, so that what else the machine does falls on both. It refuses nothing: whether a ratio
// is good enough is for people to say. The older revision is checked out into a folder of its own, which is removed.
package main

import (
	"bytes"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

func main() {
	revision := flag.String("revision", "HEAD~1", "the older `revision`")
	bench := flag.String("bench", ".", "benchmarks to run, a `pattern`")
	rounds := flag.Int("rounds", 5, "how often each runs")
	duration := flag.String("benchtime", "1s", "for how long each benchmark runs, or how often (100x)")
	flag.Parse()
	if err := compare(os.Stdout, *revision, *bench, *duration, *rounds, cmp.Or(flag.Arg(0), ".")); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func compare(out io.Writer, revision, bench, duration string, rounds int, pkg string) (err error) {
	dir, err := os.MkdirTemp("", "compare")
	if err != nil {
		return err
	}
	older := filepath.Join(dir, "older")
	if err := run(".", "git", "worktree", "add", "--detach", older, revision); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	defer func() {
		err = errors.Join(err, run(".", "git", "worktree", "remove", "--force", older), os.RemoveAll(dir))
	}()
	binaries := map[string]string{".": filepath.Join(dir, "new.test"), older: filepath.Join(dir, "old.test")}
	for from, binary := range binaries {
		if err := run(from, "go", "test", "-c", "-o", binary, pkg); err != nil {
			return err
		}
	}
	figures := map[string]map[string][]float64{".": {}, older: {}}
	for range rounds {
		for _, from := range []string{older, "."} {
			cmd := exec.Command(binaries[from], "-test.run", "^$", "-test.bench", bench, "-test.benchtime", duration)
			cmd.Dir, cmd.Stderr = filepath.Join(from, pkg), os.Stderr
			text, err := cmd.Output()
			if err != nil {
				return fmt.Errorf("%s: %w", binaries[from], err)
			}
			read(text, figures[from])
		}
	}
	fmt.Fprintf(out, "%-60s %14s %14s %8s\n", "median of "+strconv.Itoa(rounds), revision, "here", "ratio")
	for _, name := range slices.Sorted(maps.Keys(figures["."])) {
		was, is := median(figures[older][name]), median(figures["."][name])
		if was > 0 {
			fmt.Fprintf(out, "%-60s %14.4g %14.4g %8.3f\n", name, was, is, is/was)
		}
	}
	return nil
}

// read takes the figures of each benchmark, in all its units, from what go test prints.
func read(text []byte, into map[string][]float64) {
	for line := range bytes.Lines(text) {
		fields := strings.Fields(string(line))
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		for i := 2; i+1 < len(fields); i += 2 {
			if v, err := strconv.ParseFloat(fields[i], 64); err == nil {
				name := strings.TrimPrefix(fields[0], "Benchmark") + " " + fields[i+1]
				into[name] = append(into[name], v)
			}
		}
	}
}

func median(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

func run(dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return nil
}
