// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"fmt"
	"html/template"
	"strings"
	"sync"
)

// mostDrawn is how many pieces are kept young, and as many old: more than a long line-up has models, each in some ways.
const mostDrawn = 2000

// drawn has pieces of pages that were drawn, for those that have them again: of a long line-up, most cards are on the next page as they
// were on the last.
type drawn struct {
	from       *template.Template
	mu         sync.Mutex
	young, old map[drawing]template.HTML // the old are those that nobody had since the young ones began
}

// drawing is a part of a page, of something that is said under a number, in one of the ways that there are to draw it.
type drawing struct {
	name string
	said int64
	how  string
}

// Piece is what one part of a page is drawn from. Under a number that is not 0 that is done once: the number must be another one whenever
// anything in What is.
type Piece struct {
	Said int64
	What any
}

// drawings executes a template of parts.html for each piece, with a list of it and how, a line each.
func (p *Pages) drawings(name string, all []Piece, how ...any) (template.HTML, error) {
	var out strings.Builder
	in := drawing{name: name, how: fmt.Sprint(how...)}
	for _, one := range all {
		in.said = one.Said
		html, err := p.drawing(in, one.What, how)
		if err != nil {
			return "", err
		}
		out.WriteString(string(html))
		out.WriteByte('\n')
	}
	return template.HTML(out.String()), nil
}

func (p *Pages) drawing(in drawing, what any, how []any) (template.HTML, error) {
	d := &p.drawn
	if in.said != 0 {
		d.mu.Lock()
		had, ok := d.have(in)
		d.mu.Unlock()
		if ok {
			return had, nil
		}
	}
	var out bytes.Buffer
	if err := d.from.ExecuteTemplate(&out, in.name, append([]any{what}, how...)); err != nil {
		return "", err
	}
	now := template.HTML(out.String()) // a template made it, and escaped what is in it
	if in.said != 0 {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.keep(in, now)
	}
	return now, nil
}

func (d *drawn) have(k drawing) (template.HTML, bool) {
	if had, ok := d.young[k]; ok {
		return had, true
	}
	had, ok := d.old[k]
	if ok {
		d.keep(k, had)
	}
	return had, ok
}

func (d *drawn) keep(k drawing, made template.HTML) {
	if d.young == nil || len(d.young) >= mostDrawn {
		d.old, d.young = d.young, map[drawing]template.HTML{}
	}
	d.young[k] = made
}
