// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

func TestPlain(t *testing.T) {
	for in, want := range map[string]string{
		"":                            "",
		"微信 größer 🙂":                 "微信 größer 🙂",
		"a\x1b[2Jb\r\n\tc\x7f\u009b":  "a?[2Jb???c??",
		"\u202egpj.exe\u2069\u200f":   "?gpj.exe??",
		"one\u2028two\u2029\u061c":    "one?two??",
		"می\u200cخواهم":               "می\u200cخواهم", // spelling, which steers nothing
		"no UTF-8: \xff\x9b[2J":       "no UTF-8: \uFFFD[2J",
		"nothing to do, but 100 % ok": "nothing to do, but 100 % ok",
	} {
		if got := Plain(in, '?'); got != want {
			t.Errorf("%q becomes %q, wanted %q", in, got, want)
		}
	}
}

type named string

func (n named) String() string { return "the " + string(n) }

// Whatever an argument is, its text cannot steer; numbers are still set as the format says.
func TestSprintf(t *testing.T) {
	evil := "x\x1b[2J\ny"
	got := Sprintf(' ', "%s|%v|%s|%-8s|%03d|%.1f|%t|%v|%v|%.3s\n", evil, named(evil), errors.New(evil), "a\tb", 7, 1.25, true,
		time.Minute, []string{evil}, "abcdef")
	want := "x [2J y|the x [2J y|x [2J y|a b     |007|1.2|true|1m0s|[x [2J y]|abc\n"
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestPrintJSON(t *testing.T) {
	for _, tt := range []struct {
		in   any
		want string
	}{
		{map[string]any{"a": []int{1}, "b": "<&>"}, "{\n  \"a\": [\n    1\n  ],\n  \"b\": \"<&>\"\n}\n"},
		{"微信 größer 🙂", `"微信 größer 🙂"` + "\n"},
		{"\x1b[2J\x7f\u0085\u009b", `"\u001b[2J\u007f\u0085\u009b"` + "\n"},
		{"\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
			`"\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"` + "\n"},
		{"\u2028\u2029\ufeff", `"\u2028\u2029\ufeff"` + "\n"},
		{"\U000E0041", `"\udb40\udc41"` + "\n"}, // beyond 16 bits: a pair
		{map[string]int{"\u202ek": 1}, "{\n  \"\\u202ek\": 1\n}\n"},
		{json.RawMessage("{\"f\": \"\u202e\u2028\x9b\"}"), "{\n  \"f\": \"\\u202e\\u2028\\ufffd\"\n}\n"},
		{"\xff", `"\ufffd"` + "\n"},
	} {
		var out bytes.Buffer
		if err := PrintJSON(&out, tt.in); err != nil || out.String() != tt.want {
			t.Errorf("%q gives %s, %v; wanted %s", tt.in, out.String(), err, tt.want)
		}
	}
	var out bytes.Buffer
	if err := PrintJSON(&out, func() {}); err == nil || out.Len() > 0 {
		t.Errorf("what cannot be told: %v, printed %q", err, out.String())
	}
	if err := PrintJSON(full{}, 1); err == nil {
		t.Error("nobody hears that it could not be written")
	}
}

// What passes through Harmless cannot steer, and JSON in it means what it did.
func TestHarmless(t *testing.T) {
	var out bytes.Buffer
	said := "two\nlines, 微信\x1b[2J\u202e\u009b\xff\r\n"
	if n, err := Harmless(&out).Write([]byte(said)); err != nil || n != len(said) || out.String() != "two\nlines, 微信\\u001b[2J\\u202e\\u009b\\ufffd\\u000d\n" {
		t.Errorf("%d, %v: %q", n, err, out.String())
	}
	out.Reset()
	slog.New(slog.NewJSONHandler(Harmless(&out), nil)).Info("said", "by", "\u202e\u009bx")
	var line struct{ By string }
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || line.By != "\u202e\u009bx" || strings.ContainsAny(out.String(), "\u202e\u009b") {
		t.Errorf("%v: %q", err, out.String())
	}
	if _, err := Harmless(full{}).Write([]byte("x")); err == nil {
		t.Error("nobody hears that it could not be written")
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// FuzzPrintJSON: nothing that is printed can steer a terminal, and programs read what they would have read.
func FuzzPrintJSON(f *testing.F) {
	f.Add("\x1b[2J\u202e\u2028", []byte("{\"\u2066\": \"\x7f\"}"))
	f.Add("\U000E0041\\", []byte(`["\\\u202e", "`+"\x9b"+`"]`))
	f.Add("", []byte("null"))
	f.Fuzz(func(t *testing.T, s string, raw []byte) {
		v := map[string]any{"text": s, "of " + s: []string{s, Plain(s, '?')}}
		if json.Valid(raw) {
			v["raw"] = json.RawMessage(raw)
		}
		var out bytes.Buffer
		if err := PrintJSON(&out, v); err != nil {
			t.Fatal(err)
		}
		if i := strings.IndexFunc(out.String(), unseen); i >= 0 || !utf8.Valid(out.Bytes()) {
			t.Errorf("%q is not harmless at %d", out.String(), i)
		}
		usual, err := json.Marshal(v)
		var got, want any
		if err := errors.Join(err, json.Unmarshal(out.Bytes(), &got), json.Unmarshal(usual, &want)); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("programs read %#v, and should read %#v", got, want)
		}
		if p := Plain(s, '?'); strings.ContainsFunc(p, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }) ||
			strings.ContainsAny(p, "\u2028\u2029") || !utf8.ValidString(p) {
			t.Errorf("%q is not plain", p)
		}
	})
}

func unseen(r rune) bool {
	return r != '\n' && (unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp))
}
