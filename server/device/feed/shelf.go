// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"net/http"

	"landed/manifests/shelf"
	"landed/manifests/tufrepo"
)

// shelved is a file for the updaters of others: a text in memory, as it lies in the folder, or another name of a target.
type shelved struct {
	text   *entry
	stored string // of the target, below targets
	typ    string
}

// Shelve swaps in the files for the updaters of others, by path. What is not among them is withdrawn.
func (h *Handler) Shelve(files map[string]shelf.File) {
	last, next := *h.shelf.Load(), make(map[string]shelved, len(files))
	for path, f := range files {
		if f.Target != nil {
			next[path] = shelved{stored: tufrepo.StoredTarget(f.Target.Path, f.Target.SHA256), typ: f.Type}
			continue
		}
		if had := last[path]; had.text != nil && had.typ == f.Type && string(had.text.plain.body) == f.Content() {
			next[path] = had
			continue
		}
		next[path] = shelved{text: newShelved(f.Content(), f.Type), typ: f.Type}
	}
	h.shelf.Store(&next)
}

// Shelf answers GET and HEAD for a file of the shelf, by its path. If it is not there, none is answered as JSON; without
// none, nothing is, and it is false. All names may change their content, so caches have to ask each time, by the ETag, which
// is the digest of the bytes. Nothing is compressed: that a list is as long as it looks is a rule of some clients.
func (h *Handler) Shelf(w http.ResponseWriter, r *http.Request, path, none string) bool {
	behind := false
	if newest := h.newest.Load(); newest != nil {
		behind = (*newest)(r.Context()) != nil
	}
	file, is := (*h.shelf.Load())[path]
	switch {
	case !is && none == "":
		return false
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "This is only read: GET or HEAD.", http.StatusMethodNotAllowed)
		h.tally.count(legacy, http.StatusMethodNotAllowed)
	case behind:
		w.Header().Set("Cache-Control", cacheNever)
		http.Error(w, "This server is behind others of its cluster; ask again.", http.StatusServiceUnavailable)
		h.tally.count(legacy, http.StatusServiceUnavailable)
	case is && file.text != nil:
		h.tally.count(legacy, file.text.serve(w, r))
	case is:
		part := &seen{ResponseWriter: w}
		h.serveTarget(part, r, file.stored, given{revalidate, file.typ})
		h.tally.count(legacy, part.answered())
	default:
		h.tally.count(legacy, newShelved(none, shelf.JSON).serve(w, r))
	}
	return true
}

func newShelved(text, typ string) *entry {
	return &entry{cache: []string{revalidate}, typ: []string{typ}, plain: newForm([]byte(text), digest([]byte(text)), false)}
}
