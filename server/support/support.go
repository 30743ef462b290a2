// SPDX-License-Identifier: Apache-2.0

// Package support is the public, read-only door: on its pages support staff, and anybody else,
// see per device model whether the fix took effect: whatever a release promises, in the words that it brings.
//
// Parties: people with a browser, programs that read the same figures as JSON, and the store, which it only views. It
// promises that every figure comes from the maintained counts or from their copies, never from a scan; that every verdict class of a
// release's effect is always shown, zeros too, and that the classes sum to the installations; that no release makes a
// handset leave the figures; that a report is called what it is, a claim by a handset; that a page is computed once for
// all who ask, at most once for each change and second (five, of a line-up of 200), and is never older than that; and that
// an unchanged page costs one 304; and that an address that begins with a
// language is in it for ever, any other in that which its reader asks for.
// It refuses to write anything, to know who is asking, and to look up an installation by anything but its
// reference; and to find anything by a number of a person, or to have it in an address.
package support

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"landed/manifests"
	"landed/server/fleet"
	"landed/server/render"
	"landed/server/support/wall"
	"landed/web"
)

// Config is what the door needs.
type Config struct {
	View      fleet.Viewer
	Catalogue func() *manifests.Catalogue // models of now, retired ones too
	Now       func() time.Time
	Log       *slog.Logger // nil discards
	Language  string       // tag of what a reader gets who asks for no language that there is; "" is English
	// PublicPath is what the outside world puts before every path of these pages, such as /landed; "" is nothing.
	PublicPath string
	// Base is an address of this server as the outside world reaches it, such as https://ota.example: its host is that of whole
	// addresses of these pages. "" is not known.
	Base   string
	Notice string // at the top of every page, and in the JSON; "" shows nothing
	// Halting, if set, says of a halted rollout if the served offers do not say so yet.
	Halting func(context.Context, fleet.Rollout) bool
	// Distrusted, if set, says if the clock jumped and is not believed yet.
	Distrusted func() bool
	// Version is another number once anything in View changed; nil: nothing is known of that.
	Version func(context.Context) (int64, error)
	// Fresh is how long an answer may be given again although something changed; 0 is a second.
	Fresh time.Duration

	// Threshold is how few installations are never told of: above 0 there are the pages for the public alone, which are made
	// of published cells and see nothing else (package wall). 0: every number is shown.
	Threshold int64

	// OpenReports says that everybody is given the reports, and may count the figures again.
	OpenReports bool

	locales []*web.Locale // nil: all that there are
}

// Support answers for the public pages, in every language.
type Support struct {
	base        string
	languages   *web.Negotiator
	bare, fixed map[string]*edition // by the tag of their language
	any         *edition            // for figures, which are the same in all of them
	kept        *kept
	outlined    bool // there are the pages for the public alone
}

// New parses the pages. It fails only if the language is not there, or no path is the public one.
func New(c Config) (*Support, error) {
	c.Language = cmp.Or(c.Language, english)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Halting == nil {
		c.Halting = func(context.Context, fleet.Rollout) bool { return false }
	}
	if err := CheckPublicPath(c.PublicPath); err != nil {
		return nil, err
	}
	if c.locales == nil {
		var err error
		if c.locales, err = locales(); err != nil {
			return nil, err
		}
	}
	if c.Threshold > 0 {
		c.View = wall.Of(c.View, c.Threshold)
	}
	s := &Support{base: c.PublicPath, outlined: c.Threshold > 0, bare: map[string]*edition{}, fixed: map[string]*edition{}}
	ticks := &clock{now: c.Now}
	common := &shared{
		sources: &sources{
			view: asTold{c.View, c.Halting}, lineup: &lineup{catalogue: c.Catalogue}, retired: &retirements{}, now: c.Now,
		},
		packages: &packages{}, clock: ticks, kept: newKept(c.Version, cmp.Or(c.Fresh, fresh), ticks,
			func() int { return len(c.Catalogue().Models()) }, c.Log),
	}
	common.fronts, common.bases = &fronts{kept: common.kept}, &bases{}
	tags := []string{c.Language}
	for _, l := range c.locales {
		common.others = append(common.others, web.Language{Tag: l.Tag, Name: l.Say("language.name", nil)})
		if l.Tag != c.Language {
			tags = append(tags, l.Tag)
		}
	}
	for _, l := range c.locales {
		var err error
		if s.bare[l.Tag], s.fixed[l.Tag], err = common.editions(c, l); err != nil {
			return nil, err
		}
	}
	if s.bare[c.Language] == nil {
		return nil, fmt.Errorf("no pages are in %q; there are %v", c.Language, slices.Sorted(maps.Keys(s.bare)))
	}
	s.any = s.bare[c.Language]
	s.languages, s.kept = web.NewNegotiator(tags...), common.kept
	return s, nil
}

// Routes are the doors, where every number is shown (where small ones are not, outlines has what there is), all GET and HEAD but
// one, which writes nothing either. Each is there three times: as it is, in the
// language that the reader asks for; behind the tag of a language; and both behind the public path, if there is one:
//
//	/                       every model under its newest release    /status.json
//	/releases               every release                           /releases.json
//	/releases/{name}        one release on all its models           /releases/{name}.json
//	/releases/{name}/report a release as a folder keeps it          /releases/{name}/report.json
//	/models/{role}          one model in depth                      /models/{role}.json
//	                        these, and their tables: with ?on=2006-01-02 as they were on a day
//	/series.json            how the fleet came to stand as it does; /releases/{name}/series.json, /models/{role}/series.json
//	/compare                models and releases side by side: /compare/{names}, with a comma between them
//	POST /find              the forms: ref, a reference, or find, what a model is called, and order; leads to the next, to /?find= with the
//	                        name that was recognised, or to a release; what names nothing is answered there, and repeated nowhere
//	/installations?ref=     the look-up form of older pages, which leads to
//	/installations/{ref}    one installation                        /installations/{ref}.json
//	/installations/{ref}/reports/{id}    one report, as it was signed
//	/statements/{id}        what an observer signed, as it was signed
//	/verify                 how somebody outside checks the figures
//	/static/*               style and script, immutable; not behind a language
//	/robots.txt             keeps crawlers from installations; at the root alone, where they look
func (s *Support) Routes() func(chi.Router) {
	return func(r chi.Router) {
		r.Use(compress)
		r.Get("/robots.txt", robots)
		r.Head("/robots.txt", robots)
		bases := []string{""} // a proxy may take the public path away, or leave it
		if s.base != "" {
			bases = append(bases, s.base)
		}
		for _, base := range bases {
			s.below(paths{r, base, s.negotiated, s.bare})
			for tag, e := range s.fixed {
				fixed := func(http.ResponseWriter, *http.Request) *edition { return e }
				s.below(paths{r, base + "/" + tag, fixed, map[string]*edition{tag: e}})
			}
			r.Get(base+"/static/*", http.StripPrefix(base, web.Static()).ServeHTTP)
			r.Head(base+"/static/*", http.StripPrefix(base, web.Static()).ServeHTTP)
		}
	}
}

// compressor is one for all routes of the process: each has a writer of 800 KB when it is made, and there are hundreds of routes.
var compressor = sync.OnceValue(func() *middleware.Compressor {
	return middleware.NewCompressor(5, "text/html", "application/json", "text/css", "text/javascript")
})

// compress makes pages a tenth of their size, for whoever takes that; a list of 200 models is
// asked for again whenever a figure moves. A part of a file is a part of its plain bytes.
func compress(next http.Handler) http.Handler {
	small := compressor().Handler(next)
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
	s.choose(w, r).respond.problem(w, r, p)
}

// Missing answers for every address that leads nowhere: with the way to the status and to the
// look-up, in the looks of the other pages.
func (s *Support) Missing(w http.ResponseWriter, r *http.Request) {
	s.choose(w, r).respond.missing(w, r)
}
