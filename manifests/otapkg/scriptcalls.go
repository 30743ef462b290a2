// SPDX-License-Identifier: Apache-2.0

package otapkg

import "slices"

// call is one function of a script with its arguments.
type call struct {
	name string
	args []value
	at   int // index of the name in the tokens
	end  int // index after the closing bracket
}

// value is an argument: known if the script puts it together of literals alone.
type value struct {
	text  string
	known bool
}

// text is argument i, "" if there is none or it is not known.
func (c call) text(i int) string {
	if i < 0 || i >= len(c.args) || !c.args[i].known {
		return ""
	}
	return c.args[i].text
}

// bracket is an open one in calls: of a call, or plain.
type bracket struct {
	call  int // index in the calls, -1 for plain brackets
	value     // of the argument so far
	parts int // operands of it
	plus  bool
}

// operand takes one more of an argument: the first, or one behind +. Texts longer than any name are not put together.
func (b *bracket) operand(v value) {
	if b.parts++; b.parts == 1 {
		b.value = v
	} else if b.known = b.known && b.plus && v.known && len(b.text)+len(v.text) <= maxName; b.known {
		b.text += v.text
	}
	b.plus = false
}

// operator takes what stands between operands.
func (b *bracket) operator(text string) {
	if text != "+" || b.plus || b.parts == 0 {
		b.parts, b.value = b.parts+1, value{} // a condition, a sequence, or no Edify
	}
	b.plus = true
}

// finish gives the argument and makes room for the next.
func (b *bracket) finish() value {
	v := value{b.text, b.known && !b.plus}
	*b = bracket{call: b.call}
	return v
}

// calls lists every call in tokens, inner ones too. It keeps a stack of open brackets instead of recursing,
// so that depth costs no more than length.
func calls(tokens []token) []call {
	var done []call
	var stack []bracket
	for i, t := range tokens {
		var top *bracket
		if len(stack) > 0 {
			top = &stack[len(stack)-1]
		}
		switch {
		case t == token{"(", 'o'}:
			b := bracket{call: -1}
			if i > 0 && namesCall(tokens[i-1]) {
				b.call = len(done)
				done = append(done, call{name: tokens[i-1].text, at: i - 1, end: len(tokens)})
			}
			stack = append(stack, b)
		case top == nil:
		case t == token{")", 'o'}:
			v := top.closing(done, i)
			if stack = stack[:len(stack)-1]; len(stack) > 0 {
				stack[len(stack)-1].operand(v)
			}
		case t == token{",", 'o'}:
			if v := top.finish(); top.call >= 0 {
				done[top.call].args = append(done[top.call].args, v)
			}
		case t.kind == 'o':
			top.operator(t.text)
		case i+1 < len(tokens) && tokens[i+1] == (token{"(", 'o'}) && namesCall(t): // a name
		default:
			top.operand(value{t.text, true})
		}
	}
	return done
}

// closing ends a bracket at token i and gives its value: that of what is in it, or what concat makes of its arguments.
func (b *bracket) closing(done []call, i int) value {
	more := b.parts > 0
	v := b.finish()
	if b.call < 0 {
		return v
	}
	c := &done[b.call]
	if c.end = i + 1; more || len(c.args) > 0 {
		c.args = append(c.args, v)
	}
	if c.name != "concat" {
		return value{}
	}
	joined := bracket{plus: true}
	for _, a := range c.args {
		joined.operand(a)
		joined.plus = true
	}
	return value{joined.text, joined.known}
}

// namesCall says if a bracket behind t holds arguments.
func namesCall(t token) bool {
	return t.kind == 's' || t.kind == 'w' && !slices.Contains([]string{"if", "then", "else", "endif"}, t.text)
}
