// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"fmt"
	"html"
	"unicode"
)

// Tone is the colour of a badge; its words say the same.
type Tone string

// The tones, each dark enough for white letters (WCAG 2.2, 1.4.3).
const (
	Flat Tone = ""
	Good Tone = "#0b6152"
	Warn Tone = "#7a4f05"
	Bad  Tone = "#b3261a"
)

// badgeMost bounds each half of a badge, in characters: it stands in a line of text.
const badgeMost = 60

// Badge draws a small picture of two texts side by side. It has no style sheet and no script, so that it may stand on the
// pages of others, and names what it shows for who does not see it.
func Badge(left, right string, tone Tone) []byte {
	if tone == Flat {
		tone = "#4c4942"
	}
	left, right = short(Plain(left)), short(Plain(right))
	l, r := width(left)+16, width(right)+16
	l, r = max(l, 24), max(r, 24)
	var out bytes.Buffer
	what := html.EscapeString(left + ": " + right)
	fmt.Fprintf(
		&out,
		`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="22" role="img" aria-label="%s"><title>%s</title>`,
		l+r,
		what,
		what,
	)
	fmt.Fprintf(&out, `<clipPath id="r"><rect width="%d" height="22" rx="4"/></clipPath><g clip-path="url(#r)">`, l+r)
	fmt.Fprintf(
		&out,
		`<rect width="%d" height="22" fill="#2b2a27"/><rect x="%d" width="%d" height="22" fill="%s"/></g>`,
		l,
		l,
		r,
		tone,
	)
	fmt.Fprintf(&out, `<g fill="#fff" font-family="Verdana,DejaVu Sans,Noto Sans CJK SC,sans-serif" font-size="12">`)
	fmt.Fprintf(
		&out,
		`<text x="8" y="15" textLength="%d" lengthAdjust="spacingAndGlyphs">%s</text>`,
		l-16,
		html.EscapeString(left),
	)
	fmt.Fprintf(
		&out,
		`<text x="%d" y="15" textLength="%d" lengthAdjust="spacingAndGlyphs">%s</text></g></svg>`,
		l+8,
		r-16,
		html.EscapeString(right),
	)
	return out.Bytes()
}

func short(s string) string {
	if r := []rune(s); len(r) > badgeMost {
		return string(r[:badgeMost-1]) + "…"
	}
	return s
}

// width is about how wide letters of 12 pixels are; the picture fits them into it.
func width(s string) (w int) {
	for _, c := range s {
		switch {
		case unicode.Is(unicode.Han, c), c >= 0x3000 && c <= 0x303f, c >= 0xff00 && c <= 0xff60:
			w += 12
		case unicode.IsUpper(c), c == 'm', c == 'w', c == '%':
			w += 9
		case c == 'i', c == 'l', c == ' ', c == '.', c == ',', c == ':':
			w += 4
		default:
			w += 7
		}
	}
	return w
}
