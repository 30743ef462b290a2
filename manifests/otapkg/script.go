// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"strings"
)

// Edify is the language of updater-script (AOSP bootable/recovery/edify/lexer.ll). It is read as tokens and
// never executed: what counts is which functions are named with which arguments, put together of literals.

// token is a string or word of the script, or one operator.
type token struct {
	text string
	kind byte // 's' string in quotes, 'w' bare word, 'o' operator or bracket
}

// maxTokens bounds memory: 4 MiB of script could be four million brackets. A real script has
// some 30,000 tokens.
const maxTokens = 200_000

// tokenize splits a script. ok is false if a string never ends or the script has more than maxTokens.
func tokenize(s string) (tokens []token, ok bool) {
	for i := 0; i < len(s); {
		if len(tokens) >= maxTokens {
			return tokens, false
		}
		switch c := s[i]; {
		case c == '#':
			n := strings.IndexByte(s[i:], '\n')
			if n < 0 {
				return tokens, true
			}
			i += n
		case c == '"':
			text, n := quoted(s[i+1:])
			if n < 0 {
				return tokens, false
			}
			tokens = append(tokens, token{text, 's'})
			i += 1 + n
		case isWord(c):
			j := i
			for j < len(s) && isWord(s[j]) {
				j++
			}
			tokens = append(tokens, token{s[i:j], 'w'})
			i = j
		case strings.ContainsRune(" \t\r\n", rune(c)):
			i++
		default:
			n := 1
			if i+1 < len(s) && (s[i:i+2] == "==" || s[i:i+2] == "!=" || s[i:i+2] == "&&" || s[i:i+2] == "||") {
				n = 2
			}
			tokens = append(tokens, token{s[i : i+n], 'o'})
			i += n
		}
	}
	return tokens, true
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("_:/.", c) >= 0
}

// quoted reads a string after its opening quote and returns its value and the bytes up to and with the
// closing one; -1 if there is none. Escapes are \n \t \" \\ and \xHH. A NUL ends the value, as in the updater's C.
func quoted(s string) (string, int) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			text, _, _ := strings.Cut(b.String(), "\x00")
			return text, i + 1
		case s[i] != '\\':
			b.WriteByte(s[i])
		case i+1 >= len(s):
			return "", -1
		default:
			i++
			switch s[i] {
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			case 'x':
				if i+2 >= len(s) {
					return "", -1
				}
				b.WriteByte(hexDigit(s[i+1])<<4 | hexDigit(s[i+2]))
				i += 2
			default:
				b.WriteByte(s[i])
			}
		}
	}
	return "", -1
}

func hexDigit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 0
}

// statements splits tokens at the semicolons outside of all brackets and branches.
func statements(tokens []token) [][]token {
	var all [][]token
	depth, from := 0, 0
	for i, t := range tokens {
		switch t {
		case token{"(", 'o'}, token{"if", 'w'}:
			depth++
		case token{")", 'o'}, token{"endif", 'w'}:
			depth = max(depth-1, 0)
		case token{";", 'o'}:
			if depth == 0 {
				all = append(all, tokens[from:i])
				from = i + 1
			}
		}
	}
	return append(all, tokens[from:])
}
