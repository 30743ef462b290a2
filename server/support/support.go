// SPDX-License-Identifier: Apache-2.0

// Package support is the public, read-only door: on its pages support staff, and anybody else,
// see per device model whether the fix took effect: whatever a release promises, in the words that it brings.
//
// Parties: people with a browser, programs that read the same figures as JSON, and the store, which it only views. It
// promises that every figure comes from the maintained counts, never from a scan; that every verdict class of a
// release's effect is always shown, zeros too, and that the classes sum to the installations; that no release makes a
// handset leave the figures; that a report is called what it is, a claim by a handset; that a page is computed once for
// all who ask, at most once for each change and second, and is never older than that; and that an unchanged page costs
// one 304. It refuses to write anything, to know who is asking, and to look up an installation by anything but its
// reference; and to find anything by a number of a person, or to have it in an address.
package support

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"landed/manifests"
	"landed/server/fleet"
	"landed/server/render"
	"landed/web"
)

// Config is what the door needs.
type Config struct {
	View      fleet.Viewer
	Catalogue func() *manifests.Catalogue // models of now, retired ones too
	Now       func() time.Time
	Log       *slog.Logger // nil discards
	Language  string       // tag of the sentences; "" is English
	Notice    string       // at the top of every page, and in the JSON; "" shows nothing
	// Halting, if set, says of a halted rollout if the served offers do not say so yet.
	Halting func(context.Context, fleet.Rollout) bool
	// Distrusted, if set, says if the clock jumped and is not believed yet.
	Distrusted func() bool
	// Version is another number once anything in View changed; nil: nothing is known of that.
	Version func(context.Context) (int64, error)
	// Fresh is how long an answer may be given again although something changed; 0 is a second.
	Fresh time.Duration
}

// Support answers for the public pages: one type for each family of them, over one reading of the store.
type Support struct {
	status        statusPage
	releases      releasePages
	models        modelPages
	installations installationPages
	lookup        lookup
	statements    statementPages
	series        seriesPages
	compare       comparePages
	respond       *responder
}

// New parses the pages. It fails only if the language is not there.
func New(c Config) (*Support, error) {
	if c.Language == "" {
		c.Language = "en"
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	locale, err := web.NewLocale(c.Language)
	if err != nil {
		return nil, err
	}
	pages, err := web.NewPages(locale)
	if err != nil {
		return nil, err
	}
	if c.Halting == nil {
		c.Halting = func(context.Context, fleet.Rollout) bool { return false }
	}
	view := asTold{c.View, c.Halting}
	words, line := newDictionary(locale), &lineup{catalogue: c.Catalogue}
	gone, kept := &retirements{}, &packages{}
	loads := &evidence{view: view, lineup: line, words: words, retired: gone, now: c.Now}
	ticks := &clock{now: c.Now}
	says := describer{lineup: line, words: words, now: ticks.Now, distrusted: c.Distrusted}
	return &Support{
		status:   statusPage{loads, says, locale},
		releases: releasePages{loads, says, locale},
		models:   modelPages{loads, says, kept, line, locale},
		installations: installationPages{
			evidence: loads, lineup: line, locale: locale,
			offers: &offerings{lineup: line, retired: gone, packages: kept, locale: locale},
		},
		series:     seriesPages{loads, says, line, releasePages{loads, says, locale}},
		compare:    comparePages{seriesPages{loads, says, line, releasePages{loads, says, locale}}, locale},
		lookup:     lookup{line},
		statements: statementPages{loads},
		respond: &responder{
			pages: pages, locale: locale, now: c.Now, log: c.Log, notice: clean(c.Notice),
			kept: newKept(c.Version, cmp.Or(c.Fresh, fresh), ticks),
		},
	}, nil
}

// Routes are the doors, all GET and HEAD but one, which writes nothing either:
//
//	/                       every model under its newest release    /status.json
//	/releases               every release                           /releases.json
//	/releases/{name}        one release on all its models           /releases/{name}.json
//	/models/{role}          one model in depth                      /models/{role}.json
//	/series.json            how the fleet came to stand as it does; /releases/{name}/series.json, /models/{role}/series.json
//	/compare                models and releases side by side: /compare/{names}, with a comma between them
//	POST /find              the forms: ref, a reference, or find, what a model is called, and order; leads to the next or to /?find=
//	/installations?ref=     the look-up form of older pages, which leads to
//	/installations/{ref}    one installation                        /installations/{ref}.json
//	/installations/{ref}/reports/{id}    one report, as it was signed
//	/statements/{id}        what an observer signed, as it was signed
//	/static/*               style and script, immutable
func (s *Support) Routes() func(chi.Router) {
	return func(r chi.Router) {
		r.Use(compress)
		get := func(pattern string, h http.HandlerFunc) {
			r.Get(pattern, h)
			r.Head(pattern, h)
		}
		page := func(page string, h handler) http.HandlerFunc { return s.respond.page(page, allReaders, h) }
		one := func(page string, h handler) http.HandlerFunc { return s.respond.page(page, oneReader, h) }
		get("/", s.respond.page("status", frontReaders, s.status.show))
		get("/status.json", s.respond.page("", frontReaders, s.status.show))
		get("/releases", page("releases", s.releases.list))
		get("/releases.json", page("", s.releases.list))
		get("/releases/{name}", page("release", s.releases.show))
		get("/releases/{name}.json", page("", s.releases.show))
		get("/models/{role}", page("model", s.models.show))
		get("/models/{role}.json", page("", s.models.show))
		get("/series.json", s.respond.page("", frontReaders, s.series.fleet))
		get("/releases/{name}/series.json", page("", s.series.release))
		get("/models/{role}/series.json", page("", s.series.model))
		get("/compare", s.compare.form(one("compare", s.compare.show)))
		get("/compare/{names}", one("compare", s.compare.show))
		get("/installations", s.respond.direct(s.lookup.find))
		r.Post("/find", s.respond.direct(s.lookup.posted))
		get("/installations/{ref}", one("installation", s.installations.show))
		get("/installations/{ref}.json", one("", s.installations.show))
		get("/installations/{ref}/reports/{id}", s.respond.direct(s.installations.envelope))
		get("/statements/{id}", s.respond.direct(s.statements.envelope))
		get("/static/*", web.Static().ServeHTTP)
	}
}

// compress makes pages a tenth of their size, for whoever takes that; a list of 200 models is
// asked for again whenever a figure moves. A part of a file is a part of its plain bytes.
func compress(next http.Handler) http.Handler {
	small := middleware.Compress(5, "text/html", "application/json", "text/css", "text/javascript")(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		wanted := render.WantsGzip(r.Header["Accept-Encoding"])
		w.Header().Set("Vary", "Accept-Encoding")
		if !wanted || r.Header.Get("Range") != "" {
			next.ServeHTTP(w, r)
			return
		}
		r = r.Clone(r.Context())
		r.Header.Set("Accept-Encoding", "gzip") // chi reads no weights
		small.ServeHTTP(w, r)
	})
}

// Problem answers p as a page that helps on.
func (s *Support) Problem(w http.ResponseWriter, r *http.Request, p render.Problem) {
	s.respond.problem(w, r, p)
}

// Missing answers for every address that leads nowhere: with the way to the status and to the
// look-up, in the looks of the other pages.
func (s *Support) Missing(w http.ResponseWriter, r *http.Request) { s.respond.missing(w, r) }
