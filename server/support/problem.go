// SPDX-License-Identifier: Apache-2.0

package support

import (
	"bytes"
	"net/http"
	"strings"

	"landed/server/fleet"
	"landed/server/render"
)

// refuse answers with what went wrong: a problem document, or a page that helps on.
func (s *Support) refuse(w http.ResponseWriter, r *http.Request, asJSON bool, err error) {
	if r.Context().Err() != nil {
		return // the reader has gone
	}
	p := render.ProblemOf(err)
	p.Request = w.Header().Get(render.RequestID)
	if p.Status >= http.StatusInternalServerError {
		// No path: a reference may stand in it; the access log has the route.
		s.log.ErrorContext(r.Context(), "request failed", "request", p.Request, "method", r.Method, "err", err)
	}
	if asJSON {
		render.WriteProblem(w, r, p)
		return
	}
	s.Problem(w, r, p)
}

// Problem answers p as a page that helps on.
func (s *Support) Problem(w http.ResponseWriter, r *http.Request, p render.Problem) {
	guard(w.Header())
	key := "problem." + p.Code
	if !s.words.Has(key + ".title") {
		key = "problem.internal"
	}
	v := problemView{
		Title: s.words.Say(key+".title", nil), Help: s.words.Say(key+".help", nil),
		Ref: clean(r.PathValue("ref")), Lookup: p.Status == http.StatusNotFound,
	}
	if p.Status >= http.StatusInternalServerError { // a typing mistake is no case for whoever runs the server
		v.Request = p.Request
	}
	var out bytes.Buffer
	if err := s.pages.Render(&out, "problem", shown{Notice: s.notice, View: v}); err != nil {
		http.Error(w, v.Title+"\n\n"+v.Help, p.Status)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	send(w, p.Status, "text/html; charset=utf-8", out.Bytes())
}

// Missing answers for every address that leads nowhere: with the way to the status and to the
// look-up, in the looks of the other pages.
func (s *Support) Missing(w http.ResponseWriter, r *http.Request) {
	err := fleet.Errorf(fleet.NotFound, "not_found", "there is nothing under this address")
	s.refuse(w, r, strings.HasSuffix(r.URL.Path, ".json"), err)
}

type problemView struct {
	Title, Help, Request string
	Ref                  string // what was asked for, to be mended in the form
	Lookup               bool
}

// Doc is the title of the page in the browser.
func (p problemView) Doc() string { return p.Title }
