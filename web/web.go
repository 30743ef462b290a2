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
	"embed"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"strings"
	"time"
)

//go:embed templates static locales
var files embed.FS

// Pages are the templates of every page, in one language.
type Pages struct {
	locale *Locale
	pages  map[string]*template.Template
}

// NewPages parses every page against the sentences of l. Each file of templates/ that defines
// "main" is a page by its name; layout.html and parts.html are common to all.
func NewPages(l *Locale) (*Pages, error) {
	common, err := template.New("layout.html").Funcs(funcs(l)).ParseFS(files, "templates/layout.html",
		"templates/parts.html")
	if err != nil {
		return nil, fmt.Errorf("page templates: %w", err)
	}
	entries, err := files.ReadDir("templates")
	if err != nil {
		return nil, fmt.Errorf("page templates: %w", err)
	}
	p := &Pages{locale: l, pages: map[string]*template.Template{}}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".html")
		if name == "layout" || name == "parts" {
			continue
		}
		page, err := template.Must(common.Clone()).ParseFS(files, "templates/"+e.Name())
		if err != nil {
			return nil, fmt.Errorf("page %s: %w", name, err)
		}
		p.pages[name] = page
	}
	return p, nil
}

// Render writes one page. An unknown name or a view that does not fit is an error; what was
// written until then is not a page, so render into a buffer.
func (p *Pages) Render(w io.Writer, name string, view any) error {
	page, ok := p.pages[name]
	if !ok {
		return fmt.Errorf("there is no page %q", name)
	}
	if err := page.ExecuteTemplate(w, "layout.html", view); err != nil {
		return fmt.Errorf("render page %s: %w", name, err)
	}
	return nil
}

// funcs are what page templates may call besides the methods of their view.
func funcs(l *Locale) template.FuncMap {
	return template.FuncMap{
		"say":      func(key string, data ...any) string { return l.Say(key, first(data)) },
		"lang":     func() string { return l.Tag },
		"n":        l.Number,
		"bytes":    l.Bytes,
		"share":    l.Share,
		"when":     l.When,
		"percent":  l.Percent,
		"bits":     func(b float64) string { return strconv.FormatFloat(b, 'f', 1, 64) },
		"language": l.language,
		"list":     func(all ...any) []any { return all },
		"action":   l.action,
		"bar":      bar, "parts": l.parts, "asset": Asset,
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
