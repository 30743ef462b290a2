// SPDX-License-Identifier: Apache-2.0

// Command scale computes what a fleet costs and where it meets its walls, from what was measured and what was chosen:
//
//	go run ./internal/scale                                              the tables of docs/operate/scale.md
//	go run ./internal/scale -handsets 3e6 -set package-mb=800 -set peak=2   of a fleet of your own
//	go run ./internal/scale -write docs/operate/scale.md                 puts them into the page
//
// Parties: whoever plans a fleet, and a test that holds the page against it. It promises that every number of the tables
// follows from the inputs in them. It refuses inputs that are not above 0, and names it does not know.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
)

func main() {
	in, columns := defaults(), fleets
	flag.Func("set", "change an input, `name=value`; may be given again", in.set)
	flag.Func("handsets", "`number` of handsets, instead of the columns of the page", func(text string) error {
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || !(n >= 1) || n > 1e10 {
			return errors.New("wanted 1 to 1e10")
		}
		columns = []float64{n}
		return nil
	})
	page := flag.String("write", "", "put the tables into this `file`, between its marks")
	flag.Parse()
	if err := run(in, columns, *page); err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

func run(in inputs, columns []float64, page string) error {
	text := tables(in, columns)
	if page == "" {
		_, err := fmt.Print(text)
		return err
	}
	old, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	now, err := replace(string(old), text)
	if err != nil {
		return fmt.Errorf("%s: %w", page, err)
	}
	return os.WriteFile(page, []byte(now), 0o644)
}

// What stands between these lines of the page is computed.
const (
	begins = "<!-- computed by go run ./internal/scale -->\n"
	ends   = "<!-- end of what is computed -->\n"
)

func replace(page, text string) (string, error) {
	before, rest, ok := strings.Cut(page, begins)
	_, after, ended := strings.Cut(rest, ends)
	if !ok || !ended {
		return "", fmt.Errorf("the lines %q and %q are not in it", strings.TrimSpace(begins), strings.TrimSpace(ends))
	}
	return before + begins + text + ends + after, nil
}
