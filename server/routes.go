// SPDX-License-Identifier: Apache-2.0

package server

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"landed/server/device/feed"
	"landed/server/device/legacy"
	"landed/server/device/native"
	"landed/server/fleet"
	"landed/server/httplimit"
	"landed/server/render"
	"landed/server/support"
)

// Handler is every door of the house:
//
//	/tuf/        handsets: the signed feed. Before the router: a poll passes no middleware
//	/legacy/     phones with the updaters of others: static files beside the feed; also at /api/v1/, /api/v2/devices/, and at
//	             /NAME for names of GrapheneOS's updater that there are: legacy.Route has the table
//	/v1/reports  handsets: signed reports in
//	/v1/…        release engineers, by bearer token: console.Doors has the table
//	/            everybody: the status pages; where small numbers are hidden from the public, those without them
//	/healthz     the process lives     /readyz  it can do its work, or each cause why not
//	/metrics     figures for whoever watches it, by bearer token
//
// Of the connections that httplimit.Connections reserves it answers control alone: console, health and metrics.
func (s *Server) Handler() http.Handler { return s.bounded(s.routes(true, s.public)) }

// Admin is Handler with the status pages for staff, on which every number is exact: for a listener that strangers do not reach.
func (s *Server) Admin() http.Handler { return s.bounded(s.routes(true, s.support)) }

// Public is Handler without control, for a listener beside one that strangers do not reach: nothing is under /healthz,
// /readyz, /metrics and /v1/, but for the reports.
func (s *Server) Public() http.Handler { return s.bounded(s.routes(false, s.public)) }

// bounded puts the feed before router, and bounds what connections may cost.
func (s *Server) bounded(router http.Handler) http.Handler {
	doors := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, feed.Prefix) {
			s.feed.ServeHTTP(w, r)
			return
		}
		if (strings.HasPrefix(r.URL.Path, legacy.Prefix) || strings.HasPrefix(r.URL.Path, "/api/")) && shelf(s, w, r) {
			return
		}
		if s.cluster != nil && isControl(r) {
			s.cluster.Fresh(r.Context())
		}
		router.ServeHTTP(w, r)
	})
	fair := s.cfg.Proxies.Requests(s.cfg.PerNetwork, isControl, doors)
	return httplimit.Answers(httplimit.Bodies(isUpload, httplimit.Reserve(isControl, fair)))
}

// isControl is a request to the console, or of whoever watches over this server.
func isControl(r *http.Request) bool {
	switch path := r.URL.Path; path {
	case "/healthz", "/readyz", "/metrics":
		return true
	default:
		return strings.HasPrefix(path, "/v1/") && !strings.HasPrefix(path, "/v1/reports")
	}
}

// isUpload is a request whose body may take hours.
func isUpload(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Path == "/v1/packages"
}

// routes are the doors behind the router; control says whether console and health are among them, and pages are those of
// the status.
func (s *Server) routes(control bool, pages *support.Support) chi.Router {
	r := chi.NewRouter()
	r.Use(requestID, accessLog(s.cfg.Log, s.cfg.Now, s.observer), recoverer(s.cfg.Log, faults(pages)))
	if control {
		r.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
		r.Get("/readyz", s.ready)
		r.With(s.guard.Require(fleet.RoleSupport)).Get("/metrics", s.metrics.Handler().ServeHTTP)
	} else {
		for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
			r.Handle(path, render.API(s.cfg.Log, noSuchDoor))
		}
	}
	r.Route("/v1", func(r chi.Router) {
		r.Method("POST", "/reports", s.new.Door(native.Reports(s.cfg.Log, s.intake)))
		if control {
			r.Group(s.console.Routes())
			r.With(s.guard.Require(fleet.RoleAdmin)).Method("GET", "/tally/evidence", render.API(s.cfg.Log, s.tally.evidence))
		}
		r.NotFound(render.API(s.cfg.Log, noSuchDoor).ServeHTTP)
		r.MethodNotAllowed(render.API(s.cfg.Log, wrongMethod).ServeHTTP)
	})
	r.Group(func(r chi.Router) {
		r.Use(s.tally.asTaken)
		pages.Routes()(r)
	})
	r.Group(s.tally.doors)
	r.NotFound(func(w http.ResponseWriter, r *http.Request) {
		if !shelf(s, w, r) {
			pages.Missing(w, r)
		}
	})
	r.MethodNotAllowed(render.API(s.cfg.Log, wrongMethod).ServeHTTP) // whoever does not read is a program
	return r
}

// shelf answers phones with the updaters of others; false if none of them asks for this.
func shelf(s *Server, w http.ResponseWriter, r *http.Request) bool {
	file, none, ok := legacy.Route(r.URL.Path)
	return ok && s.feed.Shelf(w, r, file, none)
}

// faults answers for a fault of ours: people get a page, programs a document.
func faults(pages *support.Support) func(http.ResponseWriter, *http.Request, render.Problem) {
	return func(w http.ResponseWriter, r *http.Request, p render.Problem) {
		if !strings.Contains(r.Header.Get("Accept"), "text/html") {
			render.WriteProblem(w, r, p)
			return
		}
		pages.Problem(w, r, p)
	}
}

func noSuchDoor(http.ResponseWriter, *http.Request) error {
	return fleet.Errorf(fleet.NotFound, "no_such_page", "there is nothing under this address")
}

// wrongMethod says by which methods one may come.
func wrongMethod(w http.ResponseWriter, r *http.Request) error {
	var allow []string
	for _, m := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete} {
		if chi.RouteContext(r.Context()).Routes.Match(chi.NewRouteContext(), m, r.URL.EscapedPath()) {
			allow = append(allow, m)
		}
	}
	w.Header().Set("Allow", strings.Join(allow, ", "))
	return &render.WrongMethod{Method: r.Method, Allow: strings.Join(allow, ", ")}
}
