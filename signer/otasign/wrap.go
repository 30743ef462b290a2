// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"strings"
	"unicode"
)

// columns is how wide text is set. A word that is longer, as a hash, sticks out.
const columns = 96

// wrap breaks text at blanks, and in scripts that have none between any two signs.
func wrap(text string, width int) []string {
	var lines []string
	var line strings.Builder
	used := 0
	put := func(piece string, size int, blank bool) {
		if used > 0 && used+size+1 > width {
			lines = append(lines, line.String())
			line.Reset()
			used, blank = 0, false
		}
		if blank && used > 0 {
			line.WriteByte(' ')
			used++
		}
		line.WriteString(piece)
		used += size
	}
	for word := range strings.FieldsSeq(text) {
		for i, piece := range pieces(word) {
			put(piece, cells(piece), i == 0)
		}
	}
	return append(lines, line.String())
}

// pieces cuts a word where a line may end: between wide signs, but not before a mark that ends a sentence.
func pieces(word string) []string {
	var list []string
	from, wideBefore := 0, false
	for i, c := range word {
		if i > 0 && (wide(c) || wideBefore) && !unicode.IsPunct(c) {
			list, from = append(list, word[from:i]), i
		}
		wideBefore = wide(c)
	}
	return append(list, word[from:])
}

// cells is how many columns a terminal gives to s.
func cells(s string) int {
	n := 0
	for _, c := range s {
		n++
		if wide(c) {
			n++
		}
	}
	return n
}

// wide says if a sign takes two columns.
func wide(c rune) bool {
	return unicode.In(c, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana) || c >= 0x3000 && c <= 0x303f ||
		c >= 0xff01 && c <= 0xff60
}
