// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"strings"
	"unicode"
)

// Marks around a text that is in another language than what it stands in: where, what language, where it ends. They are
// noncharacters of Unicode, which are for use inside of a program; [Pages.Render] and [Plain] take them out.
const (
	markOpen  = '\uFDD0'
	markTag   = '\uFDD2' // between the tag of the language and the text
	markClose = '\uFDD1'
)

// In gives text that is in some language as pages of l show it: marked, if that is another one. The language "" is one that
// nobody knows.
func (l *Locale) In(language, text string) string {
	if text == "" || language == l.Tag {
		return text
	}
	return string(markOpen) + language + string(markTag) + text + string(markClose)
}

// Written gives what a person wrote as pages of l show it. Nobody says in which language that is: what is mostly of Latin
// letters is taken for English, what has Han characters for Chinese.
func (l *Locale) Written(text string) string {
	latin, han, other := 0, 0, 0
	for _, c := range text {
		switch {
		case unicode.Is(unicode.Han, c):
			han++
		case unicode.Is(unicode.Latin, c):
			latin++
		case unicode.IsLetter(c):
			other++
		}
	}
	switch {
	case latin+han+other == 0, han > 0 && strings.HasPrefix(l.Tag, "zh"):
		return text
	case han > 0:
		return l.In("zh", text)
	case latin >= other:
		return l.In("en", text)
	}
	return l.In("", text)
}

// Balance replaces marks that belong to no pair, so that a text which a stranger wrote marks nothing outside of itself.
func Balance(text string) string {
	if !strings.ContainsRune(text, markOpen) && !strings.ContainsRune(text, markClose) && !strings.ContainsRune(text, markTag) {
		return text
	}
	const bad = '\uFFFD'
	all := []rune(text)
	var open []int // places of openings
	tagged := map[int]bool{}
	for i, c := range all {
		switch c {
		case markOpen:
			if end := tagEnd(all[i+1:]); end >= 0 {
				open, tagged[i+1+end] = append(open, i), true
				continue
			}
			all[i] = bad
		case markTag:
			if !tagged[i] {
				all[i] = bad
			}
		case markClose:
			if len(open) == 0 {
				all[i] = bad
				continue
			}
			open = open[:len(open)-1]
		}
	}
	for _, i := range open {
		all[i] = bad
	}
	out := string(all)
	if len(open) > 0 { // their tags are left, and belong to nothing now
		return Balance(out)
	}
	return out
}

// Closed is a text that was cut, with an end for every mark that it begins.
func Closed(text string) string {
	if i := strings.LastIndexByte(text, '\xEF'); i >= 0 && strings.HasPrefix(text[i:], string(markOpen)) {
		text = text[:i] // it was cut in a tag
	}
	open := strings.Count(text, string(markOpen)) - strings.Count(text, string(markClose))
	return text + strings.Repeat(string(markClose), max(0, open))
}

// tagEnd is where a tag ends that text begins with, -1 if it begins with none.
func tagEnd(text []rune) int {
	for i, c := range text {
		switch {
		case c == markTag:
			return i
		case i >= 35 || c != '-' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z'):
			return -1
		}
	}
	return -1
}

// Plain is text without marks, for whatever is no page.
func Plain[T string | []byte](text T) T {
	if !mayBeMarked(text) {
		return text
	}
	var out strings.Builder
	tag := false
	for _, c := range string(text) {
		switch {
		case c == markOpen:
			tag = true
		case c == markTag:
			tag = false
		case c != markClose && !tag:
			out.WriteRune(c)
		}
	}
	return T(out.String())
}

// mayBeMarked looks for the first two bytes that all marks have; what is in Chinese has the first of them in every second sentence.
func mayBeMarked[T string | []byte](text T) bool {
	for i := range len(text) - 1 {
		if text[i] == 0xEF && text[i+1] == 0xB7 {
			return true
		}
	}
	return false
}

// marked makes elements of the marks in a page: in text alone, for there can be none inside of a tag or a title.
func marked(page []byte) []byte {
	first := bytes.Index(page, []byte(string(markOpen)))
	if first < 0 {
		return page
	}
	var out bytes.Buffer
	rest := page
	for len(rest) > 0 {
		at := bytes.IndexByte(rest, '<')
		if at < 0 {
			at = len(rest)
		}
		out.WriteString(elements(string(rest[:at])))
		rest = rest[at:]
		end := bytes.IndexByte(rest, '>') + 1 // what a view says has none: it is escaped
		if bytes.HasPrefix(rest, []byte("<title>")) {
			end = bytes.Index(rest, []byte("</title>"))
		}
		if end <= 0 {
			end = len(rest)
		}
		out.Write(Plain(rest[:end]))
		rest = rest[end:]
	}
	return out.Bytes()
}

// elements makes elements of the marks of one text.
func elements(text string) string {
	text = Balance(text)
	text = strings.ReplaceAll(text, string(markOpen), `<bdi lang="`)
	text = strings.ReplaceAll(text, string(markTag), `">`)
	return strings.ReplaceAll(text, string(markClose), "</bdi>")
}
