// SPDX-License-Identifier: Apache-2.0

package support

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"landed/manifests/report"
	"landed/web"
)

// edition is all the pages in one language: one type for each family of them, over the reading of all languages. Of each
// language there are two: one for addresses that begin with it, whose links do so too; and one for all others, of which
// each reader is given that of the language that fits best.
type edition struct {
	status        statusPage
	releases      releasePages
	models        modelPages
	installations installationPages
	lookup        lookup
	statements    statementPages
	series        seriesPages
	compare       comparePages
	news          newsPages
	respond       *responder
	verify        verifyPage
	outline       outlinePages // where small numbers are not shown
}

// shared is what the editions have in common.
type shared struct {
	*sources
	*packages
	listings sync.Map
	clock    *clock
	kept     *kept
	fronts   *fronts
	bases    *bases
	others   []web.Language
}

// editions are those of one language, first the one for addresses without a language.
func (s *shared) editions(c Config, locale *web.Locale) (bare, fixed *edition, err error) {
	words := newDictionary(locale)
	if bare, err = s.edition(c, locale, words, web.Links{Base: c.PublicPath}); err != nil {
		return nil, nil, err
	}
	fixed, err = s.edition(c, locale, words, web.Links{Base: c.PublicPath, Language: locale.Tag})
	return bare, fixed, err
}

func (s *shared) edition(c Config, locale *web.Locale, words *dictionary, links web.Links) (*edition, error) {
	pages, err := parsedPages(locale, links)
	if err != nil {
		return nil, err
	}
	line := s.sources.lineup
	loads := &evidence{s.sources, words}
	says := describer{lineup: line, words: words, links: links, now: s.clock.Now, distrusted: c.Distrusted}
	past := seriesPages{loads, says, line, releasePages{loads, says, locale}}
	e := &edition{
		status:   statusPage{loads, says, locale, &memory{clock: c.Now, bases: s.bases}, s.fronts},
		releases: releasePages{loads, says, locale},
		models:   modelPages{loads, says, s.packages, line, locale},
		installations: installationPages{
			evidence: loads, says: says, lineup: line, locale: locale, links: links,
			offers: &offerings{lineup: line, retired: s.retired, packages: s.packages, listings: &s.listings},
		},
		lookup:     lookup{line, loads, links},
		statements: statementPages{loads},
		series:     past,
		compare:    comparePages{past, locale},
		news:       newsPages{says, loads.with},
		respond: &responder{
			pages: pages, locale: locale, links: links, others: s.others, now: c.Now, log: c.Log, notice: clean(c.Notice),
			kept: s.kept, origin: originOf(c.Base),
		},
	}
	e.verify = verifyPage{e.respond, locale, c.OpenReports, c.Threshold}
	if c.Threshold > 0 {
		e.outline = outlinePages{loads, outliner{says}, e.models, e.releases, locale, loads.outlinedFor(c.Threshold), c.Threshold}
		e.news.load = e.outline.load
	}
	return e, nil
}

// parsed are the pages of this process, by how they read: those of one server, of its tallies and for the public alone are the
// same, whatever figures are on them.
var parsed sync.Map // of reading: *web.Pages

type reading struct {
	locale *web.Locale
	links  web.Links
}

func parsedPages(locale *web.Locale, links web.Links) (*web.Pages, error) {
	as := reading{locale, links}
	if had, ok := parsed.Load(as); ok {
		return had.(*web.Pages), nil
	}
	pages, err := web.NewPages(locale, links)
	if err != nil {
		return nil, err
	}
	kept, _ := parsed.LoadOrStore(as, pages)
	return kept.(*web.Pages), nil
}

// locales are every language that there is, read once.
var locales = sync.OnceValues(func() (all []*web.Locale, err error) {
	for _, tag := range web.Locales() {
		l, err := web.NewLocale(tag)
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
})

// choose finds the edition for a request: by its address, else by what its reader asks for, which the answer then says.
func (s *Support) choose(w http.ResponseWriter, r *http.Request) *edition {
	local := web.Links{Base: s.base}.Local(r.URL.Path)
	first, _, _ := strings.Cut(strings.TrimPrefix(local, "/"), "/")
	if e, ok := s.fixed[first]; ok {
		return e
	}
	return s.negotiated(w, r)
}

func (s *Support) negotiated(w http.ResponseWriter, r *http.Request) *edition {
	if !slices.Contains(w.Header()["Vary"], "Accept-Language") { // it was chosen already, and then something failed
		w.Header().Add("Vary", "Accept-Language")
	}
	return s.bare[s.languages.Choose(r.Header["Accept-Language"])]
}

// publicPath is what Config.PublicPath may be: segments of letters, digits and a few marks that need no escaping.
var publicPath = regexp.MustCompile(`^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$`)

// CheckPublicPath says what is wrong with a path before the pages: it may be none of those of the server itself.
func CheckPublicPath(path string) error {
	if path == "" {
		return nil
	}
	if !publicPath.MatchString(path) {
		return fmt.Errorf("the public path is %q; it begins with a slash and ends with none, such as /landed, and has letters, "+
			"digits and . _ ~ - alone", path)
	}
	first, _, _ := strings.Cut(path[1:], "/")
	if slices.Contains(taken, first) || slices.Contains(web.Locales(), first) {
		return errors.New("the public path is " + path + ", and the server has /" + first + " itself; choose another one, such as /landed")
	}
	return nil
}

// taken are the first segments of paths of the server.
var taken = []string{"tuf", "v1", "healthz", "readyz", "metrics", "static", "find", "status.json", "releases", "releases.json",
	"models", "installations", "statements", "verify", "tally", "tally.json"}

// inOther is a page in one of the languages.
type inOther struct {
	web.Language
	Path string
	On   bool // it is read in this one now
}

// inOthers are the ways to a local address in every language; none where there is one alone. They are permanent: they name
// their language.
func (p *responder) inOthers(here string) (all []inOther) {
	if len(p.others) < 2 {
		return nil
	}
	for _, l := range p.others {
		to := web.Links{Base: p.links.Base, Language: l.Tag}
		all = append(all, inOther{l, to.To(here), l.Tag == p.locale.Tag})
	}
	return all
}

// here is the local address of a page that is kept.
func (k key) here() string {
	u := url.URL{Path: k.path}
	if k.before > 0 {
		u.RawQuery = "before=" + strconv.Itoa(k.before)
	}
	if k.on != "" {
		u.RawQuery = url.Values{onDay: {k.on[1:]}}.Encode()
	}
	return u.String()
}

// whereFrom is the local address that a page about a problem leads to in other languages: that which was asked for. What
// was posted cannot be asked for again, and what somebody typed in the place of a reference is in no link of ours.
func (p *responder) whereFrom(r *http.Request) string {
	_, err := report.ParseReference(r.PathValue("ref"))
	if r.Method != http.MethodGet && r.Method != http.MethodHead || r.PathValue("ref") != "" && err != nil {
		return "/"
	}
	return (&url.URL{Path: p.links.Local(r.URL.Path)}).String()
}
