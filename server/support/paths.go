// SPDX-License-Identifier: Apache-2.0

package support

import (
	"net/http"
	"path"

	"github.com/go-chi/chi/v5"
)

// paths are the doors below a root; each request is for one of the editions.
type paths struct {
	r      chi.Router
	root   string
	choose func(http.ResponseWriter, *http.Request) *edition
	among  map[string]*edition
}

func (p paths) with(open func(*edition) http.HandlerFunc) http.HandlerFunc {
	doors := map[*edition]http.HandlerFunc{}
	for _, e := range p.among {
		doors[e] = open(e)
	}
	return func(w http.ResponseWriter, r *http.Request) { doors[p.choose(w, r)](w, r) }
}

func (p paths) get(pattern string, open func(*edition) http.HandlerFunc) {
	p.r.Get(p.root+pattern, p.with(open))
	p.r.Head(p.root+pattern, p.with(open))
}

func (p paths) page(pattern, page string, by readers, h func(*edition) handler) {
	p.get(pattern, func(e *edition) http.HandlerFunc { return e.respond.page(page, by, h(e)) })
}

// dated is page for what is there of each day, too.
func (p paths) dated(pattern, page string, by readers, h func(*edition) (now, then handler)) {
	p.get(pattern, func(e *edition) http.HandlerFunc {
		now, then := h(e)
		return e.respond.dated(page, by, now, then)
	})
}

// below has all doors below a root.
func (s *Support) below(p paths) {
	if p.root != "" {
		p.get("", func(e *edition) http.HandlerFunc { return e.respond.direct(e.lookup.home) })
	}
	if s.outlined {
		outlines(p)
	} else {
		exact(p)
	}
	p.get("/installations/{ref}.csv", func(e *edition) http.HandlerFunc {
		return discreet(e.respond.page(asCSV, installationReaders, e.installations.show))
	})
	one := func(page string) func(*edition) http.HandlerFunc {
		return func(e *edition) http.HandlerFunc {
			return discreet(e.respond.page(page, installationReaders, e.installations.show))
		}
	}
	p.get("/installations/{ref}", one("installation"))
	p.get("/installations/{ref}.json", one(""))
	p.get("/installations", func(e *edition) http.HandlerFunc { return discreet(e.respond.direct(e.lookup.find)) })
	p.r.Post(p.root+"/find", p.with(func(e *edition) http.HandlerFunc { return e.respond.direct(e.lookup.posted) }))
	p.get(
		"/installations/{ref}/reports/{id}",
		func(e *edition) http.HandlerFunc { return discreet(e.respond.direct(e.installations.envelope)) },
	)
	p.get("/verify", func(e *edition) http.HandlerFunc { return e.respond.direct(e.verify.show) })
	p.get("/statements/{id}", func(e *edition) http.HandlerFunc { return e.respond.direct(e.statements.envelope) })
}

// take is a form in which a page may be taken away.
type take struct {
	address string
	by      readers
	of      func(*edition) handler
}

func (p paths) takes(all ...take) {
	for _, t := range all {
		p.page(t.address, path.Ext(t.address), t.by, t.of)
	}
}

// exact are the pages on which every number is shown.
func exact(p paths) {
	status := func(e *edition) (now, then handler) { return e.status.show, e.status.on }
	release := func(e *edition) (now, then handler) { return e.releases.show, e.releases.on }
	model := func(e *edition) (now, then handler) { return e.models.show, e.models.on }
	p.dated("/", "status", frontReaders, status)
	p.dated("/status.json", "", frontReaders, status)
	p.page("/releases", "releases", allReaders, func(e *edition) handler { return e.releases.list })
	p.page("/releases.json", "", allReaders, func(e *edition) handler { return e.releases.list })
	p.dated("/releases/{name}", "release", allReaders, release)
	p.dated("/releases/{name}.json", "", allReaders, release)
	p.page("/releases/{name}/report", "report", oneReader, func(e *edition) handler { return e.releases.report })
	p.page("/releases/{name}/report.json", "", oneReader, func(e *edition) handler { return e.releases.report })
	p.dated("/models/{role}", "model", allReaders, model)
	p.dated("/models/{role}.json", "", allReaders, model)
	p.dated("/status.csv", asCSV, frontReaders, status)
	p.dated("/releases/{name}.csv", asCSV, allReaders, release)
	p.dated("/models/{role}.csv", asCSV, allReaders, model)
	p.takes(
		take{"/badge.svg", frontReaders, func(e *edition) handler { return e.status.show }},
		take{"/feed.atom", frontReaders, func(e *edition) handler { return e.news.show }},
		take{"/series.csv", allReaders, func(e *edition) handler { return e.series.fleet }},
		take{"/releases.csv", allReaders, func(e *edition) handler { return e.releases.list }},
		take{"/releases/{name}/series.csv", allReaders, func(e *edition) handler { return e.series.release }},
		take{"/releases/{name}/badge.svg", allReaders, func(e *edition) handler { return e.releases.show }},
		take{"/models/{role}/series.csv", allReaders, func(e *edition) handler { return e.series.model }},
		take{"/models/{role}/badge.svg", allReaders, func(e *edition) handler { return e.models.show }},
	)
	p.get("/compare", func(e *edition) http.HandlerFunc {
		return e.compare.form(e.respond.page("compare", oneReader, e.compare.show))
	})
	p.get("/compare/{names}", func(e *edition) http.HandlerFunc {
		return e.compare.sorted(e.respond.page("compare", oneReader, e.compare.show))
	})
	p.page("/series.json", "", frontReaders, func(e *edition) handler { return e.series.fleet })
	p.page("/releases/{name}/series.json", "", allReaders, func(e *edition) handler { return e.series.release })
	p.page("/models/{role}/series.json", "", allReaders, func(e *edition) handler { return e.series.model })
}
