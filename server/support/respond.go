// SPDX-License-Identifier: Apache-2.0

package support

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"landed/web"
)

// view is what a handler gives: the same value is the JSON and what the page's template reads.
// The moment of asking is no part of it, so that equal figures have equal ETags.
type view any

// rendered is one answer, ready to be sent again while nothing changed.
type rendered struct {
	etag string
	body []byte
}

// responder sends what the pages say: as a page, as JSON, or as a page that helps on.
type responder struct {
	pages    *web.Pages
	locale   *web.Locale
	now      func() time.Time
	log      *slog.Logger
	notice   string
	rendered sync.Map // path → rendered: the newest answer, by its ETag
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

// page computes a view and sends it as a page, or as JSON if page is "".
//
// The ETag is weak, over the figures and the looks: "as of" may be older than the answer, but
// then nothing that the page says has changed since.
func (p *responder) page(page string, handler func(*http.Request) (view, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		guard(w.Header())
		v, err := handler(r)
		if err != nil {
			p.refuse(w, r, page == "", err)
			return
		}
		facts, err := json.Marshal(v)
		if err != nil {
			p.refuse(w, r, page == "", err)
			return
		}
		which := ""
		if list, ok := v.(*Status); ok && page != "" {
			which = list.Asked.query()
		}
		sum := sha256.Sum256(append([]byte(web.Version+page+p.notice+"?"+which), facts...))
		etag := `W/"` + hex.EncodeToString(sum[:12]) + `"`
		w.Header().Set("ETag", etag)
		w.Header().Set("Cache-Control", "no-cache")
		if matches(r.Header.Get("If-None-Match"), etag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		if page == "" {
			send(w, http.StatusOK, "application/json; charset=utf-8", p.stamp(facts))
			return
		}
		body, err := p.render(page, r.URL.Path, which, etag, v)
		if err != nil {
			p.refuse(w, r, false, err)
			return
		}
		send(w, http.StatusOK, "text/html; charset=utf-8", body)
	}
}

// render makes the page of v, or takes what was rendered when the figures were the same. Only the two
// pages that everybody polls are kept: there is one of the first and one per model of the second.
// What somebody searched for is not: there is no end to it.
func (p *responder) render(page, path, which, etag string, v view) ([]byte, error) {
	if kept, ok := p.rendered.Load(path); ok && kept.(rendered).etag == etag {
		return kept.(rendered).body, nil
	}
	var out bytes.Buffer
	if err := p.pages.Render(&out, page, shown{Notice: p.notice, AsOf: p.now(), Live: true, View: v}); err != nil {
		return nil, err
	}
	if page != "installation" && which == "" {
		p.rendered.Store(path, rendered{etag, out.Bytes()})
	}
	return out.Bytes(), nil
}

// shown is what the layout reads: the view, and what is about the answer and not its figures.
type shown struct {
	Notice string // of whoever runs the server
	AsOf   time.Time
	Live   bool // it is about figures, and follows them
	View   view
}

// stamp puts the moment of asking in front of the figures, and the notice if there is one, and
// lays them out for people.
func (p *responder) stamp(facts []byte) []byte {
	head, err := json.Marshal(struct {
		AsOf   time.Time `json:"as_of"`
		Notice string    `json:"notice,omitempty"`
	}{p.now().UTC().Truncate(time.Second), p.notice})
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
