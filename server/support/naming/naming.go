// SPDX-License-Identifier: Apache-2.0

// Package naming understands how people name a phone: "Mi3", "MI 3W", "HM 1S", "2014-018", "红米", a number from the label, a code
// name, a part of a build.
//
// Parties: whoever searches, and the catalogue, which says what a model is called. It promises that what is found goes by every word that
// was typed, that "Mi 3" is no Redmi and no Xiaomi 13, that the same words find the same models, and that what was recognised is said in
// words of the catalogue alone (Named). It refuses what is a number of a
// person or of one handset rather than of a model (Personal, Equipment): that is to stand in no address and in no log. It is pure.
package naming

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Model is what a model is called. All but Device may be empty.
type Model struct {
	Device   string   // ro.product.device
	Product  string   // the name on the box; " / " and " and " part several
	Numbers  []string // from the label
	ROMNames []string // the word in names of recovery files
	Variants []string // image variants
	Letters  string   // that stand for the device in versions of MIUI
	Builds   []string // versions or fingerprints that are known of it
}

// Names are the names of a model, made ready to be searched.
type Names struct {
	called [][]string // the words of each name it has
	also   []string   // words that may stand beside them
	whole  []code     // that are typed as a whole, or from their beginning
	build  []code
	letter string
}

// code is a name as it is looked for, and as it is written.
type code struct{ plain, written string }

// Of reads the names of a model.
func Of(m Model) *Names {
	n := &Names{letter: strings.ToLower(m.Letters)}
	for _, name := range names(m.Product) {
		n.called = append(n.called, words(name))
	}
	if len(n.called) == 0 {
		n.called = [][]string{nil}
	}
	for _, code := range slices.Concat([]string{m.Device}, m.Variants) {
		n.also = append(n.also, words(code)...)
	}
	for _, name := range slices.Concat([]string{m.Device}, m.Variants, m.ROMNames, m.Numbers) {
		n.whole = append(n.whole, code{compact(name), name})
	}
	for _, build := range m.Builds {
		n.build = append(n.build, code{strings.ToLower(build), build})
	}
	return n
}

// Query is what somebody typed.
type Query struct {
	typed   string
	compact string
	words   []string
}

// Read reads what was typed. One with no word in it finds everything.
func Read(typed string) Query {
	typed = plain(typed)
	return Query{typed: strings.TrimSpace(typed), compact: compact(typed), words: words(typed)}
}

// Finds says if a model goes by all that was typed.
func (n *Names) Finds(q Query) bool {
	if len(q.words) == 0 {
		return q.typed == "" // signs alone are no name
	}
	return n.Named(q) != ""
}

// Named is what was recognised in what was typed, in words of the catalogue alone: "Redmi 1S" for "hongmi 1s", a code, a label or a part of
// a build as it is written there. It finds the model again; it is "" if the model was not found, or nothing was typed.
func (n *Names) Named(q Query) string {
	if len(q.words) == 0 {
		return ""
	}
	code, whole := n.codeOf(q.compact)
	switch {
	case whole:
		return code
	case slices.ContainsFunc(n.called, func(called []string) bool { return n.goesBy(called, q.words) }):
		return written(q.words)
	}
	return cmp.Or(n.buildOf(q.typed), code)
}

// written are words as they stand on a box, each once.
func written(words []string) string {
	var out strings.Builder
	for i, w := range words {
		if slices.Contains(words[:i], w) {
			continue
		}
		generation := i > 0 && isNumber(words[i-1]) && slices.Contains(another, w) // 1S
		if out.Len() > 0 && !generation {
			out.WriteByte(' ')
		}
		first := len(w)
		if w == "mi" || first > 2 {
			_, first = utf8.DecodeRuneInString(w)
		}
		out.WriteString(strings.ToUpper(w[:first]) + w[first:])
	}
	return out.String()
}

// least is how much of a code must be typed, that a beginning is enough.
const least = 4

// codeOf is a code that was typed as a whole, or the beginning of one; else "".
func (n *Names) codeOf(compact string) (code string, whole bool) {
	for _, c := range n.whole {
		switch {
		case c.plain == compact:
			return c.written, true
		case code == "" && len(compact) >= least && strings.HasPrefix(c.plain, compact):
			code = compact
		}
	}
	return code, false
}

func (n *Names) isCode(word string) bool {
	code, _ := n.codeOf(word)
	return code != ""
}

// goesBy says if a name has all words, and none that makes it another phone's.
func (n *Names) goesBy(called, typed []string) bool {
	for _, w := range typed {
		if !slices.ContainsFunc(called, func(name string) bool { return isWord(w, name) }) &&
			!slices.ContainsFunc(n.also, func(name string) bool { return isWord(w, name) }) &&
			!(isNumber(w) && n.isCode(w)) {
			return false
		}
	}
	if !slices.ContainsFunc(typed, isGeneration) || !slices.ContainsFunc(typed, isLine) {
		return true // too vague to leave one out
	}
	for _, w := range called {
		if slices.Contains(another, w) && !slices.Contains(typed, w) {
			return false
		}
	}
	return true
}

// another are words without which a name with a number is another phone's: a Mi 2A is no Mi 2.
var another = []string{"note", "s", "a"}

// isLine says if a word is that of a line of phones.
func isLine(w string) bool { return w == "mi" || w == "redmi" }

func isGeneration(w string) bool { return isNumber(w) && len(w) < 3 }

func isNumber(w string) bool { return w != "" && strings.Trim(w, "0123456789") == "" }

// isWord says if a typed word is one of a name, or the beginning of it.
func isWord(typed, name string) bool {
	return typed == name || len(typed) >= 3 && !isNumber(typed) && strings.HasPrefix(name, typed)
}

// version is one of MIUI in 2014, or its beginning: a letter for Android, two for the device, two for the region.
var version = regexp.MustCompile(`^[a-z]([a-z]{2})(?:mi|cn|tw|hk|sg|in)(?:[a-z]{0,2}|[a-z]{2}[0-9][0-9.]*)$`)

// told is how much of a version is said again: nobody knows what stands behind it.
var told = regexp.MustCompile(`^[a-z]+(?:[0-9]{1,3}(?:\.[0-9]{1,3})?$)?`)

// buildOf is a part of a build that is known, or a version that names this device, if that was typed; else "".
func (n *Names) buildOf(typed string) string {
	if len(typed) < 5 || !strings.ContainsAny(typed, "0123456789./") && version.FindString(typed) == "" {
		return ""
	}
	for _, b := range n.build {
		if at := strings.Index(b.plain, typed); at >= 0 && len(b.plain) == len(b.written) {
			return b.written[at : at+len(typed)]
		}
	}
	for _, part := range strings.FieldsFunc(typed, func(r rune) bool { return r == '/' || r == ':' || r == ' ' }) {
		for _, one := range []string{part, part[strings.LastIndexByte(part, '.')+1:]} { // V6.1.1.0.KXDMIBJ
			if m := version.FindStringSubmatch(one); m != nil && n.letter != "" && m[1] == n.letter {
				return strings.ToUpper(told.FindString(one))
			}
		}
	}
	return ""
}
