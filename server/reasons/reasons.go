// SPDX-License-Identifier: Apache-2.0

// Package reasons puts stored reasons into words.
//
// Parties: whoever decides stores a fleet.Reason, a code with values; the doors that answer people call Words.
// It promises a sentence for every code that the program has ever stored, and to find the code again of the sentences
// that programs stored before there were codes. It refuses to guess: a code that it does not know is given as it is,
// with its values.
package reasons

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"landed/server/fleet"
)

// hole is a value in a sentence: {name}, or {name:how} for a number. how is "times" (once, 2 times), "percent" (of
// hundredths), "wait" (minutes to wait, as 2 days have), or the noun that is counted.
var hole = regexp.MustCompile(`\{([a-z_]+)(?::([a-z ]+))?\}`)

// Words is the sentence of a reason, "" of none.
func Words(r fleet.Reason) string {
	if r.IsZero() {
		return ""
	}
	sentence, ok := sentences[r.Code]
	if !ok {
		sentence, ok = waits[r.Code]
	}
	if !ok {
		sentence, ok = trail[r.Code]
	}
	if !ok {
		words := r.Code
		for _, name := range slices.Sorted(maps.Keys(r.Values)) {
			words += fmt.Sprintf(", %s %s", name, r.Values[name])
		}
		return words
	}
	return hole.ReplaceAllStringFunc(sentence, func(h string) string {
		m := hole.FindStringSubmatch(h)
		return word(r.Values[m[1]], m[2])
	})
}

// Codes are all that Words and Trail give, each with the names of its values.
func Codes() map[string][]string {
	all := map[string][]string{}
	for _, known := range []map[string]string{sentences, waits, trail} {
		for code, sentence := range known {
			all[code] = []string{}
			for _, m := range hole.FindAllStringSubmatch(sentence, -1) {
				all[code] = append(all[code], m[1])
			}
		}
	}
	return all
}

// All words several reasons.
func All(all []fleet.Reason) []string {
	words := make([]string, 0, len(all))
	for _, r := range all {
		words = append(words, Words(r))
	}
	return words
}

func word(value, how string) string {
	n, err := strconv.Atoi(value)
	switch {
	case how == "" || err != nil:
		return value
	case how == "percent":
		return fmt.Sprintf("%g %%", float64(n)/100)
	case how == "wait":
		return waitText(n)
	case how == "span":
		return spanText(n)
	case how == "times" && n == 1:
		return "once"
	case how == "times":
		return value + " times"
	case n == 1:
		return "1 " + how
	}
	return value + " " + how + "s"
}

// Of finds the reason whose sentence this is. ok is false for one that the program never wrote.
func Of(sentence string) (r fleet.Reason, ok bool) {
	return find(sentence, patterns)
}

// find is the reason that a sentence gives, by the first of the patterns that it fits.
func find(sentence string, among []pattern) (r fleet.Reason, ok bool) {
	for _, p := range among {
		m := p.expression.FindStringSubmatch(sentence)
		if m == nil {
			continue
		}
		r = fleet.Reason{Code: p.code}
		for i, name := range p.expression.SubexpNames() {
			if name == "" {
				continue
			}
			if r.Values == nil {
				r.Values = map[string]string{}
			}
			r.Values[name] = number(m[i], p.how[name])
		}
		return r, true
	}
	return fleet.Reason{}, false
}

// number takes a value back out of the words that word made of it.
func number(words, how string) string {
	switch how {
	case "":
		return words
	case "percent":
		f, _ := strconv.ParseFloat(strings.TrimSuffix(words, " %"), 64) // the expression let digits through alone
		return strconv.Itoa(int(f*100 + 0.5))
	case "times":
		if words == "once" {
			return "1"
		}
	}
	n, unit, _ := strings.Cut(words, " ")
	if how == "wait" || how == "span" {
		return minutesOf(n, unit)
	}
	return n
}

// pattern recognises the sentences of one code.
type pattern struct {
	code       string
	expression *regexp.Regexp
	how        map[string]string
}

var patterns = append(patternsOf(sentences), // as it was said, too
	patternOf(NotOfRelease, "the running build has no opt-in"),
	patternOf(LeaksHalt, "{n:installation} leak: identifiers left a patched handset without consent"))

// patternsOf are those of sentences by code, in the order of the codes.
func patternsOf(sets ...map[string]string) (all []pattern) {
	for _, known := range sets {
		for _, code := range slices.Sorted(maps.Keys(known)) {
			if code == fleet.SaidCode || code == fleet.RecordedCode {
				continue // any sentence
			}
			all = append(all, patternOf(code, known[code]))
		}
	}
	return all
}

// freely are values that are no numbers.
var freely = []string{"first", "second", "reference"}

func patternOf(code, sentence string) pattern {
	p := pattern{code: code, how: map[string]string{}}
	text, at := "^", 0
	for _, m := range hole.FindAllStringSubmatchIndex(sentence, -1) {
		name, how := sentence[m[2]:m[3]], ""
		if m[4] >= 0 {
			how = sentence[m[4]:m[5]]
		}
		text += regexp.QuoteMeta(sentence[at:m[0]]) + "(?P<" + name + ">"
		switch how {
		case "":
			if _, free := sentences[code]; free || slices.Contains(freely, name) {
				text += ".*"
			} else {
				text += "[0-9]+"
			}
		case "percent":
			text += `[0-9.]+ %`
		case "times":
			text += `once|[0-9]+ times`
		case "wait":
			text += `minute has|[0-9]+ (?:minutes|hours|days) have`
		case "span":
			text += `1 minute|[0-9]+ (?:minutes|hours|days)`
		default:
			text += `[0-9]+ ` + how + `s?`
		}
		text, at, p.how[name] = text+")", m[1], how
	}
	p.expression = regexp.MustCompile(text + regexp.QuoteMeta(sentence[at:]) + "$")
	return p
}
