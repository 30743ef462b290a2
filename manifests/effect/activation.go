// SPDX-License-Identifier: Apache-2.0

package effect

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"landed/manifests/effect/probe"
	"landed/manifests/report"
	v1 "landed/manifests/report/v1"
)

// activation gives conditions the values of one report. What was not answered has no value: a condition that needs it
// does not hold.
type activation struct {
	answers   probe.Answers
	onRelease bool
	updated   bool
	tested    bool
	progress  string
	hours     int64
	complete  bool // every probe was answered, within its range
}

func (p *Program) activation(r report.Report, onRelease bool) *activation {
	a := &activation{
		answers: r.Answers, onRelease: onRelease, updated: r.PreviousBuild != "", progress: string(r.Progress),
		hours: p.Effect.Hours, complete: true, tested: true,
	}
	if _, asked := p.Effect.Find(consentWhen); asked && r.Schema == v1.Schema {
		a.answers = probe.Answers{consentWhen: v1.ConsentWhen(r.ConsentDay, p.Effect.PromptDay)}
		for name, value := range r.Answers {
			a.answers[name] = value
		}
	}
	for _, q := range p.Effect.Probes {
		if v, answered := a.answers[q.Name]; !answered || !q.Allows(v) {
			a.complete = false
		}
	}
	for _, t := range p.Effect.Triggers {
		a.tested = a.tested && a.answers[t].True()
	}
	return a
}

// consentWhen is the probe whose answer version 1 gives as a day.
const consentWhen = "consent_when"

// ResolveName implements cel.Activation.
func (a *activation) ResolveName(name string) (any, bool) {
	switch name {
	case "on_release":
		return types.Bool(a.onRelease), true
	case "updated":
		return types.Bool(a.updated), true
	case "tested":
		return types.Bool(a.tested), true
	case "progress":
		return types.String(a.progress), true
	case "hours":
		return types.Int(a.hours), true
	}
	v, answered := a.answers[name]
	if !answered {
		return nil, false
	}
	return celValue(v), true
}

// Parent implements cel.Activation.
func (a *activation) Parent() cel.Activation { return nil }

func celValue(v probe.Value) ref.Val {
	switch v.Kind() {
	case probe.KindInt:
		return types.Int(v.Int())
	case probe.KindBool:
		return types.Bool(v.True())
	}
	return types.String(v.Word())
}

// holds evaluates a condition. One that cannot be evaluated, because an answer is missing, does not hold.
func (c condition) holds(a *activation) bool {
	out, _, err := c.program.Eval(a)
	return err == nil && out == types.True
}
