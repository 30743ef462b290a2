// SPDX-License-Identifier: Apache-2.0

// Package naming understands how people name a phone: "Mi3", "MI 3W", "HM 1S", "2014-018", "红米", a number from the label, a code
// name, a part of a build.
//
// Parties: whoever searches, and the catalogue, which says what a model is called. It promises that what is found goes by every word that
// was typed, that "Mi 3" is no Redmi and no Xiaomi 13, and that the same words find the same models. It refuses what is a number of a
// person rather than of a model (Personal): that is to stand in no address and in no log. It is pure.
package naming

import (
	"regexp"
	"slices"
	"strings"
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
	whole  []string   // codes that are typed as a whole, or from their beginning
	build  []string
	letter string
}

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
	for _, code := range slices.Concat([]string{m.Device}, m.Variants, m.ROMNames, m.Numbers) {
		n.whole = append(n.whole, compact(code))
	}
	for _, build := range m.Builds {
		n.build = append(n.build, strings.ToLower(build))
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
	return n.isWhole(q.compact) || n.isBuild(q.typed) ||
		slices.ContainsFunc(n.called, func(called []string) bool { return n.goesBy(called, q.words) })
}

// least is how much of a code must be typed, that a beginning is enough.
const least = 4

func (n *Names) isWhole(compact string) bool {
	return slices.ContainsFunc(n.whole, func(code string) bool {
		return code == compact || len(compact) >= least && strings.HasPrefix(code, compact)
	})
}

// goesBy says if a name has all words, and none that makes it another phone's.
func (n *Names) goesBy(called, typed []string) bool {
	for _, w := range typed {
		if !slices.ContainsFunc(called, func(name string) bool { return isWord(w, name) }) &&
			!slices.ContainsFunc(n.also, func(name string) bool { return isWord(w, name) }) &&
			!(isNumber(w) && n.isWhole(w)) {
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

// isBuild says if what was typed is part of a build that is known, or a version that names this device.
func (n *Names) isBuild(typed string) bool {
	if len(typed) < 5 || !strings.ContainsAny(typed, "0123456789./") && version.FindString(typed) == "" {
		return false
	}
	if slices.ContainsFunc(n.build, func(build string) bool { return strings.Contains(build, typed) }) {
		return true
	}
	for _, part := range strings.FieldsFunc(typed, func(r rune) bool { return r == '/' || r == ':' || r == ' ' }) {
		for _, one := range []string{part, part[strings.LastIndexByte(part, '.')+1:]} { // V6.1.1.0.KXDMIBJ
			if m := version.FindStringSubmatch(one); m != nil && n.letter != "" && m[1] == n.letter {
				return true
			}
		}
	}
	return false
}
