// SPDX-License-Identifier: Apache-2.0

package support

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/go-chi/chi/v5"

	"landed/manifests"
	"landed/manifests/report"
	"landed/web"
)

var (
	sentence = regexp.MustCompile(`(\{\{define "([^"]+)"\}\})(.*)(\{\{end\}\})\n`)
	action   = regexp.MustCompile(`\{\{.*?\}\}`)
	accents  = strings.NewReplacer(
		"a",
		"áá",
		"e",
		"éé",
		"i",
		"íí",
		"o",
		"óó",
		"u",
		"úú",
		"y",
		"ýý",
		"c",
		"ç",
		"n",
		"ñ",
		"s",
		"š",
		"A",
		"Á",
		"E",
		"É",
		"N",
		"Ñ",
		"S",
		"Š",
	)
)

// pseudo is a language that nobody speaks: English with accents, and 40 % longer, as translations are.
func pseudo(t *testing.T) *web.Locale {
	t.Helper()
	text, err := os.ReadFile("../../web/locales/en.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	letters, was := 0, 0
	more := func(words string) string {
		longer := accents.Replace(words)
		letters, was = letters+len([]rune(longer)), was+len([]rune(words))
		return longer
	}
	longer := sentence.ReplaceAllStringFunc(string(text), func(line string) string {
		m := sentence.FindStringSubmatch(line)
		if strings.HasPrefix(m[2], "mark.") || strings.HasPrefix(m[2], "language.") {
			return line
		}
		out, at := "", 0
		for _, a := range action.FindAllStringIndex(m[3], -1) {
			out += more(m[3][at:a[0]]) + m[3][a[0]:a[1]]
			at = a[1]
		}
		return m[1] + out + more(m[3][at:]) + m[4] + "\n"
	})
	if letters*100 < was*125 {
		t.Fatalf("%d letters for %d", letters, was)
	}
	l, err := web.ParseLocale("qps", longer)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestNarrow: on the narrowest phone that is sold nothing scrolls sideways, in a language whose words are long, and in those
// that have no blanks between words.
func TestNarrow(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.fleetOfSeven()
	hs := newHandset(1)
	h.install(hs, beforeActive, baseline(1), failed(2, report.PhaseInstall, 20), effectOf(3, 1), effectOf(5, 24), effectOf(4, 3))
	all, err := locales()
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(
		Config{View: h.store, Catalogue: func() *manifests.Catalogue { return h.lineup }, Now: func() time.Time { return now },
			locales: append(all, pseudo(t))},
	)
	if err != nil {
		t.Fatal(err)
	}
	router := chi.NewRouter()
	router.Group(s.Routes())
	router.NotFound(s.Missing)
	h.doors, h.english = router, true
	ctx, url := browser(t), h.serve()
	usable, err := os.ReadFile("testdata/usable.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, language := range []string{"qps", "zh-Hans", "zh-Hant"} {
		for _, path := range []string{"/", "/releases", "/releases/" + releaseName, "/models/pisces", "/models/armani",
			"/installations/" + hs.ref.String(), "/nowhere"} {
			if err := chromedp.Do(ctx, chromedp.EmulateViewport(360, 740), chromedp.Navigate(url+"/"+language+path)); err != nil {
				t.Fatal(err)
			}
			wide, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](`[...document.querySelectorAll("body *")].filter((e) =>
				e.getBoundingClientRect().right > innerWidth + 1 && getComputedStyle(e).clipPath === "none" &&
				!e.closest(".unseen, .skip, thead")).map((e) => e.tagName + "." + e.className + " " + e.textContent.slice(0, 40))`))
			if err != nil || len(wide) > 0 {
				t.Errorf("%s in %s: wider than the window: %q, %v", path, language, wide, err)
			}
			faults, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](string(usable)))
			if err != nil || len(faults) > 0 {
				t.Errorf("%s in %s: hard to use: %v, %v", path, language, faults, err)
			}
		}
	}
}

// TestSwitchByHand: a reader who changes the language stays on the page, and keeps the language from there on.
func TestSwitchByHand(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.fleetOfSeven()
	ctx, url := browser(t), h.serve()
	if err := chromedp.Do(ctx, chromedp.Navigate(url+"/models/armani"),
		chromedp.Click(chromedp.CSS(`.languages a[lang="zh-Hans"]`))); err != nil {
		t.Fatal(err)
	}
	wait := func(condition string) {
		t.Helper()
		if err := arrives(ctx, condition); err != nil {
			t.Fatal(condition, err)
		}
	}
	for _, condition := range []string{
		`location.pathname === "/zh-Hans/models/armani" && document.documentElement.lang === "zh-Hans"`,
		`document.querySelector("#live").textContent === "实时"`, // it follows the figures in that language
	} {
		wait(condition)
	}
	if err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS(".crumbs a"))); err != nil {
		t.Fatal(err)
	}
	wait(`location.pathname === "/zh-Hans/" && document.querySelector("h1").textContent.includes("机型")`)
}
