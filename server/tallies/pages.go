// SPDX-License-Identifier: Apache-2.0

package tallies

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"landed/manifests/tally"
	"landed/server/fleet"
	"landed/server/recount"
)

// page is a public page as programs read it.
type page struct {
	path string
	text []byte
}

// pages are the public pages as they are at the moment, made by the code that makes those of now. One that shows another
// number than the tally has is not signed: somebody published meanwhile, and the next tick looks anew.
func (r *Room) pages(ctx context.Context, t tally.Tally, m *moment) (all []page, err error) {
	door, err := r.Pages(frozen{r.View, m.figures}, m.at)
	if err != nil {
		return nil, err
	}
	paths := []string{"status.json", "releases.json"}
	for _, is := range m.releases.Readable {
		paths = append(paths, "releases/"+is.Name+".json")
	}
	for _, path := range paths {
		asked, err := http.NewRequestWithContext(ctx, http.MethodGet, "/"+(&url.URL{Path: path}).EscapedPath(), nil)
		if err != nil {
			return nil, err
		}
		answer := &recorder{header: http.Header{}, status: http.StatusOK}
		door.ServeHTTP(answer, asked)
		if answer.status != http.StatusOK {
			return nil, fmt.Errorf("the page %s answers %d", path, answer.status)
		}
		text := answer.body.Bytes()
		if err := recount.Page(t, path, text); err != nil {
			return nil, fmt.Errorf("the page %s: %w", path, err)
		}
		all = append(all, page{path, text})
	}
	slices.SortFunc(all, func(a, b page) int { return cmp.Compare(a.path, b.path) })
	return all, nil
}

// recorder keeps an answer.
type recorder struct {
	header http.Header
	body   bytes.Buffer
	status int
}

func (r *recorder) Header() http.Header            { return r.header }
func (r *recorder) WriteHeader(status int)         { r.status = status }
func (r *recorder) Write(text []byte) (int, error) { return r.body.Write(text) }

// frozen views the store with the figures of a moment.
type frozen struct {
	fleet.Viewer
	figures recount.Figures
}

// View implements fleet.Viewer.
func (f frozen) View(ctx context.Context, fn func(fleet.Tx) error) error {
	return f.Viewer.View(ctx, func(tx fleet.Tx) error { return fn(frozenTx{tx, f.figures}) })
}

type frozenTx struct {
	fleet.Tx
	figures recount.Figures
}

// Counts are those of the moment.
func (t frozenTx) Counts() fleet.CountsTable { return frozenCounts{t.Tx.Counts(), t.figures} }

// frozenCounts has what pages ask for.
type frozenCounts struct {
	fleet.CountsTable
	figures recount.Figures
}

// List implements fleet.CountsTable.
func (c frozenCounts) List(context.Context) ([]fleet.Counts, error) { return c.figures.Cells, nil }

// Totals implements fleet.CountsTable.
func (c frozenCounts) Totals(context.Context) ([]fleet.Counts, error) { return c.figures.Totals, nil }
