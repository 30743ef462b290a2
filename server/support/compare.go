// SPDX-License-Identifier: Apache-2.0

package support

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"landed/server/fleet"
	"landed/web"
)

// Compared are models and releases side by side: the same pictures on the same axes. It is the page /compare/{names}, and
// without names the list to choose from.
type Compared struct {
	Items    []ComparedItem
	Models   []Choosable
	Releases []Choosable

	title string
}

// ComparedItem is a model or a release.
type ComparedItem struct {
	Name, Path string
	Badge      string   // of a model
	Standing   Standing // of a model
	Charts     []web.Series
}

// Choosable is what may be compared.
type Choosable struct {
	Value, Name string
	Chosen      bool
}

// comparedMost bounds what stands side by side: each is read by itself.
const comparedMost = 12

// comparePages compare.
type comparePages struct {
	series seriesPages
	locale *web.Locale
}

// Doc is the title of the page in the browser.
func (v *Compared) Doc() string { return v.title }

// form leads from what was chosen to its address.
func (p comparePages) form(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		names := oneForm(q["of"])
		if len(names) == 0 || q.Has(onDay) {
			next(w, r)
			return
		}
		p.lead(w, r, names[:min(len(names), comparedMost)])
	}
}

// sorted leads from any order of names, and from names that are there twice, to the one address of what stands there: whoever makes up
// more of them has nothing computed.
func (p comparePages) sorted(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		asked := strings.Split(r.PathValue("names"), ",")
		names := oneForm(asked)
		if len(names) == 0 || slices.Equal(names, asked) || r.URL.Query().Has(onDay) {
			next(w, r)
			return
		}
		p.lead(w, r, names)
	}
}

// oneForm is in what order names stand in an address, and each once.
func oneForm(names []string) []string {
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == "" })
	slices.Sort(names)
	return slices.Compact(names)
}

func (p comparePages) lead(w http.ResponseWriter, r *http.Request, names []string) {
	escaped := make([]string, len(names))
	for i, name := range names {
		escaped[i] = url.PathEscape(name)
	}
	guard(w.Header())
	http.Redirect(w, r, p.series.says.links.To("/compare/"+strings.Join(escaped, ",")), http.StatusSeeOther)
}

func (p comparePages) show(r *http.Request) (view, error) {
	v := &Compared{title: p.locale.Say("compare.title", nil)}
	var names []string
	if of := r.PathValue("names"); of != "" {
		names = strings.Split(of, ",")
	}
	if len(names) > comparedMost {
		return nil, unknownModel()
	}
	err := p.series.evidence.with(r.Context(), func(tx fleet.Tx, snap *snapshot) error {
		now := p.series.evidence.now()
		for _, device := range snap.models {
			m := p.series.says.unreleased(device)
			v.Models = append(v.Models, Choosable{m.Role, m.Product, slices.Contains(names, m.Role)})
		}
		for _, is := range snap.releases {
			v.Releases = append(v.Releases, Choosable{is.Name, is.Name, slices.Contains(names, is.Name)})
		}
		var all []*Series
		for _, name := range names {
			item := ComparedItem{Name: name}
			var s *Series
			var err error
			if is := snap.release(name); is != nil {
				item.Path = p.series.says.links.To("/releases/" + url.PathEscape(name))
				s, err = p.series.says.chronicle().releaseSeries(r.Context(), tx, snap, now, is, p.series.releases.page(snap, is).Totals)
			} else if known, ok := p.series.lineup.catalogue().ByRole(name); ok && slices.Contains(snap.models, known.Device) {
				m := p.series.says.today(snap, known.Device)
				item.Name, item.Path, item.Badge, item.Standing = m.Product, p.series.says.links.To("/models/"+m.Role), m.Badge, m.Standing
				s, err = p.series.says.chronicle().modelSeries(r.Context(), tx, snap, now, m)
			} else {
				return unknownModel()
			}
			if err != nil {
				return err
			}
			v.Items, all = append(v.Items, item), append(all, s)
		}
		p.draw(v.Items, all)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// draw gives each the same pictures, from the first moment of any to the last.
func (p comparePages) draw(items []ComparedItem, all []*Series) {
	var from, until time.Time
	for _, s := range all {
		first, last := s.Points[0].At, s.Points[len(s.Points)-1].At
		if from.IsZero() || first.Before(from) {
			from = first
		}
		if last.After(until) {
			until = last
		}
	}
	of := func(p Point) int64 { return p.Installations }
	for n, s := range all {
		d := p.series.says.chronicle()
		marks := d.marked(s)
		kinds := d.shares(s.Points, "shares", marks, of)
		steps := d.sharesOf(s.Points, "ways", marks, of, d.stepLayers(s.Points, of))
		for _, c := range []web.Series{kinds, steps} {
			c.ID += "-" + items[n].Path[strings.LastIndex(items[n].Path, "/")+1:]
			c.From, c.Until, c.Small = from, until, true
			items[n].Charts = append(items[n].Charts, c)
		}
	}
}
