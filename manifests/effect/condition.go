// SPDX-License-Identifier: Apache-2.0

package effect

import (
	"errors"
	"fmt"
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"landed/manifests/effect/probe"
	"landed/manifests/report"
)

// Bounds of one condition. It has no loops and calls no function, so they bound what it costs.
const (
	maxCondition = 400 // bytes
	maxNodes     = 64  // names, constants and operators
)

// The values of a report's core that conditions may use beside the probes, and their types.
var core = map[string]*cel.Type{
	"on_release": cel.BoolType,   // the running build is of this release, or of a later one that keeps the effect
	"progress":   cel.StringType, // how far the update is: known, downloading, installed, running, failed
	"updated":    cel.BoolType,   // there was a build before the last update
	"tested":     cel.BoolType,   // every trigger was pulled
	"hours":      cel.IntType,    // the hours to observe that the effect names
}

// CoreNames lists the values beside the probes that conditions may use, in order.
func CoreNames() []string {
	var names []string
	for name := range core {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// allowed are the operators. All of them cost the same for every report.
var allowed = []string{
	operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot, operators.Equals, operators.NotEquals, operators.Less,
	operators.LessEquals, operators.Greater, operators.GreaterEquals, operators.In,
}

// condition is a compiled one.
type condition struct {
	program cel.Program
	names   []string // of the probes that it looks at, in order
}

// compiler makes conditions over the probes of one effect.
type compiler struct {
	env       *cel.Env
	ask       probe.Ask
	published bool // what it compiles was validated when it was published: no bounds
}

// newCompiler makes a compiler over the probes of ask. The error has every probe that conditions cannot name; the
// compiler knows the others.
func newCompiler(ask probe.Ask) (compiler, error) {
	options := []cel.EnvOption{cel.ClearMacros()}
	var faults []error
	for name, t := range core {
		options = append(options, cel.Variable(name, t))
	}
	for _, p := range ask.Probes {
		t := map[probe.Kind]*cel.Type{probe.KindInt: cel.IntType, probe.KindBool: cel.BoolType,
			probe.KindEnum: cel.StringType}[p.Kind]
		if _, taken := core[p.Name]; taken {
			faults = append(faults, fmt.Errorf("probe %s: conditions know another value by that name; wanted a name beside %v",
				p.Name, CoreNames()))
		} else if t != nil && probe.ValidName(p.Name) { // else its own validation says so
			options = append(options, cel.Variable(p.Name, t))
		}
	}
	env, err := cel.NewEnv(options...)
	if err != nil {
		return compiler{}, fmt.Errorf("the probes make no language: %w", err)
	}
	for _, p := range ask.Probes {
		if !probe.ValidName(p.Name) {
			continue
		}
		if parsed, issues := env.Parse(p.Name); issues.Err() != nil || parsed.NativeRep().Expr().Kind() != ast.IdentKind {
			faults = append(faults, fmt.Errorf("probe %s: that is a word of the language of conditions; wanted another name",
				p.Name))
		}
	}
	return compiler{env: env, ask: ask}, errors.Join(faults...)
}

// compile checks the type of a condition and what it may cost.
func (c compiler) compile(text string) (condition, error) {
	if !c.published && len(text) > maxCondition {
		return condition{}, fmt.Errorf("the condition has %d bytes, wanted at most %d", len(text), maxCondition)
	}
	checked, issues := c.env.Compile(text)
	if issues.Err() != nil {
		return condition{}, fmt.Errorf("condition %q: %s", text, issueText(issues))
	}
	if !checked.OutputType().IsExactType(types.BoolType) {
		return condition{}, fmt.Errorf("condition %q is of type %s, wanted bool", text, checked.OutputType())
	}
	names, err := c.walk(checked.NativeRep().Expr())
	if err != nil && !c.published {
		return condition{}, fmt.Errorf("condition %q: %w", text, err)
	}
	program, err := c.env.Program(checked, cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return condition{}, fmt.Errorf("condition %q: %w", text, err)
	}
	return condition{program, names}, nil
}

// program makes one of conditions that were compiled each.
func (c compiler) program(text string) (cel.Program, error) {
	checked, issues := c.env.Compile(text)
	if issues.Err() != nil {
		return nil, errors.New(issueText(issues))
	}
	return c.env.Program(checked, cel.EvalOptions(cel.OptOptimize))
}

func issueText(issues *cel.Issues) string {
	text := ""
	for i, e := range issues.Errors() {
		if i > 0 {
			text += "; "
		}
		text += fmt.Sprintf("at character %d: %s", e.Location.Column()+1, e.Message)
	}
	return text
}

// walk looks at every node: which probes are named, and whether anything stands there that is not allowed or can
// never hold.
func (c compiler) walk(root ast.Expr) (names []string, err error) {
	nodes := 0
	var faults []error
	ast.PostOrderVisit(root, ast.NewExprVisitor(func(e ast.Expr) {
		nodes++
		switch e.Kind() {
		case ast.IdentKind:
			if _, ok := c.ask.Find(e.AsIdent()); ok && !slices.Contains(names, e.AsIdent()) {
				names = append(names, e.AsIdent())
			}
		case ast.CallKind:
			if !slices.Contains(allowed, e.AsCall().FunctionName()) {
				faults = append(faults, fmt.Errorf("%s is not allowed; wanted &&, ||, !, comparisons and in",
					e.AsCall().FunctionName()))
				return
			}
			faults = append(faults, c.comparisons(e.AsCall())...)
		case ast.LiteralKind, ast.ListKind:
		default:
			faults = append(faults, errors.New("wanted names, constants, lists of them, comparisons, !, && and ||, and nothing else"))
		}
	}))
	if nodes > maxNodes {
		faults = append(faults, fmt.Errorf("it has %d names, constants and operators, wanted at most %d; use two rules of "+
			"one class", nodes, maxNodes))
	}
	slices.Sort(names)
	return names, errors.Join(faults...)
}

// comparisons finds comparisons of an answer with what is never answered: they type-check, and never hold.
func (c compiler) comparisons(call ast.CallExpr) []error {
	if len(call.Args()) != 2 {
		return nil
	}
	left, right := call.Args()[0], []ast.Expr{call.Args()[1]}
	if call.FunctionName() == operators.In && right[0].Kind() == ast.ListKind {
		right = right[0].AsList().Elements()
	}
	var faults []error
	for _, r := range right {
		if left.Kind() == ast.ListKind || r.Kind() == ast.ListKind {
			faults = append(faults, errors.New("a list stands only behind in, and holds no list"))
			continue
		}
		exact := !slices.Contains(ordering, call.FunctionName())
		faults = append(faults, c.never(left, r, exact), c.never(r, left, exact))
	}
	return faults
}

var ordering = []string{operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals}

// never says if name stands for a probe, or the progress, that never has the value of a constant. Of numbers only exact
// comparisons are looked at: hours >= 48 may hold whatever the buckets are.
func (c compiler) never(name, constant ast.Expr, exact bool) error {
	if name.Kind() != ast.IdentKind || constant.Kind() != ast.LiteralKind {
		return nil
	}
	p, known := c.ask.Find(name.AsIdent())
	if name.AsIdent() == "progress" {
		p = probe.Probe{Kind: probe.KindEnum}
		for _, value := range report.ProgressValues {
			p.Values = append(p.Values, string(value))
		}
	} else if !known {
		return nil
	}
	switch value := constant.AsLiteral().(type) {
	case types.String:
		if p.Kind == probe.KindEnum && !p.Allows(probe.Word(string(value))) {
			return fmt.Errorf("%s is never %q; wanted %s", name.AsIdent(), string(value), p.Range())
		}
	case types.Int:
		if p.Kind == probe.KindInt && exact && !p.Allows(probe.Int(int64(value))) {
			return fmt.Errorf("%s is never %d; wanted %s", name.AsIdent(), int64(value), p.Range())
		}
	}
	return nil
}
