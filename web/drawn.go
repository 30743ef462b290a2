// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"fmt"
	"html/template"
	"sync"
)

// mostDrawn is how many pieces are kept young, and as many old: more than a long line-up has models, each in some ways.
const mostDrawn = 2000

// drawn has pieces of pages that were drawn, for those that have them again: of a long line-up, most cards are on the next page as they
// were on the last.
type drawn struct {
	from       *template.Template
	mu         sync.Mutex
	young, old map[piece]template.HTML // the old are those that nobody had since the young ones began
}

// piece is a part of a page, of something that is said under a number, in one of the ways that there are to draw it.
type piece struct {
	name string
	said int64
	how  string
}

// drawing executes a template of parts.html with a list of what and how. Under a number that is not 0 it does so once: the number must
// be another one whenever anything in what is.
func (p *Pages) drawing(name string, said int64, what any, how ...any) (template.HTML, error) {
	d, key := &p.drawn, piece{name, said, fmt.Sprint(how...)}
	if said != 0 {
		d.mu.Lock()
		had, ok := d.have(key)
		d.mu.Unlock()
		if ok {
			return had, nil
		}
	}
	var out bytes.Buffer
	if err := d.from.ExecuteTemplate(&out, name, append([]any{what}, how...)); err != nil {
		return "", err
	}
	now := template.HTML(out.String()) // a template made it, and escaped what is in it
	if said != 0 {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.keep(key, now)
	}
	return now, nil
}

func (d *drawn) have(k piece) (template.HTML, bool) {
	if had, ok := d.young[k]; ok {
		return had, true
	}
	had, ok := d.old[k]
	if ok {
		d.keep(k, had)
	}
	return had, ok
}

func (d *drawn) keep(k piece, made template.HTML) {
	if d.young == nil || len(d.young) >= mostDrawn {
		d.old, d.young = d.young, map[piece]template.HTML{}
	}
	d.young[k] = made
}
