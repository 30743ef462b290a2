// SPDX-License-Identifier: Apache-2.0

package v2

import (
	"bytes"
	"strconv"
	"strings"

	"landed/manifests/effect/probe"
	"landed/manifests/report"
)

// read reads a body that is in its one form, and says if it was. It takes values in the order of the schema and looks
// at little else: a body is in its one form if, and only if, what was read is written as the same bytes, so that is
// what decides. It costs a fraction of what encoding/json does.
func read(text []byte) (Body, bool) {
	v := values{rest: string(text)}
	var names []string
	b := Body{
		Schema: int(v.number()), Key: v.text(), Seq: v.number(), Kind: report.Kind(v.text()),
		Release: v.text(), Model: v.text(),
		Variant: v.text(), Channel: v.text(), Build: v.text(), BuildUTC: v.number(), Updated: v.next() == "true",
		Progress: report.Progress(v.text()), Failure: v.failure(), Attempt: int(v.number()),
	}
	b.Answers, names = v.answers()
	return b, b.Schema == Schema && ascend(names) && bytes.Equal(text, appendBody(make([]byte, 0, len(text)), b.Report(), names))
}

// ascend says if names are in order, and none is there twice: then they are all names of the answers, as Names has them.
func ascend(names []string) bool {
	for i := 1; i < len(names); i++ {
		if names[i-1] >= names[i] {
			return false
		}
	}
	return true
}

// values gives the values of a body one after another. It answers something to everything: what is not there, or not
// of the type, is found by read.
type values struct{ rest string }

// next is the next value as it is written, without the quotes of a string.
func (v *values) next() string {
	_, v.rest, _ = strings.Cut(v.rest, ":")
	if text, ok := strings.CutPrefix(v.rest, `"`); ok {
		text, v.rest, _ = strings.Cut(text, `"`)
		return text
	}
	end := max(0, strings.IndexAny(v.rest, ",}"))
	value := v.rest[:end]
	v.rest = v.rest[end:]
	return value
}

func (v *values) text() string { return v.next() }

func (v *values) number() int64 {
	n, _ := strconv.ParseInt(v.next(), 10, 64)
	return n
}

func (v *values) failure() *report.Failure {
	rest, ok := strings.CutPrefix(v.rest, `,"failure":{`)
	if !ok {
		return nil
	}
	v.rest = rest
	return &report.Failure{Phase: report.Phase(v.text()), Code: int(v.number())}
}

// answers are in order as they are written, names too.
func (v *values) answers() (answers probe.Answers, names []string) {
	_, v.rest, _ = strings.Cut(v.rest, "{")
	room := min(strings.Count(v.rest, ":"), probe.MaxProbes+1)
	answers, names = make(probe.Answers, room), make([]string, 0, room)
	for range probe.MaxProbes + 1 {
		_, rest, ok := strings.Cut(v.rest, `"`)
		if !ok {
			break
		}
		name, rest, ok := strings.Cut(rest, `"`)
		if !ok {
			break
		}
		v.rest = rest
		word := strings.HasPrefix(rest, `:"`)
		answers[name], names = answer(v.next(), word), append(names, name)
	}
	return answers, names
}

func answer(text string, word bool) probe.Value {
	switch {
	case word:
		return probe.Word(text)
	case text == "true" || text == "false":
		return probe.Bool(text == "true")
	}
	n, _ := strconv.ParseUint(text, 10, 16)
	return probe.Int(int64(n))
}
