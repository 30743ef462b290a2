// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"landed/manifests"
	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/reasons"
	"landed/web"
)

// inEnglish is the tag of the language that the tests read.
const inEnglish = "en"

// names are what is the same in every language: of products, of channels, of people, of standards.
var names = strings.Fields(
	`Landed Xiaomi Redmi Note Mi HM TD LTE IMEI SIM JSON CSV SVG Atom UTC otactl HTTP SHA RSA kB MB GB MIUI CEL API
	stable beta lab other mei landed Mail`,
)

var (
	tokens   = regexp.MustCompile(`<[^>]*>|[^<]+`)
	tagName  = regexp.MustCompile(`^</?([a-z0-9]+)`)
	langOf   = regexp.MustCompile(`\slang="([^"]*)"`)
	readOut  = regexp.MustCompile(`\s(?:title|alt|aria-label|data-news|data-label|data-well|data-lost)="([^"]*)"`)
	words    = regexp.MustCompile(`[\p{Latin}\d_./:%&;+@?#=~-]+`)
	isWord   = regexp.MustCompile(`^[(]?\p{Latin}{2,}(?:-\p{Latin}+)?[.,:;!?)]*$`)
	voids    = []string{"meta", "link", "input", "img", "br", "hr", "rect"}
	verbatim = []string{"code", "script"}
)

// latin are the words of Latin letters on a page in another language, but for names, what stands in <code>, and what is
// marked as being in a language of its own.
func latin(page, tag string, known ...string) (found []string) {
	type element struct {
		name string
		own  bool
	}
	var open []element
	own := func() bool { return len(open) > 0 && open[len(open)-1].own }
	look := func(text string) {
		text = html.UnescapeString(text)
		for _, phrase := range known {
			text = strings.ReplaceAll(text, phrase, "")
		}
		for _, w := range words.FindAllString(text, -1) {
			bare := strings.Trim(w, ".,:;!?")
			if isWord.MatchString(w) && !slices.Contains(names, bare) {
				found = append(found, w)
			}
		}
	}
	for _, token := range tokens.FindAllString(page, -1) {
		switch m := tagName.FindStringSubmatch(token); {
		case m == nil:
			if !own() && !strings.HasPrefix(token, "<") {
				look(token)
			}
		case strings.HasPrefix(token, "</"):
			for len(open) > 0 {
				last := open[len(open)-1]
				open = open[:len(open)-1]
				if last.name == m[1] {
					break
				}
			}
		default:
			foreign := own() || slices.Contains(verbatim, m[1])
			if l := langOf.FindStringSubmatch(token); l != nil {
				foreign = l[1] != tag
			}
			for _, a := range readOut.FindAllStringSubmatch(token, -1) {
				if !foreign {
					look(a[1])
				}
			}
			if !slices.Contains(voids, m[1]) {
				open = append(open, element{m[1], foreign})
			}
		}
	}
	return found
}

// TestEnglishIsFound: what the tests below look for.
func TestEnglishIsFound(t *testing.T) {
	page := `<html lang="zh-Hans"><title>状态</title><p>有 3 handsets <code>code words</code> <bdi lang="en">a b <b>cd</b></bdi> Redmi 1S</p>` +
		`<p aria-label="look up">a/b x_y <a lang="zh-Hans">简体 ok</a></p></html>`
	if got := latin(page, "zh-Hans"); !slices.Equal(got, []string{"handsets", "look", "up", "ok"}) {
		t.Errorf("got %v", got)
	}
}

// inEveryLanguage asks for a page of a test in every other language, and looks for English on it.
func (h *fixture) inEveryLanguage(path string) {
	h.t.Helper()
	if h.english || h.seen[path] || strings.HasPrefix(path, "/static") || strings.Contains(path, ".json") ||
		strings.Contains(path, "/reports/") || strings.Contains(path, "/statements/") {
		return
	}
	if h.seen == nil {
		h.seen = map[string]bool{}
	}
	h.seen[path] = true
	for _, tag := range web.Locales() {
		if tag == inEnglish {
			continue
		}
		r := httptest.NewRequest(http.MethodGet, "/"+tag+path, nil)
		w := httptest.NewRecorder()
		h.doors.ServeHTTP(w, r)
		body := w.Body.String()
		if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") || w.Code == http.StatusSeeOther {
			continue
		}
		if gaps := missing(body); len(gaps) > 0 {
			h.t.Errorf("%s in %s: sentences are missing or do not fit their data: %v", path, tag, gaps)
		}
		if found := latin(body, tag, h.known(path)...); len(found) > 0 {
			h.t.Errorf("%s in %s says %q", path, tag, found)
		}
	}
}

// known are the names of models, in which there may be words, those of releases, and what a reader typed.
func (h *fixture) known(path string) (all []string) {
	for _, m := range h.lineup.Models() {
		all = append(append(all, m.Product, m.Device, m.Role()), m.Variants...)
	}
	_ = h.store.View(context.Background(), func(tx fleet.Tx) error { // a test may have closed it
		releases, err := tx.Releases().List(context.Background())
		for _, r := range releases {
			all = append(all, r.Name)
		}
		return err
	})
	if u, err := url.Parse(path); err == nil && u.Query().Has("find") {
		all = append(all, askedOf(u.Query()).Find)
	}
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return all
}

// TestEveryReason: every reason that a rollout can have or wait for, and every one that holds for all effects, is worded in
// every language, with every value it has.
func TestEveryReason(t *testing.T) {
	for _, tag := range web.Locales() {
		l, err := web.NewLocale(tag)
		if err != nil {
			t.Fatal(err)
		}
		for code, values := range reasons.Codes() {
			if code == fleet.SaidCode || code == fleet.RecordedCode {
				continue
			}
			r := fleet.Reason{Code: code, Values: map[string]string{}}
			for _, name := range values {
				r.Values[name] = "1234"
			}
			if !l.Has("reason." + code) {
				t.Errorf("%s has no words for %s", tag, code)
			} else if got := l.Say("reason."+code, r.Values); strings.HasPrefix(got, "[") || tag != inEnglish && len(latin(got, tag)) > 0 {
				t.Errorf("%s of %s: %s", tag, code, got)
			}
			for name := range r.Values { // one that an older program stored with fewer values has words all the same
				delete(r.Values, name)
				if got := wordReason(l, r); got == "" || strings.HasPrefix(got, "[") {
					t.Errorf("%s of %s without %s: %q", tag, code, name, got)
				}
			}
		}
		said := wordReason(l, fleet.Said("a battery got hot"))
		if web.Plain(said) != "a battery got hot" || (said == web.Plain(said)) != (tag == inEnglish) {
			t.Errorf("%s: what a person said became %q", tag, said)
		}
	}
}

// TestPagesInEveryLanguage reads pages of a fleet in every standing, of installations, and of what is not there.
func TestPagesInEveryLanguage(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.fleetOfSeven()
	hs := newHandset(1)
	h.install(hs, beforeActive, baseline(1), failed(2, report.PhaseInstall, 20), effectOf(3, 1), effectOf(5, 24), effectOf(4, 3))
	for _, path := range []string{"/", "/releases", "/releases/" + releaseName, "/installations/" + hs.ref.String(), "/?find=zzz9",
		"/?show=halted", "/installations/" + newHandset(2).ref.String(), "/installations/350123456789012", "/models/none", "/nowhere"} {
		h.get(path)
	}
	for _, m := range h.lineup.Models() {
		h.get("/models/" + m.Role())
	}
}
