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
func (p *responder) refuse(w http.ResponseWriter, r *http.Request, asJSON bool, err error) {
	if r.Context().Err() != nil {
		return // the reader has gone
	}
	problem := render.ProblemOf(err)
	problem.Request = w.Header().Get(render.RequestID)
	if problem.Status >= http.StatusInternalServerError {
		// No path: a reference may stand in it; the access log has the route.
		p.log.ErrorContext(r.Context(), "request failed", "request", problem.Request, "method", r.Method, "err", err)
	}
	if asJSON {
		render.WriteProblem(w, r, problem)
		return
	}
	p.problem(w, r, problem)
}

// problem answers as a page that helps on.
func (p *responder) problem(w http.ResponseWriter, r *http.Request, is render.Problem) {
	guard(w.Header())
	w.Header().Set("Content-Language", p.locale.Tag)
	key := "problem." + is.Code
	switch {
	case p.locale.Has(key + ".title"):
	case is.Status == http.StatusServiceUnavailable && strings.HasSuffix(is.Code, "_busy"):
		key = "problem.busy"
	case is.Status == http.StatusRequestEntityTooLarge:
		key = "problem.search_unreadable"
	default:
		key = "problem.internal"
	}
	v := problemView{
		Title: p.locale.Say(key+".title", nil), Help: p.locale.Say(key+".help", nil),
		Lookup: is.Status == http.StatusNotFound || is.Code == errPersonalCode,
		Home:   p.links.Local(r.URL.Path) != "/",
	}
	if ref := r.PathValue("ref"); !private(ref) {
		v.Ref = clean(ref)
	}
	if is.Code == errUnnamedCode {
		v.Find = &asked{Order: askedOf(r.PostForm).Order}
	}
	here, on := p.whereFrom(r), ""
	if day := r.URL.Query().Get(onDay); aDay(day) { // the same in another language, or again
		on = "?" + onDay + "=" + day
	}
	if days, ok := is.More[nearestDays].([]string); ok {
		v.Lookup, v.Home = false, true
		for _, day := range days {
			v.Days = append(v.Days, OneDay{day, p.links.To(here + "?" + onDay + "=" + day)})
		}
	}
	passes := is.Status >= http.StatusInternalServerError
	if passes { // a typing mistake is no case for whoever runs the server
		v.Request, v.Again = is.Request, p.links.To(here+on)
	}
	var out bytes.Buffer
	whole := shown{Notice: p.notice, Languages: p.inOthers(here + on), Retry: passes, View: v}
	if err := p.pages.Render(&out, "problem", whole); err != nil {
		http.Error(w, v.Title+"\n\n"+v.Help, is.Status)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	send(w, is.Status, "text/html; charset=utf-8", out.Bytes())
}

// missing answers for every address that leads nowhere: a program, by its address or by what it accepts, with a
// document.
func (p *responder) missing(w http.ResponseWriter, r *http.Request) {
	err := fleet.Errorf(fleet.NotFound, "not_found", "there is nothing under this address")
	w.Header().Add("Vary", "Accept")
	p.refuse(w, r, strings.HasSuffix(r.URL.Path, ".json") || render.WantsJSON(r.Header["Accept"]), err)
}

type problemView struct {
	Title, Help, Request string
	Ref                  string // what was asked for, to be mended in the form
	Lookup               bool
	Find                 *asked // the form for models, too; nil: not
	Again                string // address to ask for again, if it may be there in a minute; else ""
	Home                 bool   // the status page is another one
	Days                 []OneDay
}

// Doc is the title of the page in the browser.
func (p problemView) Doc() string { return p.Title }
