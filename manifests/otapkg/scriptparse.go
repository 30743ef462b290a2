// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"slices"
	"strings"
)

// node is an expression of Edify (AOSP bootable/recovery/edify/parser.yy). A script is one expression.
type node struct {
	op   string // "lit", "call", "if", "!", "==", "!=", or one of ; || && + between all kids
	text string // the literal, or the name of the function
	kids []*node
	from int // its first token
	to   int // behind its last token
}

// parser reads the tokens of one statement.
type parser struct {
	tokens []token
	at     int
	depth  int
}

// maxDepth bounds recursion. Nobody nests a script deeper than ten.
const maxDepth = 100

// parseStatement reads a whole statement; nil if it is no Edify, or too deep.
func parseStatement(tokens []token) *node {
	p := &parser{tokens: tokens}
	n := p.sequence()
	if p.at < len(tokens) {
		return nil
	}
	return n
}

// levels of operators between two expressions, loosest first.
var levels = [][]string{{"||"}, {"&&"}, {"==", "!="}, {"+"}}

func (p *parser) peek(kind byte, texts ...string) bool {
	return p.at < len(p.tokens) && p.tokens[p.at].kind == kind && slices.Contains(texts, p.tokens[p.at].text)
}

// sequence reads expressions between semicolons, of which some may be missing.
func (p *parser) sequence() *node {
	seq := &node{op: ";", from: p.at}
	for {
		for p.peek('o', ";") {
			p.at++
		}
		if p.at == len(p.tokens) || p.peek('o', ")", ",") || p.peek('w', "then", "else", "endif") {
			break
		}
		n := p.binary(0)
		if n == nil {
			return nil
		}
		seq.kids = append(seq.kids, n)
		if !p.peek('o', ";") {
			break
		}
	}
	if seq.to = p.at; len(seq.kids) == 1 {
		return seq.kids[0]
	}
	return seq
}

// binary reads operators of a level and those that bind tighter. Chains of || and the like become one node.
func (p *parser) binary(level int) *node {
	if level == len(levels) {
		return p.unary()
	}
	from := p.at
	left := p.binary(level + 1)
	for left != nil && p.peek('o', levels[level]...) {
		op := p.tokens[p.at].text
		p.at++
		right := p.binary(level + 1)
		if right == nil {
			return nil
		}
		if left.op == op && op != "==" && op != "!=" { // brackets around the first do not change what such a chain means
			left.kids = append(left.kids, right)
		} else {
			left = &node{op: op, from: from, kids: []*node{left, right}}
		}
		left.to = p.at
	}
	return left
}

// unary reads a literal, a call, a branch, a negation, or what stands in brackets.
func (p *parser) unary() (n *node) {
	if p.depth++; p.depth > maxDepth || p.at == len(p.tokens) {
		return nil
	}
	defer func() { p.depth-- }()
	from, t := p.at, p.tokens[p.at]
	switch {
	case t == token{"!", 'o'}:
		p.at++
		return p.ending(from, &node{op: "!", kids: []*node{p.unary()}}, "")
	case t == token{"(", 'o'}:
		p.at++
		n = p.sequence()
		return p.ending(from, n, ")")
	case t.kind == 'o' || t == token{"then", 'w'} || t == token{"else", 'w'} || t == token{"endif", 'w'}:
		return nil
	case t == token{"if", 'w'}:
		return p.branch()
	}
	if p.at++; !p.peek('o', "(") {
		return &node{op: "lit", text: t.text, from: from, to: p.at}
	}
	p.at++
	n = &node{op: "call", text: t.text}
	for !p.peek('o', ")") {
		n.kids = append(n.kids, p.sequence())
		if !p.peek('o', ",") {
			break
		}
		p.at++
	}
	return p.ending(from, n, ")")
}

// branch reads if, then, else and endif.
func (p *parser) branch() *node {
	from := p.at
	n := &node{op: "if"}
	for _, word := range []string{"if", "then", "else"} {
		if word == "else" && p.peek('w', "endif") {
			break
		}
		if !p.peek('w', word) {
			return nil
		}
		p.at++
		n.kids = append(n.kids, p.sequence())
	}
	if !p.peek('w', "endif") {
		return nil
	}
	p.at++
	return p.ending(from, n, "")
}

// ending wants the closing bracket, if any, and no kid that could not be read.
func (p *parser) ending(from int, n *node, bracket string) *node {
	if n == nil || slices.Contains(n.kids, nil) {
		return nil
	}
	if bracket != "" {
		if !p.peek('o', bracket) {
			return nil
		}
		p.at++
	}
	n.from, n.to = from, p.at
	return n
}

// sourceText writes tokens as a person would.
func sourceText(tokens []token) string {
	var b strings.Builder
	for i, t := range tokens {
		if b.Len() > maxName {
			break
		}
		switch {
		case t.kind == 's':
			b.WriteString(`"` + t.text + `"`)
		case t.kind == 'w' && i > 0 && tokens[i-1].kind != 'o', t.kind == 'w' && slices.Contains([]string{"then", "else", "endif"}, t.text):
			b.WriteString(" " + t.text + " ")
		case t.text == ",":
			b.WriteString(", ")
		case len(t.text) == 2 && t.kind == 'o', t.text == "+" && t.kind == 'o':
			b.WriteString(" " + t.text + " ")
		default:
			b.WriteString(t.text)
		}
	}
	return b.String()
}
