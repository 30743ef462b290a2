// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestEverySentenceIsThere reads the templates for the sentences that they name, in every language.
func TestEverySentenceIsThere(t *testing.T) {
	named, begun := regexp.MustCompile(`say "([^"]+)"`), regexp.MustCompile(`print "([a-z]+\.)" `)
	found := 0
	for _, tag := range Locales() {
		l, err := NewLocale(tag)
		if err != nil {
			t.Fatal(err)
		}
		entries, _ := files.ReadDir("templates")
		for _, e := range entries {
			text, _ := files.ReadFile("templates/" + e.Name())
			for _, m := range named.FindAllStringSubmatch(string(text), -1) {
				found++
				if !l.Has(m[1]) {
					t.Errorf("%s: %s says %q, which is not there", tag, e.Name(), m[1])
				}
			}
			for _, m := range begun.FindAllStringSubmatch(string(text), -1) {
				if !strings.Contains(l.sentences.DefinedTemplates(), `"`+m[1]) {
					t.Errorf("%s: %s says something of %q, and nothing begins so", tag, e.Name(), m[1])
				}
			}
		}
	}
	if found < 50 {
		t.Errorf("only %d sentences are named; does the pattern still fit the templates?", found)
	}
}

// keys are the names of all sentences of a language.
func keys(l *Locale) map[string]bool {
	all := map[string]bool{}
	for _, s := range l.sentences.Templates() {
		if s.Name() != l.Tag {
			all[s.Name()] = true
		}
	}
	return all
}

// TestLanguagesAgree: every language has the sentences of English, and no others, and says each with the same data.
func TestLanguagesAgree(t *testing.T) {
	english, err := NewLocale("en")
	if err != nil {
		t.Fatal(err)
	}
	field := regexp.MustCompile(`\.[A-Za-z_]\w*`)
	data := func(l *Locale, key string) []string {
		all := field.FindAllString(l.sentences.Lookup(key).Root.String(), -1)
		slices.Sort(all)
		return slices.Compact(all)
	}
	for _, tag := range Locales() {
		l, err := NewLocale(tag)
		if err != nil {
			t.Fatal(err)
		}
		for key := range keys(english) {
			switch {
			case !l.Has(key):
				t.Errorf("%s lacks %q", tag, key)
			case !slices.Equal(data(l, key), data(english, key)) && !strings.HasPrefix(key, "figure.") && key != "wait":
				t.Errorf("%s says %q of %v, and English of %v", tag, key, data(l, key), data(english, key))
			}
		}
		for key := range keys(l) {
			if !english.Has(key) {
				t.Errorf("%s has %q, which English lacks", tag, key)
			}
		}
		for _, name := range []string{"thousands", "decimal", "comma", "and", "semicolon", "colon", "stop", "gap", "open", "close"} {
			if _, ok := l.fixed["mark."+name]; !ok {
				t.Errorf("%s has no plain mark.%s", tag, name)
			}
		}
		if _, err := NewPages(l, Links{}); err != nil {
			t.Errorf("%s: %v", tag, err)
		}
	}
	if _, err := NewLocale("../en"); err == nil {
		t.Error("a language that is not there was given")
	}
}

func TestNumbers(t *testing.T) {
	l, err := NewLocale("en")
	if err != nil {
		t.Fatal(err)
	}
	for got, want := range map[string]string{
		l.Number(0): "0", l.Number(999): "999", l.Number(1000): "1,000", l.Number(-1234567): "-1,234,567",
		l.Share(0, 0): "–", l.Share(0, 5): "0 %", l.Share(1, 1_000_000): "under 0.1 %", l.Share(999_999, 1_000_000): "99 %", l.Share(1, 80): "1.2 %", l.Share(7, 7): "100 %",
		l.Percent(150): "1.5 %", l.Percent(10_000): "100 %",
		l.Bytes(412_876_544): "412.9 MB", l.Bytes(900): "0.9 kB", l.Bytes(3_200_000_000): "3.20 GB",
		l.When(time.Date(2014, 8, 10, 9, 5, 0, 0, time.FixedZone("CST", 8*3600))): "10 August 2014, 01:05 UTC",
	} {
		if got != want {
			t.Errorf("%q, wanted %q", got, want)
		}
	}
	if got := l.Say("no.such.sentence", nil); got != "[no.such.sentence]" {
		t.Errorf("a missing sentence reads %q", got)
	}
}

// TestFigures: numbers as each language writes them.
func TestFigures(t *testing.T) {
	at := time.Date(2026, 11, 26, 15, 4, 0, 0, time.UTC)
	for tag, want := range map[string][]string{
		"en":      {"26 November 2026, 15:04 UTC", "under 0.1 %", "12.5 %", "412.9 MB", "a b"},
		"zh-Hans": {"2026年11月26日 15:04 UTC", "不到 0.1%", "12.5%", "412.9 MB", "ab"},
		"zh-Hant": {"2026年11月26日 15:04 UTC", "不到 0.1%", "12.5%", "412.9 MB", "ab"},
	} {
		l, err := NewLocale(tag)
		if err != nil {
			t.Fatal(err)
		}
		got := []string{l.When(at), l.Share(1, 1_000_000), l.Percent(1250), l.Bytes(412_876_544), l.Sentences("a", "", "b")}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, wanted %q", tag, got, want)
		}
	}
	for minutes, want := range map[string]span{"0": {1, "minute"}, "90": {90, "minute"}, "91": {2, "hour"}, "2880": {48,
		"hour"}, "2881": {3, "day"}} {
		if got := spanOf(minutes); got != want {
			t.Errorf("%s minutes are %v, wanted %v", minutes, got, want)
		}
	}
}

// TestOne: one of a thing is not "1 things", whatever kind of integer counts it.
func TestOne(t *testing.T) {
	l, err := NewLocale("en")
	if err != nil {
		t.Fatal(err)
	}
	type gate struct {
		MinReports, HaltLeaks  int64
		MinProven, MaxFailures int
	}
	type figures struct {
		Installations, Running, Proven, Halted, Unmet, ProvenEarlier, OppositeEarlier int64

		Claims bool
		Claim  string

		Vouched bool
	}
	for _, tt := range []struct {
		key       string
		one, many any
		want      []string // of one, then of many
	}{
		{"stage.gates", gate{MinReports: 1, HaltLeaks: 1}, gate{MinReports: 5, HaltLeaks: 3}, []string{
			"1 handset judged; 0 % of them proven; failures at most 0 %; one that shows the opposite holds it, and stops it if it counts",
			"one that shows the opposite holds it, 3 that count stop it"}},
		{"lead", figures{1, 1, 1, 1, 1, 1, 1, true, "", false}, figures{2, 2, 2, 2, 2, 2, 2, true, "", false}, []string{
			"Of 1 handset that has reported, 1 runs", "Of 2 handsets that have reported, 2 run"}},
		{"lead", figures{1, 1, 1, 1, 1, 1, 1, true, "", false}, figures{2, 2, 2, 2, 2, 2, 2, true, "", false}, []string{
			"1 has not met", "2 have not met"}},
		{"lead", figures{1, 1, 1, 1, 1, 1, 1, true, "", true}, figures{2, 2, 2, 2, 2, 2, 2, true, "", true}, []string{
			"Of 1 handset that counts, 1 runs", "Of 2 handsets that count, 2 run"}},
		{"earlier", figures{ProvenEarlier: 1}, figures{OppositeEarlier: 2}, []string{
			"1 has shown the effect of an earlier one.", "2 show the opposite of the effect of an earlier one."}},
	} {
		for i, data := range []any{tt.one, tt.many} {
			if got := l.Say(tt.key, data); !strings.Contains(got, tt.want[i]) ||
				regexp.MustCompile(`\b1 \w+s\b( since| while|\.)`).MatchString(got) {
				t.Errorf("%s reads %q, wanted %q", tt.key, got, tt.want[i])
			}
		}
	}
}

// TestStatic serves each file under its hashed name, for ever, and no other name.
func TestStatic(t *testing.T) {
	for name := range assets {
		w := httptest.NewRecorder()
		Static().ServeHTTP(w, httptest.NewRequest("GET", Asset(name), nil))
		if w.Code != 200 || w.Body.Len() == 0 || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") ||
			w.Header().Get("Content-Type") == "" {
			t.Errorf("%s: %d, %v", name, w.Code, w.Header())
		}
	}
	for _, path := range []string{"/static/style.css", "/static/", "/static/../locales/en.tmpl", "/static/style-000000000000.css"} {
		w := httptest.NewRecorder()
		Static().ServeHTTP(w, httptest.NewRequest("GET", "http://x"+path, nil))
		if w.Code != 404 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// TestNothingFromElsewhere: the policy of the pages refuses inline style and script and other hosts.
func TestNothingFromElsewhere(t *testing.T) {
	bad := regexp.MustCompile(`(?i)\sstyle=|\son[a-z]+=|<style|<script>|https?://|@import|url\(`)
	for _, folder := range []string{"templates", "static"} {
		entries, _ := files.ReadDir(folder)
		for _, e := range entries {
			text, _ := files.ReadFile(folder + "/" + e.Name())
			clean := strings.ReplaceAll(string(text), `xmlns="http://www.w3.org/2000/svg"`, "")
			if m := bad.FindString(clean); m != "" && folder == "templates" || strings.HasPrefix(m, "http") || m == "@import" {
				t.Errorf("%s/%s holds %q", folder, e.Name(), m)
			}
		}
	}
}
