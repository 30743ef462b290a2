// SPDX-License-Identifier: Apache-2.0

package effect

import (
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"landed/manifests/effect/probe"
	"landed/manifests/report"
	v1 "landed/manifests/report/v1"
)

// coreValues are the names of core, in the order in which an activation holds their values, before those of the probes.
var coreValues = []string{"on_release", "updated", "tested", "progress", "hours"}

// names is what an activation needs of an effect, made once.
type names struct {
	index map[string]int // of each core value and probe, in the values of an activation
	words [][]ref.Val    // of each probe that is an enum, its values as conditions see them
}

func namesOf(e Effect) names {
	n := names{index: map[string]int{}}
	for i, name := range coreValues {
		n.index[name] = i
	}
	for i, q := range e.Probes {
		n.index[q.Name] = len(coreValues) + i
		var words []ref.Val
		for _, w := range q.Values {
			words = append(words, types.String(w))
		}
		n.words = append(n.words, words)
	}
	return n
}

// activation gives conditions the values of one report. What was not answered, or out of range, has no value: a
// condition that needs it does not hold.
type activation struct {
	index    map[string]int
	values   []ref.Val
	complete bool // every probe was answered, within its range
}

func (p *Program) activation(r report.Report, onRelease bool) *activation {
	a := &activation{index: p.names.index, values: make([]ref.Val, len(p.names.index)), complete: true}
	for i, q := range p.Effect.Probes {
		v, answered := answer(r, q.Name, p.Effect.PromptDay)
		if !answered || !q.Allows(v) {
			a.complete = false
			continue
		}
		a.values[len(coreValues)+i] = p.celValue(i, v)
	}
	tested := true
	for _, t := range p.Effect.Triggers {
		tested = tested && r.Answers[t].True()
	}
	a.values[0], a.values[1], a.values[2] = types.Bool(onRelease), types.Bool(r.PreviousBuild != ""), types.Bool(tested)
	a.values[3], a.values[4] = types.String(r.Progress), types.Int(p.Effect.Hours)
	return a
}

// consentWhen is the probe whose answer version 1 gives as a day: what it means depends on the release.
const consentWhen = "consent_when"

func answer(r report.Report, name, promptDay string) (probe.Value, bool) {
	if name == consentWhen && r.Schema == v1.Schema {
		return v1.ConsentWhen(r.ConsentDay, promptDay), true
	}
	v, answered := r.Answers[name]
	return v, answered
}

// celValue is the answer to the probe i, which allows it.
func (p *Program) celValue(i int, v probe.Value) ref.Val {
	switch v.Kind() {
	case probe.KindInt:
		return types.Int(v.Int())
	case probe.KindBool:
		return types.Bool(v.True())
	}
	return p.names.words[i][slices.Index(p.Effect.Probes[i].Values, v.Word())]
}

// ResolveName implements cel.Activation.
func (a *activation) ResolveName(name string) (any, bool) {
	i, known := a.index[name]
	if !known || a.values[i] == nil {
		return nil, false
	}
	return a.values[i], true
}

// Parent implements cel.Activation.
func (a *activation) Parent() cel.Activation { return nil }

// holds evaluates a condition. One that cannot be evaluated, because an answer is missing, does not hold.
func (c condition) holds(a *activation) bool {
	out, _, err := c.program.Eval(a)
	return err == nil && out == types.True
}
