// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// Value is one answer: an integer, a boolean or a word. The zero Value answers nothing. Values are comparable.
type Value struct {
	kind Kind
	n    int64 // of an int; 1 for true
	word string
}

// Int is an integer.
func Int(n int64) Value { return Value{kind: KindInt, n: n} }

// Word is a word of an enum.
func Word(s string) Value { return Value{kind: KindEnum, word: s} }

// Bool is a boolean.
func Bool(b bool) Value {
	if b {
		return Value{kind: KindBool, n: 1}
	}
	return Value{kind: KindBool}
}

// Kind is the kind of a value, "" for none.
func (v Value) Kind() Kind { return v.kind }

// Int is the integer of an int, else 0.
func (v Value) Int() int64 {
	if v.kind != KindInt {
		return 0
	}
	return v.n
}

// True says if v is a boolean that is true.
func (v Value) True() bool { return v.kind == KindBool && v.n == 1 }

// Word is the word of an enum, else "".
func (v Value) Word() string { return v.word }

// String writes the value as JSON does, a word without quotes.
func (v Value) String() string {
	switch v.kind {
	case KindInt:
		return strconv.FormatInt(v.n, 10)
	case KindBool:
		return strconv.FormatBool(v.n == 1)
	}
	return v.word
}

// AppendJSON appends the value: a number, true or false, or a string.
func (v Value) AppendJSON(b []byte) []byte {
	switch v.kind {
	case KindEnum:
		return strconv.AppendQuote(b, v.word) // a word has nothing to escape
	case KindInt:
		return strconv.AppendInt(b, v.n, 10)
	}
	return append(b, v.String()...)
}

// Valid says if v can be the answer to some probe: an integer of 0…65,535, a boolean, or a word.
func (v Value) Valid() bool {
	switch v.kind {
	case KindInt:
		return v.n >= 0 && v.n <= MaxInt
	case KindEnum:
		return ValidName(v.word)
	}
	return v.kind == KindBool
}

// MarshalJSON writes the value. What is not valid cannot be written.
func (v Value) MarshalJSON() ([]byte, error) {
	if !v.Valid() {
		return nil, errors.New("probe: this is no answer")
	}
	return v.AppendJSON(nil), nil
}

// UnmarshalJSON reads a whole number, a boolean or a word. What it refuses it does not repeat.
func (v *Value) UnmarshalJSON(text []byte) error {
	text = bytes.TrimSpace(text)
	switch {
	case string(text) == "true":
		*v = Bool(true)
		return nil
	case string(text) == "false":
		*v = Bool(false)
		return nil
	case len(text) > 0 && text[0] == '"':
		var word string
		if json.Unmarshal(text, &word) == nil && ValidName(word) {
			*v = Word(word)
			return nil
		}
	default:
		n, err := strconv.ParseUint(string(text), 10, 16)
		if err == nil && strconv.FormatUint(n, 10) == string(text) {
			*v = Int(int64(n))
			return nil
		}
	}
	return fmt.Errorf("an answer is a whole number up to %d, true, false or a word of lower-case letters", MaxInt)
}

// Answers are the answers to probes, by name. A probe without one was not answered.
type Answers map[string]Value

// Names are the names of what was answered, in order.
func (a Answers) Names() []string { return slices.Sorted(maps.Keys(a)) }

// Check holds answers against what was asked, and returns every fault. It never repeats a name or value that was not
// declared: whatever a handset tried to put there must not travel on.
func Check(probes []Probe, answers Answers) error {
	var faults []error
	known := 0
	for _, p := range probes {
		v, answered := answers[p.Name]
		if !answered {
			continue
		}
		known++
		if !p.Allows(v) {
			faults = append(faults, fmt.Errorf("the answer to %s is none of those that the release asks for; wanted %s",
				p.Name, p.Range()))
		}
	}
	if more := len(answers) - known; more > 0 {
		faults = append(faults, fmt.Errorf("%d answers are to probes that the release does not ask for", more))
	}
	return errors.Join(faults...)
}

// Allows says if v is one of the answers to p.
func (p Probe) Allows(v Value) bool {
	if v.kind != p.Kind {
		return false
	}
	switch {
	case p.Kind == KindEnum:
		return slices.Contains(p.Values, v.word)
	case p.Kind == KindBool:
		return true
	case len(p.Buckets) > 0:
		return slices.Contains(p.Buckets, v.n)
	}
	return v.n >= 0 && v.n <= p.Max
}

// Range writes what may be answered: "0 to 1", "0, 1, 2 or 10 hours", "off, on or suspended".
func (p Probe) Range() string {
	text := ""
	switch {
	case p.Kind == KindBool:
		return "true or false"
	case p.Kind == KindEnum:
		text = or(p.Values)
	case len(p.Buckets) > 0:
		var bounds []string
		for _, b := range p.Buckets {
			bounds = append(bounds, strconv.FormatInt(b, 10))
		}
		text = or(bounds)
	default:
		text = fmt.Sprintf("0 to %d", p.Max)
	}
	if p.Unit != "" {
		text += " " + p.Unit
	}
	return text
}

func or(words []string) string {
	text := ""
	for i, w := range words {
		switch {
		case i > 0 && i == len(words)-1:
			text += " or "
		case i > 0:
			text += ", "
		}
		text += w
	}
	return text
}

// Equal says that both are the same answer.
func (v Value) Equal(o Value) bool { return v == o }
