// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/template"
	"text/template/parse"
	"time"
)

// Locale is one language: its sentences and its way to write numbers. A language is one file,
// locales/<tag>.tmpl, of named text templates; a tag is as in release notes (en, zh-Hans).
type Locale struct {
	Tag       string
	sentences *template.Template
	fixed     map[string]string // sentences without data: most of them, and said again for every model
	marks     map[string]string // what stands between things, by name
}

// languages are those that pages are in.
var languages = sync.OnceValue(func() (all []Language) {
	for _, tag := range Locales() {
		if l, err := NewLocale(tag); err == nil {
			all = append(all, Language{tag, l.Say("language.name", nil)})
		}
	}
	return all
})

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
		"n": l.Number, "share": l.Share, "when": l.When, "percent": l.hundredths, "span": spanOf, "people": l.people,
		"plural": plural, "pick": pick,
		"ratio": func(part, whole int64) string { return l.Say("ratio", ratio(part, whole)) }, "least": least, "most": most,
	}).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("sentences in %s: %w", tag, err)
	}
	l.sentences, l.fixed, l.marks = parsed, map[string]string{}, map[string]string{}
	for _, t := range parsed.Templates() {
		if t.Tree != nil && len(t.Root.Nodes) == 0 && strings.HasPrefix(t.Name(), "mark.") {
			l.fixed[t.Name()] = "" // nothing at all is a mark, too
		}
		if t.Tree == nil || len(t.Root.Nodes) != 1 {
			continue
		}
		text, ok := t.Root.Nodes[0].(*parse.TextNode)
		if !ok {
			continue
		}
		l.fixed[t.Name()] = strings.Join(strings.Fields(string(text.Text)), " ")
		if name, ok := strings.CutPrefix(t.Name(), "mark."); ok {
			l.marks[name] = string(text.Text)
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
			out.WriteString(l.Mark("thousands"))
		}
		out.WriteRune(d)
	}
	return out.String()
}

// decimal writes a number with some digits after the mark that the language has there; -1 is as many as it takes.
func (l *Locale) decimal(n float64, digits int) string {
	return strings.Replace(strconv.FormatFloat(n, 'f', digits, 64), ".", l.Mark("decimal"), 1)
}

// Share writes part of whole as a percentage that never rounds something to nothing, nor
// nearly all to all: 1 of 1,000,000 is "under 0.1 %".
func (l *Locale) Share(part, whole int64) string {
	switch {
	case whole <= 0:
		return "–"
	case part == 0:
		return l.Percent(0)
	case part >= whole:
		return l.Percent(10_000)
	}
	tenths := part * 1000 / whole
	switch {
	case tenths == 0:
		return l.Say("figure.under", l.Percent(10))
	case tenths >= 100:
		return l.Percent(int(tenths/10) * 100)
	}
	return l.Say("figure.percent", l.decimal(float64(tenths)/10, 1))
}

// Percent writes hundredths of a percent: 150 is "1.5 %".
func (l *Locale) Percent(hundredths int) string {
	return l.Say("figure.percent", l.decimal(float64(hundredths)/100, -1))
}

// moment is a time as sentences have it.
type moment struct {
	Year, Month, Day int
	Clock            string // 15:04
}

// When writes a moment, in UTC.
func (l *Locale) When(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return l.Say("figure.when", momentOf(t))
}

func momentOf(t time.Time) moment {
	t = t.UTC()
	return moment{t.Year(), int(t.Month()), t.Day(), t.Format("15:04")}
}

// Bytes writes a size: decimal megabytes, as shops and settings screens do.
func (l *Locale) Bytes(n int64) string {
	switch {
	case n < 1_000_000:
		return l.Say("figure.kb", l.decimal(float64(n)/1e3, 1))
	case n < 1_000_000_000:
		return l.Say("figure.mb", l.decimal(float64(n)/1e6, 1))
	}
	return l.Say("figure.gb", l.decimal(float64(n)/1e9, 2))
}

// span is a time that lasts: so many of a unit, "minute", "hour" or "day".
type span struct {
	N    int
	Unit string
}

// spanOf rounds minutes up to what people say: 18 hours, 3 days.
func spanOf(minutes string) span {
	n, _ := strconv.Atoi(minutes) // what a reason holds is a number
	ceil := func(unit int) int { return (n + unit - 1) / unit }
	switch day := 24 * 60; {
	case n > 2*day:
		return span{ceil(day), "day"}
	case n > 90:
		return span{ceil(60), "hour"}
	}
	return span{max(n, 1), "minute"}
}

// Mark is what stands between things, with its blanks: "comma" and "semicolon" in lists, "and" between two, "colon",
// "stop" after a sentence, "gap" between two of them, "open" and "close" around an aside, "thousands" and "decimal" in
// numbers.
func (l *Locale) Mark(name string) string { return l.marks[name] }

// people are the names of who did something: one, or two with the word between them that is stored.
func (l *Locale) people(names string) string {
	return strings.Replace(names, " and ", l.Mark("and"), 1)
}

// Sentences puts sentences after one another.
func (l *Locale) Sentences(all ...string) string {
	return strings.Join(slices.DeleteFunc(all, func(s string) bool { return s == "" }), l.Mark("gap"))
}

// action names an entry of the audit trail; one without a name of its own is a change.
func (l *Locale) action(name string) string {
	if l.Has("action." + name) {
		return l.Say("action."+name, nil)
	}
	return l.Say("action.other", nil)
}

// nameOf names a language in itself; one that no pages are in goes by its tag.
func nameOf(tag string) string {
	for _, l := range languages() {
		if l.Tag == tag {
			return l.Name
		}
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

// pick is the nth word, from 1: the name of a month.
func pick(n int, words ...string) (string, error) {
	if n < 1 || n > len(words) {
		return "", fmt.Errorf("there is no word %d of %d", n, len(words))
	}
	return words[n-1], nil
}

// hundredths is Percent for what sentences have: an integer, or the digits of one as reasons hold it.
func (l *Locale) hundredths(n any) (string, error) {
	i, err := strconv.Atoi(fmt.Sprint(n))
	return l.Percent(i), err
}
