// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"
	"time"

	"landed/internal/format"
)

// Locale is one language: its sentences and its way to write numbers. A language is one file,
// locales/<tag>.tmpl, of named text templates; a tag is as in release notes (en, zh-Hans).
type Locale struct {
	Tag       string
	sentences *template.Template
	fixed     map[string]string // sentences without data: most of them, and said again for every model
}

// Locales lists the tags of the languages there are.
func Locales() []string {
	entries, _ := files.ReadDir("locales") // embedded: it cannot fail
	var tags []string
	for _, e := range entries {
		tags = append(tags, strings.TrimSuffix(e.Name(), ".tmpl"))
	}
	return tags
}

// NewLocale reads one of the languages that there are.
func NewLocale(tag string) (*Locale, error) {
	if !slices.Contains(Locales(), tag) {
		return nil, fmt.Errorf("no sentences in %q; there are %v", tag, Locales())
	}
	text, err := files.ReadFile("locales/" + tag + ".tmpl")
	if err != nil {
		return nil, err
	}
	return ParseLocale(tag, string(text))
}

// ParseLocale reads the sentences of a language, as its file has them.
func ParseLocale(tag, text string) (*Locale, error) {
	l := &Locale{Tag: tag}
	parsed, err := template.New(tag).Option("missingkey=error").Funcs(template.FuncMap{
		"n": l.Number, "share": l.Share, "when": l.When, "percent": l.Percent, "plural": plural,
		"ratio": func(part, whole int64) string { return l.Say("ratio", ratio(part, whole)) }, "least": least, "most": most,
	}).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("sentences in %s: %w", tag, err)
	}
	l.sentences, l.fixed = parsed, map[string]string{}
	for _, t := range parsed.Templates() {
		if len(t.Root.Nodes) != 1 {
			continue
		}
		if text, ok := t.Root.Nodes[0].(*parse.TextNode); ok {
			l.fixed[t.Name()] = strings.Join(strings.Fields(string(text.Text)), " ")
		}
	}
	return l, nil
}

// Has says if there is a sentence of that name.
func (l *Locale) Has(key string) bool { return l.sentences.Lookup(key) != nil }

// Say gives a sentence as plain text; templates escape it. A sentence that is missing or does
// not fit its data shows its name in brackets: a page with a gap serves people better than none,
// and the tests know the brackets.
func (l *Locale) Say(key string, data any) string {
	if words, ok := l.fixed[key]; ok {
		return words
	}
	var out strings.Builder
	if !l.Has(key) || l.sentences.ExecuteTemplate(&out, key, data) != nil {
		return "[" + key + "]"
	}
	return strings.Join(strings.Fields(out.String()), " ")
}

// Number writes n with its thousands apart: 1,234,567.
func (l *Locale) Number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := strings.HasPrefix(digits, "-")
	digits = strings.TrimPrefix(digits, "-")
	var out strings.Builder
	if sign {
		out.WriteByte('-')
	}
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			out.WriteByte(',')
		}
		out.WriteRune(d)
	}
	return out.String()
}

// Share writes part of whole as a percentage that never rounds something to nothing, nor
// nearly all to all: 1 of 1,000,000 is "under 0.1 %".
func (l *Locale) Share(part, whole int64) string {
	switch {
	case whole <= 0:
		return "–"
	case part == 0:
		return "0 %"
	case part >= whole:
		return "100 %"
	}
	tenths := part * 1000 / whole
	switch {
	case tenths == 0:
		return "under 0.1 %"
	case tenths >= 100:
		return fmt.Sprintf("%d %%", tenths/10)
	}
	return fmt.Sprintf("%d.%d %%", tenths/10, tenths%10)
}

// Percent writes hundredths of a percent: 150 is "1.5 %".
func (l *Locale) Percent(hundredths int) string {
	return format.Percent(hundredths)
}

// When writes a moment, in UTC.
func (l *Locale) When(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2 January 2006, 15:04 UTC")
}

// Bytes writes a size: decimal megabytes, as shops and settings screens do.
func (l *Locale) Bytes(n int64) string {
	switch {
	case n < 1_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1_000_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.2f GB", float64(n)/1e9)
}

// action names an entry of the audit trail; one without a name of its own is a change.
func (l *Locale) action(name string) string {
	if l.Has("action." + name) {
		return l.Say("action."+name, nil)
	}
	return l.Say("action.other", nil)
}

// language names a language; one without a name of its own goes by its tag.
func (l *Locale) language(tag string) string {
	if l.Has("lang." + tag) {
		return l.Say("lang."+tag, nil)
	}
	return tag
}

// plural chooses a word by a number of any integer type; languages without plurals do not call it.
func plural(n any, one, many string) string {
	if fmt.Sprint(n) == "1" {
		return one
	}
	return many
}
