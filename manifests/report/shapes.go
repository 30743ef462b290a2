// SPDX-License-Identifier: Apache-2.0

package report

import "strings"

// The shapes of strings in a report. Loops and not regular expressions: every string of every report that comes in is
// looked at, by strangers' rate. A test holds each to the expression that says the same.

const (
	lower    = "abcdefghijklmnopqrstuvwxyz"
	letters  = lower + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits   = "0123456789"
	alphanum = letters + digits
)

// bytesOf is a set of bytes.
type bytesOf [256]bool

func set(all string) *bytesOf {
	var s bytesOf
	for _, c := range []byte(all) {
		s[c] = true
	}
	return &s
}

var (
	isLower  = set(lower)
	isLetter = set(letters)
	isDigit  = set(digits)
	inWord   = set(alphanum + "_-")
	inName   = set(lower + digits + "-")
)

// prefix is how many bytes of s, from its first, are of the set.
func (b *bytesOf) prefix(s string) int {
	n := 0
	for n < len(s) && b[s[n]] {
		n++
	}
	return n
}

// word is ^[A-Za-z][A-Za-z0-9_-]{0,60}$
func word(s string) bool { return begins(s, isLetter, inWord, 61) }

// channel is ^[a-z][a-z0-9-]{0,15}$
func channel(s string) bool { return begins(s, isLower, inName, 16) }

func begins(s string, first, rest *bytesOf, most int) bool {
	return s != "" && len(s) <= most && first[s[0]] && rest.prefix(s) == len(s)
}

// part is one to most bytes of a set, and the byte that follows, 0 for the end.
type part struct {
	of   *bytesOf
	most int
	then byte
}

// A fingerprint is brand/product/device:release/id/incremental:type/tags (android.os.Build.FINGERPRINT).
var fingerprintParts = []part{
	{set(alphanum + "_.-"), 40, '/'}, {set(alphanum + "_.-"), 40, '/'}, {inWord, 40, ':'},
	{set(alphanum + "_."), 12, '/'}, {set(alphanum + "_.-"), 24, '/'}, {set(alphanum + "_.-"), 40, ':'},
	{isLower, 12, '/'}, {set(lower + ",-"), 40, 0},
}

func fingerprint(s string) bool {
	for _, p := range fingerprintParts {
		n := p.of.prefix(s)
		if n == 0 || n > p.most {
			return false
		}
		if s = s[n:]; p.then == 0 {
			break
		}
		rest, ok := strings.CutPrefix(s, string(rune(p.then)))
		if !ok {
			return false
		}
		s = rest
	}
	return s == ""
}

// manyDigits finds ten digits in a row: that could be a telephone number, and no build's label needs them.
func manyDigits(s string) bool {
	run := 0
	for i := range len(s) {
		if run++; !isDigit[s[i]] {
			run = 0
		}
		if run == 10 {
			return true
		}
	}
	return false
}
