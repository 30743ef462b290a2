// SPDX-License-Identifier: Apache-2.0

package support

import (
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"landed/manifests"
	"landed/web"
)

// threeLanguages are by a file that is English but for its name, so that what is tested is no matter of words.
var threeLanguages = sync.OnceValue(func() (all []*web.Locale) {
	text, err := os.ReadFile("../../web/locales/en.tmpl")
	if err != nil {
		panic(err)
	}
	for _, tag := range []string{"en", "zh-Hans", "zh-Hant"} {
		l, err := web.ParseLocale(tag, strings.Replace(string(text), `"language.name"}}English`, `"language.name"}}in `+tag, 1))
		if err != nil {
			panic(err)
		}
		all = append(all, l)
	}
	return all
})

// outside has the pages behind a public path, in three languages.
func (h *fixture) outside(t *testing.T, path, language string) {
	t.Helper()
	s, err := New(
		Config{View: h.store, Catalogue: func() *manifests.Catalogue { return h.lineup }, Now: func() time.Time { return now },
			PublicPath: path, Language: language, locales: threeLanguages()},
	)
	if err != nil {
		t.Fatal(err)
	}
	router := chi.NewRouter()
	router.Group(s.Routes())
	router.NotFound(s.Missing)
	h.support, h.doors, h.english = s, router, true
}

// TestLanguageOfReader: each reader gets the language that fits best, and the answer says which, and what it depends on.
func TestLanguageOfReader(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	for _, tt := range []struct{ fallback, path, asked, want string }{
		{"", "/", "", "en"}, {"", "/", "fr", "en"}, {"zh-Hant", "/", "fr, *;q=0.1", "zh-Hant"}, {"zh-Hant", "/", "en-GB", "en"},
		{"", "/", "zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans"}, {"", "/", "zh", "zh-Hans"}, {"", "/", "zh-SG", "zh-Hans"},
		{"", "/", "zh-TW", "zh-Hant"}, {"", "/", "zh-HK, en;q=0.5", "zh-Hant"}, {"", "/", "zh-MO", "zh-Hant"},
		{"", "/", "zh-Hant-HK", "zh-Hant"}, {"", "/", "zh-CN;q=0.1, en-US;q=0.9", "en"}, {"", "/", "zh-CN;q=0, en;q=0.1", "en"},
		{"", "/", "fr, zh-TW;q=0.2", "zh-Hant"}, {"", "/", "not a tag!, zh-TW", "zh-Hant"},
		{"", "/models/armani", "zh-TW", "zh-Hant"}, {"", "/status.json", "zh-TW", "zh-Hant"},
		{"", "/models/none", "zh-TW", "zh-Hant"}, {"", "/nowhere", "zh-TW", "zh-Hant"},
		{"", "/zh-Hans/", "zh-TW", "zh-Hans"}, {"zh-Hant", "/en/models/armani", "zh-TW", "en"}, {"", "/zh-Hans/status.json", "", "zh-Hans"},
		{"", "/zh-Hans/models/none", "en", "zh-Hans"}, {"", "/zh-Hans/nowhere", "en", "zh-Hans"},
	} {
		h.outside(t, "", tt.fallback)
		w := h.get(tt.path, "Accept-Language", tt.asked)
		mark := `<html lang="` + tt.want + `">`
		if strings.HasSuffix(tt.path, ".json") {
			mark = `"language": "` + tt.want + `"`
		}
		if got := w.Header().Get("Content-Language"); got != tt.want || !strings.Contains(w.Body.String(), mark) {
			t.Errorf("%s for %q: in %q, and %s: %v", tt.path, tt.asked, got, mark, strings.Contains(w.Body.String(), mark))
		}
		fixed := regexp.MustCompile("^/(en|zh-)").MatchString(tt.path)
		if varies := strings.Contains(strings.Join(w.Header()["Vary"], ","), "Accept-Language"); varies == fixed {
			t.Errorf("%s: Vary is %q", tt.path, w.Header()["Vary"])
		}
	}
}

// TestLanguagesAreKeptApart: nobody gets what was kept for a reader of another language, nor a 304 for it.
func TestLanguagesAreKeptApart(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	h.outside(t, "", "")
	etags := map[string]string{}
	for _, path := range []string{"/", "/zh-Hans/", "/zh-Hant/", "/en/", "/status.json", "/zh-Hans/status.json"} {
		w := h.get(path)
		if before := etags[w.Header().Get("ETag")]; before != "" {
			t.Errorf("%s and %s are the same", before, path)
		}
		etags[w.Header().Get("ETag")] = path
	}
	first := h.get("/", "Accept-Language", "zh-TW")
	if w := h.get("/", "Accept-Language", "zh-CN", "If-None-Match", first.Header().Get("ETag")); w.Code != 200 {
		t.Errorf("a reader of another language gets %d", w.Code)
	}
	if w := h.get("/", "Accept-Language", "zh-HK", "If-None-Match", first.Header().Get("ETag")); w.Code != 304 ||
		!strings.Contains(strings.Join(w.Header()["Vary"], ","), "Accept-Language") {
		t.Errorf("a reader of the same language gets %d, %v", w.Code, w.Header())
	}
}

var address = regexp.MustCompile(`(?:href|src|action)="([^"]*)"`)

// jsonPaths are the values of fields that lead somewhere.
var jsonPaths = regexp.MustCompile(`"(?:path|envelope|next)": "([^"]+)"`)

// tagOf is the language that an address begins with.
func tagOf(to, base string) (tag string, ok bool) {
	tag, _, _ = strings.Cut(strings.TrimPrefix(to, base+"/"), "/")
	return tag, slices.Contains([]string{"en", "zh-Hans", "zh-Hant"}, tag)
}

// TestEveryLink: whatever path is before the pages, and whatever language is in the address, every link, form, static file
// and path in JSON leads to where something is, behind the same path and in the same language; with the languages as the
// only way to another one.
func TestEveryLink(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.fleetOfSeven()
	hs := newHandset(1)
	h.install(hs, beforeActive, baseline(1), effectOf(3, 1))
	for _, base := range []string{"", "/landed", "/a/b"} {
		h.outside(t, base, "")
		for _, language := range []string{"", "/en", "/zh-Hant"} {
			start := base + language
			seen := map[string]bool{}
			queue := []string{start + "/", start + "/installations/" + hs.ref.String(), start + "/nowhere", start + "/models/none",
				start + "/?show=attention&order=name"}
			for len(queue) > 0 {
				path := queue[0]
				queue = queue[1:]
				path, _, _ = strings.Cut(path, "#")
				if seen[path] {
					continue
				}
				seen[path] = true
				w := h.get(path)
				if w.Code != 200 && w.Code != 303 && !strings.Contains(path, "/nowhere") && !strings.Contains(path, "/none") {
					t.Errorf("%s answers %d", path, w.Code)
				}
				found := append(
					address.FindAllStringSubmatch(w.Body.String(), -1),
					jsonPaths.FindAllStringSubmatch(w.Body.String(), -1)...)
				for _, m := range found {
					to := html.UnescapeString(m[1])
					here, _, _ := strings.Cut(strings.TrimPrefix(path, start), "?")
					switch tag, elsewhere := tagOf(to, base); {
					case to[0] == '#':
					case strings.HasSuffix(to, "/find"): // the form is tried below
						if to != start+"/find" {
							t.Errorf("%s posts to %s", path, to)
						}
					case elsewhere && tag != strings.TrimPrefix(language, "/"):
						if !strings.HasPrefix(to, base+"/"+tag+here) {
							t.Errorf("%s leads to %s", path, to)
						}
					case strings.HasPrefix(to, start+"/"), strings.HasPrefix(to, base+"/static/"):
						queue = append(queue, to)
					default:
						t.Errorf("%s leads to %s", path, to)
					}
				}
			}
			if len(seen) < 25 {
				t.Errorf("only %d addresses were found behind %q", len(seen), start)
			}
			for _, form := range []url.Values{{"ref": {hs.ref.String()}}, {"find": {"Mi 3"}, "order": {"name"}}, {"ref": {""}},
				{"ref": {"Mi 3"}}} {
				r := httptest.NewRequest(http.MethodPost, start+"/find", strings.NewReader(form.Encode()))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				w := httptest.NewRecorder()
				h.doors.ServeHTTP(w, r)
				to := w.Header().Get("Location")
				path, _, _ := strings.Cut(to, "#")
				if w.Code != 303 || !strings.HasPrefix(to, start+"/") || h.get(path).Code != 200 {
					t.Errorf("%v posted to %s: %d to %q", form, start, w.Code, to)
				}
			}
		}
	}
}

// TestProxyTakesThePathAway: behind a proxy that takes the public path away, the links have it all the same.
func TestProxyTakesThePathAway(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	h.outside(t, "/landed", "")
	whole, cut := h.get("/landed/zh-Hans/models/armani"), h.get("/zh-Hans/models/armani")
	if whole.Code != 200 || whole.Body.String() != cut.Body.String() ||
		!strings.Contains(cut.Body.String(), `href="/landed/zh-Hans/releases/`) {
		t.Errorf("%d and %d:\n%s", whole.Code, cut.Code, cut.Body)
	}
	for from, to := range map[string]string{"/landed": "/landed/", "/landed/zh-Hans": "/landed/zh-Hans/", "/zh-Hans": "/landed/zh-Hans/"} {
		if w := h.get(from); w.Code != 303 || w.Header().Get("Location") != to {
			t.Errorf("%s leads to %d %s", from, w.Code, w.Header().Get("Location"))
		}
	}
}

// TestSwitch: every page leads to itself in the other languages, each by its own name; that of an error too, unless
// something was typed there that is no reference.
func TestSwitch(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	hs := newHandset(1)
	h.install(hs, beforeActive, baseline(1))
	h.outside(t, "/landed", "")
	for path, here := range map[string]string{
		"/": "/", "/models/armani": "/models/armani", "/zh-Hans/releases": "/releases",
		"/?find=Mi+3&order=name&x=y":                      "/?find=Mi+3&order=name",
		"/installations/" + hs.ref.String() + "?before=7": "/installations/" + hs.ref.String() + "?before=7",
		"/nowhere": "/nowhere", "/installations/350123456789012": "/", "/installations?ref=350123456789012": "/installations",
		"/installations/" + newHandset(2).ref.String(): "/installations/" + newHandset(2).ref.String(),
	} {
		body := h.get("/landed" + path).Body.String()
		for _, tag := range []string{"en", "zh-Hans", "zh-Hant"} {
			on := ""
			if tag == "zh-Hans" && strings.HasPrefix(path, "/zh-Hans") || tag == "en" && !strings.HasPrefix(path, "/zh-Hans") {
				on = ` aria-current="true"`
			}
			link := `<a href="` + html.EscapeString(
				"/landed/"+tag+here,
			) + `" lang="` + tag + `" hreflang="` + tag + `"` + on + `>in ` + tag + `</a>`
			if !strings.Contains(html.UnescapeString(body), html.UnescapeString(link)) {
				t.Errorf("%s: no %s", path, link)
			}
		}
	}
}

// TestLanguageInJSON: what a program reads says in which language its words are, whatever the address.
func TestLanguageInJSON(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	hs := newHandset(1)
	h.install(hs, beforeActive, baseline(1))
	h.outside(t, "", "")
	for _, path := range []string{"/status.json", "/releases.json", "/models/armani.json", "/installations/" + hs.ref.String() + ".json",
		"/releases/" + releaseName + ".json"} {
		for tag, w := range map[string]*httptest.ResponseRecorder{"zh-Hant": h.get("/zh-Hant" + path), "zh-Hans": h.get(path,
			"Accept-Language", "zh")} {
			var got struct{ Language string }
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.Language != tag {
				t.Errorf("%s: %q, %v", path, got.Language, err)
			}
		}
	}
}

func TestPublicPath(t *testing.T) {
	for path, ok := range map[string]bool{
		"": true, "/landed": true, "/a/b-c.d": true, "landed": false, "/": false, "/landed/": false, "/a//b": false, "/a b": false,
		"/v1": false, "/tuf/x": false, "/en": false, "/../x": false, "/static": false, "/models": false, "/a?b": false, "/.a": false,
	} {
		if err := CheckPublicPath(path); (err == nil) != ok {
			t.Errorf("%q: %v", path, err)
		}
	}
	if _, err := New(Config{Language: "xx"}); err == nil {
		t.Error("a language that is not there was taken")
	}
}
