// SPDX-License-Identifier: Apache-2.0

// Package support is the public, read-only door: on its pages support staff, and anybody else,
// see per device model whether the fix took effect: whatever a release promises, in the words that it brings.
//
// Parties: people with a browser, programs that read the same figures as JSON, and the store, which it only views. It
// promises that every figure comes from the maintained counts, never from a scan; that every verdict class of a
// release's effect is always shown, zeros too, and that the classes sum to the installations; that no release makes a
// handset leave the figures; that a report is called what it is, a claim by a handset; and that an unchanged page costs
// one 304. It refuses to write anything, to know who is asking, and to look up an installation by anything but its
// reference.
package support

import (
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"landed/manifests"
	"landed/server/fleet"
	"landed/server/published"
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
}

// Support answers for the public pages.
type Support struct {
	view       fleet.Viewer
	catalogue  func() *manifests.Catalogue
	models     atomic.Pointer[models]
	now        func() time.Time
	log        *slog.Logger
	words      *web.Locale
	plainWords lexicon // of a release that claims nothing
	pages      *web.Pages
	notice     string
	packages   sync.Map // fleet.PackageRef → fleet.Package: a package never changes
	lexicons   sync.Map // *effect.Program → lexicon
	listings   sync.Map // role → roleListing: what the newest version of the role lists
	published  published.Reader
	delegated  atomic.Pointer[delegated]
	rendered   sync.Map // path → rendered: the newest answer, by its ETag
}

// models are those of one catalogue.
type models struct {
	of     *manifests.Catalogue
	listed map[string]listed // by device
}

// listed is a model and its place in the catalogue.
type listed struct {
	manifests.Model
	place int
}

// device is a model of now.
func (s *Support) device(name string) (listed, bool) {
	now, known := s.catalogue(), s.models.Load()
	if known == nil || known.of != now {
		known = &models{now, map[string]listed{}}
		for i, m := range now.Models() {
			known.listed[m.Device] = listed{m, i}
		}
		s.models.Store(known)
	}
	m, ok := known.listed[name]
	return m, ok
}

// New parses the pages. It fails only if the language is not there.
func New(c Config) (*Support, error) {
	if c.Language == "" {
		c.Language = "en"
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	words, err := web.NewLocale(c.Language)
	if err != nil {
		return nil, err
	}
	pages, err := web.NewPages(words)
	if err != nil {
		return nil, err
	}
	s := &Support{
		view: c.View, catalogue: c.Catalogue, now: c.Now, log: c.Log, words: words,
		plainWords: newLexicon(words, nil), pages: pages, notice: clean(c.Notice),
	}
	return s, nil
}

// Routes are the doors, all GET and HEAD:
//
//	/                       every model under its newest release    /status.json
//	/releases               every release                           /releases.json
//	/releases/{name}        one release on all its models           /releases/{name}.json
//	/models/{role}          one model in depth                      /models/{role}.json
//	/installations?ref=     the look-up form, which leads to
//	/installations/{ref}    one installation                        /installations/{ref}.json
//	/installations/{ref}/reports/{id}    one report, as it was signed
//	/static/*               style and script, immutable
func (s *Support) Routes() func(chi.Router) {
	return func(r chi.Router) {
		r.Use(compress)
		get := func(pattern string, h http.HandlerFunc) {
			r.Get(pattern, h)
			r.Head(pattern, h)
		}
		get("/", s.answer("status", s.status))
		get("/status.json", s.answer("", s.status))
		get("/releases", s.answer("releases", s.releases))
		get("/releases.json", s.answer("", s.releases))
		get("/releases/{name}", s.answer("release", s.release))
		get("/releases/{name}.json", s.answer("", s.release))
		get("/models/{role}", s.answer("model", s.model))
		get("/models/{role}.json", s.answer("", s.model))
		get("/installations", s.lookUp)
		get("/installations/{ref}", s.answer("installation", s.installation))
		get("/installations/{ref}.json", s.answer("", s.installation))
		get("/installations/{ref}/reports/{id}", s.envelope)
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

// lexiconOf is the effect of a release as people read it; a published release changes no more, so it is kept.
func (s *Support) lexiconOf(r published.Release) lexicon {
	if r.Program == nil {
		return s.plainWords
	}
	if kept, ok := s.lexicons.Load(r.Program); ok {
		return kept.(lexicon)
	}
	lex := newLexicon(s.words, &r.Program.Effect)
	s.lexicons.Store(r.Program, lex)
	return lex
}
