// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"slices"
)

// signs are what stands behind a number, after a blank: that of SI brochure 5.4.7, and the units of [Locale.Bytes].
var signs = [][]byte{[]byte("%"), []byte("kB"), []byte("MB"), []byte("GB")}

// noBreak is the blank that no line ends at.
const noBreak = "\u00a0"

// tied keeps each number of a page on the line of its sign, whoever wrote them: sentences, templates, or the person whose
// reason is shown. Other forms, JSON, tables and feeds, have plain blanks: programs look for them.
func tied(page []byte) []byte {
	var out []byte
	from := 0
	for i, c := range page {
		if c != ' ' || i == 0 || page[i-1] < '0' || page[i-1] > '9' || !signed(page[i+1:]) {
			continue
		}
		if out == nil {
			out = make([]byte, 0, len(page)+len(page)/64)
		}
		out = append(append(out, page[from:i]...), noBreak...)
		from = i + 1
	}
	if out == nil {
		return page
	}
	return append(out, page[from:]...)
}

func signed(text []byte) bool {
	return slices.ContainsFunc(signs, func(sign []byte) bool { return bytes.HasPrefix(text, sign) })
}
