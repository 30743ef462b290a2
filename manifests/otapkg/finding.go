// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Level says what a finding asks of the reader.
type Level string

const (
	Refuse  Level = "refuse"  // the package must not be used
	Approve Level = "approve" // a second person must agree
	Warn    Level = "warn"    // worth knowing, stops nothing
)

// Code names a kind of finding. Codes never change their meaning; programs and tests may rely on them.
type Code string

// Finding is one thing that was found, in a form for programs and a sentence for people.
type Finding struct {
	Code    Code   `json:"code"`
	Level   Level  `json:"level"`
	Found   string `json:"found,omitempty"`  // what the package holds
	Wanted  string `json:"wanted,omitempty"` // what it should hold
	Fix     string `json:"fix,omitempty"`    // what to do next
	Message string `json:"message"`          // one sentence for people, complete without the other fields
}

// Findings is everything that was found, in the order in which the package was read.
type Findings []Finding

// Refused reports whether any finding forbids the use of the package.
func (fs Findings) Refused() bool {
	return slices.ContainsFunc(fs, func(f Finding) bool { return f.Level == Refuse })
}

// Has reports whether code was found.
func (fs Findings) Has(code Code) bool {
	return slices.ContainsFunc(fs, func(f Finding) bool { return f.Code == code })
}

// Codes returns each code found once, in order of first appearance.
func (fs Findings) Codes() []Code {
	var codes []Code
	for _, f := range fs {
		if !slices.Contains(codes, f.Code) {
			codes = append(codes, f.Code)
		}
	}
	return codes
}

// maxPerCode keeps a package with ten thousand bad names from filling the answer with ten thousand findings.
const maxPerCode = 20

// add appends f, with the usual level of its code unless f has one. Beyond maxPerCode findings of one code
// only the fact that there are more is kept.
func (fs *Findings) add(f Finding) {
	if f.Level == "" {
		f.Level = usualLevel(f.Code)
	}
	switch n := fs.count(f.Code); {
	case n < maxPerCode:
		*fs = append(*fs, f)
	case n == maxPerCode:
		*fs = append(*fs, Finding{Code: f.Code, Level: f.Level, Fix: f.Fix,
			Message: fmt.Sprintf("There are more findings of the kind %s; the first %d are listed.", f.Code, maxPerCode)})
	}
}

func (fs Findings) count(code Code) (n int) {
	for _, have := range fs {
		if have.Code == code {
			n++
		}
	}
	return n
}

// full says that add keeps no more findings of a code, so that their words need not be made.
func (fs Findings) full(code Code) bool { return fs.count(code) > maxPerCode }

// show quotes text from a package for people: valid UTF-8, no control characters, never long.
func show(s string) string {
	const most = 120
	s = strings.ToValidUTF8(s, "\uFFFD")
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most]) + "…"
	}
	q := fmt.Sprintf("%q", s)
	return "`" + q[1:len(q)-1] + "`"
}
