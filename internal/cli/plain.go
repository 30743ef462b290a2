// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"reflect"
	"strings"
	"unicode"
)

// Plain is s as one line that cannot steer a terminal, whoever wrote it: control characters (ESC, CSI, line ends, tabs),
// line separators, and those that turn the direction of writing each become instead. What is no UTF-8 becomes U+FFFD.
func Plain(s string, instead rune) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Bidi_Control) {
			return instead
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// Sprintf is fmt.Sprintf, with every argument made plain; what format itself has stays. So a line end stands in what is
// printed only where the program put one.
func Sprintf(instead rune, format string, args ...any) string {
	makePlain(instead, args)
	return fmt.Sprintf(format, args...)
}

// makePlain puts plain text in the place of all that is neither a number nor a truth value.
func makePlain(instead rune, args []any) {
	for i, arg := range args {
		switch kind := reflect.ValueOf(arg).Kind(); {
		case kind >= reflect.Bool && kind <= reflect.Complex128: // says nothing of its own
		default:
			args[i] = Plain(fmt.Sprint(arg), instead)
		}
	}
}
