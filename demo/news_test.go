// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// TestWrap: a line of news fits a narrow screen, and nothing of it is lost.
func TestWrap(t *testing.T) {
	indent := strings.Repeat(" ", 14)
	for name, text := range map[string]string{
		"short": "day  0 00:00  Published.",
		"long": "day  4 02:00  hm2013023       finished: the last stage passed its gates with 19 of 19 judged " +
			"installations proven; late joiners are included · größer",
		"one word": "day  0 00:00  " + strings.Repeat("x", 200),
		"exact":    "day  0 00:00  " + strings.Repeat("abcd ", 30),
	} {
		got := wrap(text, indent)
		if strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(text), " ") {
			t.Errorf("%s: lost in %q", name, got)
		}
		for i, line := range strings.Split(got, "\n") {
			if utf8.RuneCountInString(line) >= width && name != "one word" || i > 0 && !strings.HasPrefix(line, indent) {
				t.Errorf("%s: line %d is %q", name, i, line)
			}
		}
	}
}
