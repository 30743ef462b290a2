// SPDX-License-Identifier: Apache-2.0

// Package web holds what people see: page templates, the style sheet and the live script, and
// every sentence, by language.
//
// Parties: the doors hand in a plain view and a page name, a browser reads the answer. It
// promises that pages are whole without JavaScript, load nothing from elsewhere, and carry no
// inline style or script, so that the strictest Content-Security-Policy fits; that what a view
// says is escaped; and that a static file's name changes with its content. It refuses to read
// stores or clocks: templates see only their view.
package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"sync"
	"time"
)

//go:embed templates static locales
var files embed.FS

// Pages are the templates of every page, in one language.
type Pages struct {
	locale *Locale
	pages  map[string]*template.Template
	drawn  drawn
}

// NewPages parses every page against the sentences of l, with addresses by links. Each file of templates/ that defines
// "main" is a page by its name; layout.html and parts.html are common to all.
func NewPages(l *Locale, links Links) (*Pages, error) {
	p := &Pages{locale: l, pages: map[string]*template.Template{}}
	own := template.FuncMap{"drawn": p.drawings}
	common, err := template.New("layout.html").Funcs(funcs(l, links)).Funcs(own).ParseFS(files, "templates/layout.html",
		"templates/parts.html")
	if err != nil {
		return nil, fmt.Errorf("page templates: %w", err)
	}
	entries, err := files.ReadDir("templates")
	if err != nil {
		return nil, fmt.Errorf("page templates: %w", err)
	}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".html")
		if name == "layout" || name == "parts" {
			continue
		}
		page, err := template.Must(common.Clone()).ParseFS(files, "templates/"+e.Name())
		if err != nil {
			return nil, fmt.Errorf("page %s: %w", name, err)
		}
		p.pages[name], p.drawn.from = page, page // what is drawn alone is in parts.html, which all of them have
	}
	return p, nil
}

// drafts are buffers that pages are written into before they are marked: a long one grows its own again and again.
var drafts = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// Render writes one page, with elements for the marks in what its view says. An unknown name or a view that does not fit
// is an error, and nothing is written then.
func (p *Pages) Render(w io.Writer, name string, view any) error {
	page, ok := p.pages[name]
	if !ok {
		return fmt.Errorf("there is no page %q", name)
	}
	out := drafts.Get().(*bytes.Buffer)
	defer drafts.Put(out)
	out.Reset()
	if err := page.ExecuteTemplate(out, "layout.html", view); err != nil {
		return fmt.Errorf("render page %s: %w", name, err)
	}
	_, err := w.Write(tied(marked(out.Bytes())))
	return err
}

// AsOf writes of which moment the figures of a page are, as its layout has it: the page may stand for longer than that.
func (p *Pages) AsOf(at time.Time) ([]byte, error) {
	var out bytes.Buffer
	for _, page := range p.pages {
		err := page.ExecuteTemplate(&out, "asof", at)
		return out.Bytes(), err
	}
	return nil, fmt.Errorf("there are no pages")
}

// funcs are what page templates may call besides the methods of their view.
func funcs(l *Locale, links Links) template.FuncMap {
	return template.FuncMap{
		"say":      func(key string, data ...any) string { return l.Say(key, first(data)) },
		"lang":     func() string { return l.Tag },
		"n":        l.Number,
		"bytes":    l.Bytes,
		"share":    l.Share,
		"shared":   l.shared,
		"between":  l.between,
		"when":     l.When,
		"percent":  l.Percent,
		"bits":     func(b float64) string { return l.decimal(b, 1) },
		"language": nameOf,
		"mark":     l.Mark,
		"written":  l.Written,
		"list":     func(all ...any) []any { return all },
		"action":   l.action,
		"moment":   momentOf,
		"bar":      bar, "parts": l.parts, "asset": links.Asset, "link": links.link,
		"series": l.series, "texture": texture, "swatch": swatch, "value": l.value,
		"iso": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	}
}

func first(data []any) any {
	if len(data) == 0 {
		return nil
	}
	return data[0]
}
