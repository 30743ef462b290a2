// SPDX-License-Identifier: Apache-2.0

package server

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"landed/server/device/feed"
	"landed/server/device/native"
	"landed/server/fleet"
	"landed/server/httplimit"
	"landed/server/render"
)

// Handler is every door of the house:
//
//	/tuf/        handsets: the signed feed. Before the router: a poll passes no middleware
//	/v1/reports  handsets: signed reports in
//	/v1/…        release engineers, by bearer token: console.Doors has the table
//	/            everybody: the status pages
//	/healthz     the process lives     /readyz  it can do its work, or each cause why not
//	/metrics     figures for whoever watches it, by bearer token
func (s *Server) Handler() http.Handler {
	router := s.routes()
	return httplimit.Answers(httplimit.Bodies(isUpload, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, feed.Prefix) {
			s.feed.ServeHTTP(w, r)
			return
		}
		router.ServeHTTP(w, r)
	})))
}

// isUpload is a request whose body may take hours.
func isUpload(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Path == "/v1/packages"
}

func (s *Server) routes() chi.Router {
	r := chi.NewRouter()
	r.Use(requestID, accessLog(s.cfg.Log, s.cfg.Now), recoverer(s.cfg.Log, s.fault))
	r.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	r.Get("/readyz", s.ready)
	r.With(s.guard.Require(fleet.RoleSupport)).Get("/metrics", s.metrics.Handler().ServeHTTP)
	r.Route("/v1", func(r chi.Router) {
		r.Method("POST", "/reports", native.Reports(s.cfg.Log, s.intake))
		r.Group(s.console.Routes())
		r.NotFound(render.API(s.cfg.Log, noSuchDoor).ServeHTTP)
		r.MethodNotAllowed(render.API(s.cfg.Log, wrongMethod).ServeHTTP)
	})
	r.Group(s.support.Routes())
	r.NotFound(s.support.Missing)
	r.MethodNotAllowed(render.API(s.cfg.Log, wrongMethod).ServeHTTP) // whoever does not read is a program
	return r
}

// fault answers for a fault of ours: people get a page, programs a document.
func (s *Server) fault(w http.ResponseWriter, r *http.Request, p render.Problem) {
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		render.WriteProblem(w, r, p)
		return
	}
	s.support.Problem(w, r, p)
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
