// SPDX-License-Identifier: Apache-2.0

package evidence

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"landed/manifests/report"
)

var (
	digest = regexp.MustCompile(`^[0-9a-f]{64}$`)
	name   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$`)
	build  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9/:._,+-]{0,199}$`)
)

// checks gathers what is wrong with a statement.
type checks []error

func (c *checks) fault(format string, args ...any) { *c = append(*c, fmt.Errorf(format, args...)) }

// Validate returns every fault, joined.
func (s Said) Validate() error {
	var c checks
	set := 0
	if s.Observation != nil {
		set++
		c.observation(*s.Observation)
	}
	if s.Voucher != nil {
		set++
		c.voucher(*s.Voucher)
	}
	if s.Withdrawal != nil {
		set++
		c.withdrawal(*s.Withdrawal)
	}
	if set != 1 {
		c.fault("it says %d things; wanted one observation, voucher or withdrawal", set)
	}
	return errors.Join(c...)
}

func (c *checks) observation(o Observation) {
	if !slices.Contains(Kinds(), o.Kind) {
		c.fault("kind is %.40q; wanted %v", o.Kind, Kinds())
	}
	if !slices.Contains([]Verdict{Confirms, Refutes, Inconclusive}, o.Verdict) {
		c.fault("verdict is %.40q; wanted %s, %s or %s", o.Verdict, Confirms, Refutes, Inconclusive)
	}
	c.name("model", o.Model)
	c.name("release", o.Release)
	if !build.MatchString(o.Build) {
		c.fault("build is %.80q; wanted the fingerprint (ro.build.fingerprint)", o.Build)
	}
	c.digest("package", o.Package)
	c.digest("capture", o.Capture)
	c.texts("steps", o.Steps, 1, MaxSteps)
	c.texts("seen", o.Seen, 1, MaxSeen)
	c.time("at", o.At)
}

func (c *checks) voucher(v Voucher) {
	if ref, err := report.ParseReference(string(v.Installation)); err != nil || ref != v.Installation {
		c.fault("installation is %.60q; wanted its reference, 24 letters and digits", string(v.Installation))
	}
	c.name("model", v.Model)
	c.time("from", v.From)
	c.time("until", v.Until)
	if life := v.Until.Sub(v.From); life <= 0 || life > MaxVouch {
		c.fault("it holds from %s until %s; wanted a later end, at most %d days on", stamp(v.From), stamp(v.Until),
			MaxVouch/(24*time.Hour))
	}
}

func (c *checks) withdrawal(t Withdrawal) {
	c.digest("statement", t.Statement)
	c.texts("reason", []string{t.Reason}, 1, 1)
	c.time("at", t.At)
}

func (c *checks) name(field, value string) {
	if !name.MatchString(value) {
		c.fault("%s is %.80q; wanted letters, digits, _ . and -", field, value)
	}
}

func (c *checks) digest(field, value string) {
	if !digest.MatchString(value) {
		c.fault("%s is %.80q; wanted a SHA-256 of 64 lower-case hex digits", field, value)
	}
}

// time wants what the one form can say: whole seconds of years with four digits, UTC.
func (c *checks) time(field string, t time.Time) {
	if t.Location() != time.UTC || t.Nanosecond() != 0 || t.Year() < 2000 || t.Year() > 9999 {
		c.fault("%s is %s; wanted UTC in whole seconds", field, t)
	}
}

func (c *checks) texts(field string, texts []string, least, most int) {
	if len(texts) < least || len(texts) > most {
		c.fault("%s has %d entries; wanted %d to %d", field, len(texts), least, most)
	}
	for i, text := range texts {
		odd := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
		if n := utf8.RuneCountInString(text); n == 0 || n > MaxText || odd >= 0 || !utf8.ValidString(text) {
			c.fault("%s, entry %d: %d characters; wanted 1 to %d on one line, all of them printable", field, i+1, n, MaxText)
		}
	}
}
