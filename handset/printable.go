// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxWords is how much of a fault is shown, in bytes.
const maxWords = 2000

// Printable is text as it may go to a terminal or a log, whoever wrote parts of it: what no one can see or what
// steers (control characters, changes of direction, broken UTF-8) is escaped, lines are joined, and what is very
// long is cut.
func Printable(text string) string {
	var out strings.Builder
	for i, r := range text {
		if out.Len() > maxWords {
			return out.String() + " …"
		}
		_, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == '\n':
			out.WriteString("; ")
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&out, `\x%02x`, text[i])
		case !unicode.IsPrint(r):
			quoted := fmt.Sprintf("%+q", string(r))
			out.WriteString(quoted[1 : len(quoted)-1])
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}
