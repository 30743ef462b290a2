// SPDX-License-Identifier: Apache-2.0

package web

import "bytes"

// signs are what stands behind a number, after a blank: the sign of SI brochure 5.4.7 and the units of [Locale.Bytes].
var signs = [][]byte{[]byte(" %"), []byte(" kB"), []byte(" MB"), []byte(" GB")}

// noBreak is the blank that no line ends at, U+00A0.
var noBreak = []byte("\u00a0")

// tied keeps each number of a page on the line of its sign, whoever wrote them: sentences, templates, or the person whose
// reason is shown. Other forms, JSON, tables and feeds, have plain blanks: programs look for them.
func tied(page []byte) []byte {
	for _, sign := range signs {
		page = tiedTo(page, sign)
	}
	return page
}

func tiedTo(page, sign []byte) []byte {
	at := bytes.Index(page, sign)
	if at < 0 {
		return page
	}
	out := make([]byte, 0, len(page)+len(page)/64)
	for ; at >= 0; at = bytes.Index(page, sign) {
		out = append(out, page[:at]...)
		if at > 0 && '0' <= page[at-1] && page[at-1] <= '9' {
			out = append(out, noBreak...)
		} else {
			out = append(out, sign[0])
		}
		out, page = append(out, sign[1:]...), page[at+len(sign):]
	}
	return append(out, page...)
}
