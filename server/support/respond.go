// SPDX-License-Identifier: Apache-2.0

package support

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"landed/server/render"
	"landed/web"
)

// view is what a handler gives: the same value is the JSON and what the page's template reads.
// The moment of asking is no part of it, so that equal figures have equal ETags.
type view any

// responder sends what the pages say: as a page, as JSON, or as a page that helps on.
type responder struct {
	pages  *web.Pages
	locale *web.Locale
	links  web.Links
	others []web.Language // with that of locale
	now    func() time.Time
	log    *slog.Logger
	notice string
	origin string // of whole addresses, such as https://ota.example; "" is not known
	kept   *kept
}

// direct answers by a handler of its own, and for its errors.
func (p *responder) direct(handler func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		guard(w.Header())
		if err := handler(w, r); err != nil {
			p.refuse(w, r, false, err)
		}
	}
}

// handler computes what a page says.
type handler func(*http.Request) (view, error)

// page sends a view as a page, or as JSON if page is "". It is computed by the handler that decides, and given again
// to all who ask while it is what that would say (kept).
//
// The ETag is weak, over all that the page says but "as of": that may be older than the answer, but
// then nothing that it says has changed since. Whoever asks for a day is told that it has none.
func (p *responder) page(page string, readers readers, handler handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "" && r.URL.Query().Has(onDay) {
			p.refuse(w, r, page == "", noDays(p.links))
			return
		}
		p.answer(w, r, p.keyOf(page, readers, r), readers, handler)
	}
}

// dated is page for a view that is there of each day, too, for whoever asks for one.
func (p *responder) dated(page string, readers readers, handler, then handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		k := p.keyOf(page, readers, r)
		if q := r.URL.Query(); q.Has(onDay) {
			k.on = "?" + clip(q.Get(onDay), longestDay)
			p.answer(w, r, k, oneReader, then)
			return
		}
		p.answer(w, r, k, readers, handler)
	}
}

func (p *responder) answer(w http.ResponseWriter, r *http.Request, k key, readers readers, handler handler) {
	page := k.page
	guard(w.Header())
	w.Header().Set("Content-Language", p.locale.Tag)
	now, err := p.kept.of(r, k, readers, func(r *http.Request) (*answer, error) { return p.compute(k, handler, r) })
	if err != nil {
		p.refuse(w, r, page == "", err)
		return
	}
	list, lists := now.view.(listing)
	which, of := "", asked{}
	if _, form := forms[page]; lists && page != "" && !form && now.day == nil {
		of = list.heeded(askedOf(r.URL.Query()))
		which = of.query()
	}
	etag := now.etag(which)
	w.Header().Set("ETag", etag)
	if w.Header().Get("Cache-Control") == "" {
		w.Header().Set("Cache-Control", "no-cache")
	}
	w.Header().Set(asOfHeader, now.body.moment(p).UTC().Format(time.RFC3339))
	if matches(r.Header.Get("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	sent := &now.body
	if which != "" { // what somebody searched for is not kept: there is no end to it
		sent = &body{of: now}
		if err := p.kept.turn(r, oneReader, func() error {
			return sent.html(p, page, "/?"+which, list.asking(of))
		}); err != nil {
			p.refuse(w, r, false, err)
			return
		}
	}
	p.send(w, r, page, sent)
}

// listing is a view of which a reader may ask for a part.
type listing interface {
	heeded(asked) asked
	asking(asked) view
}

// asOfHeader is of which moment the figures are, also of an answer that says that they are what they were.
const asOfHeader = "Landed-As-Of"

// send gives a body out, small for whoever takes that; it was made small once for all of them.
func (p *responder) send(w http.ResponseWriter, r *http.Request, page string, sent *body) {
	kind := "text/html; charset=utf-8"
	if page == "" {
		kind = "application/json; charset=utf-8"
	}
	if f, ok := forms[page]; ok {
		kind = f.kind
		if f.name != nil {
			w.Header().Set("Content-Disposition", `attachment; filename="`+f.name(p.links.Local(r.URL.Path), sent.moment(p))+`"`)
		}
	}
	small := render.WantsGzip(r.Header["Accept-Encoding"]) && r.Header.Get("Range") == ""
	if small {
		w.Header().Set("Content-Encoding", "gzip")
	}
	send(w, http.StatusOK, kind, sent.bytes(p, small))
}

// compute makes the answer to a request.
func (p *responder) compute(k key, handler handler, r *http.Request) (*answer, error) {
	v, err := handler(r)
	if err != nil {
		return nil, err
	}
	a, looks := &answer{view: v, day: dayOf(v)}, []byte(web.Version+k.page+p.notice+"?"+k.tag+"?"+p.links.To("/"))
	if a.day != nil {
		a.body.at = a.day.At
	}
	form, ok := forms[k.page]
	if k.page != "" && !ok {
		if err := a.body.html(p, k.page, k.here(), v); err != nil {
			return nil, err
		}
		before, after := a.body.says()
		a.whole, a.size = etagOf(looks, before, after), 3*len(a.body.plain) // as it is, with another moment in it, and small
		if _, ok := v.(listing); ok {
			a.size += len(a.body.plain) // the view stays with it
		}
		return a, nil
	}
	facts, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	facts = web.Plain(facts)
	a.size = 6 * len(facts) // as they are, with a line for each, and small; or the view, and what is made of it
	if a.whole = etagOf(looks, facts); ok {
		a.body.made = func(at time.Time) []byte { return form.make(p, v, at) }
	} else {
		a.body.facts = facts
	}
	return a, nil
}

// shown is what the layout reads: the view, and what is about the answer and not its figures.
type shown struct {
	Notice    string    // of whoever runs the server
	Languages []inOther // the same page in every language; none where there is one
	AsOf      time.Time
	Live      bool // it is about figures, and follows them
	Retry     bool // it is no page of figures yet, and looks again by itself
	View      view
}

// stamp puts the moment of asking and the language in front of the figures, and the notice if there is one, and lays
// them out for people.
func (p *responder) stamp(facts []byte, at time.Time) []byte {
	head, err := json.Marshal(struct {
		AsOf     time.Time `json:"as_of"`
		Language string    `json:"language"`
		Notice   string    `json:"notice,omitempty"`
	}{at.UTC().Truncate(time.Second), p.locale.Tag, p.notice})
	if err != nil {
		panic(err) // a moment and a text
	}
	var out bytes.Buffer
	head[len(head)-1] = ','
	if err := json.Indent(&out, append(head, facts[1:]...), "", "  "); err != nil {
		panic(err) // it was marshalled a moment ago
	}
	out.WriteByte('\n')
	return out.Bytes()
}

// guard sets what every answer of this door carries: nothing from elsewhere, no frames, no
// guessing of types, and no reference in a Referer.
func guard(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "+
		"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
}

func send(w http.ResponseWriter, code int, kind string, body []byte) {
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(code)
	_, _ = w.Write(body) // the reader has gone; nobody is left to tell
}

// matches compares weakly (RFC 9110, 13.1.2).
func matches(ifNoneMatch, etag string) bool {
	for candidate := range strings.SplitSeq(ifNoneMatch, ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || (candidate != "" && strings.TrimPrefix(candidate, "W/") == strings.TrimPrefix(etag, "W/")) {
			return true
		}
	}
	return false
}
