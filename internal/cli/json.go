// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// PrintJSON prints v as one JSON value for programs, indented. People read it on terminals too, and text from a package,
// a release or a server may stand in it; so every character that is not seen, or changes how others are seen (Unicode's
// classes Cc, Cf, Zl and Zp), is written as its \uXXXX. Programs read the same value. What is no UTF-8 becomes U+FFFD.
func PrintJSON(w io.Writer, v any) error {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(escapeUnseen(text.Bytes()))
	return err
}

// Harmless passes on what is written to it, with every character that PrintJSON would escape written as its \uXXXX: in
// lines for people, and in JSON, whose value stays the same. It is the last gate before a terminal, whatever a command
// says and whoever wrote parts of that. A character must come in one piece.
func Harmless(w io.Writer) io.Writer { return harmless{w} }

type harmless struct{ to io.Writer }

func (h harmless) Write(text []byte) (int, error) {
	if _, err := h.to.Write(escapeUnseen(text)); err != nil {
		return 0, err
	}
	return len(text), nil
}

// escapeUnseen escapes in a valid JSON text, or in lines. Beyond the line ends that set it, such characters stand in its strings alone.
func escapeUnseen(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && size == 1:
			out = append(out, `\ufffd`...)
		case r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp):
			for _, unit := range utf16.AppendRune(nil, r) {
				out = fmt.Appendf(out, `\u%04x`, unit)
			}
		default:
			out = append(out, text[:size]...)
		}
		text = text[size:]
	}
	return out
}
