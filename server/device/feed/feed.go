// SPDX-License-Identifier: Apache-2.0

// Package feed serves the signed feed: a TUF repository of static files, the same bytes for
// every handset.
//
// Parties: handsets, caches and mirrors ask; package publish writes the folder and hands over
// the metadata of each publication. It promises ETags that a handset can compute by itself, conditional and range
// requests, immutable caching of everything but timestamp.json, and one conditional request per poll that costs
// little more than the network: the current metadata lies in memory with its header values made beforehand. Whoever
// asks for gzip gets current metadata as it was compressed once, when it was published. It refuses builds that are
// not published (any more), content of another length than was signed, listings of folders, and compression of
// packages, and it keeps no log of who asked: it counts answers.
package feed

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"strings"
	"sync/atomic"

	"landed/server/blob"
)

// Prefix is where the feed lies below the root of the server.
const Prefix = "/tuf/"

const (
	metadataDir = "metadata/"
	targetsDir  = "targets/"
	talliesDir  = "tally/"  // below metadataDir
	buildsDir   = "builds/" // below targetsDir
)

// Handler serves the feed below [Prefix]. It is mounted before the router: a poll passes no
// middleware, and the ResponseWriter it gets can use sendfile as that of net/http can.
type Handler struct {
	dir    string
	root   atomic.Pointer[os.Root] // the feed folder
	blobs  blob.Store
	listed atomic.Pointer[map[string]*entry] // path below Prefix → metadata held in memory
	target atomic.Pointer[func(string) bool]
	length atomic.Pointer[func(string) (int64, bool)]
	shelf  atomic.Pointer[map[string]shelved] // files for the updaters of others, by path
	tally  tally
	newest atomic.Pointer[func(context.Context) error]
	asked  atomic.Pointer[func(context.Context, string) ([]byte, bool, error)]
}

// New serves the folder dir, with its two folders metadata and targets. One that is not there is made: the next
// publication fills it. If blobs is not nil,
// targets that are not in the folder but are published are read from there.
func New(dir string, blobs blob.Store) (*Handler, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	h := &Handler{dir: dir, blobs: blobs}
	h.root.Store(root)
	h.listed.Store(&map[string]*entry{})
	h.shelf.Store(&map[string]shelved{})
	none := func(string) bool { return false }
	h.target.Store(&none)
	return h, nil
}

// Lengths has targets of another length than length says kept back: they are damaged. It is asked for each download.
func (h *Handler) Lengths(length func(stored string) (bytes int64, published bool)) {
	h.length.Store(&length)
}

// Newest has what may have changed asked for before it is answered: newest publishes what is newer than what lies here, or
// says why what lies here must not be given away as the newest. It is called with each request for anything but an old
// file in memory.
func (h *Handler) Newest(newest func(context.Context) error) { h.newest.Store(&newest) }

// Asked has files of metadata be asked for, by their path below that: those of tallies before the folder is looked at, since what one
// server publishes is given by all of them at once, and others that are not in it, which may be younger than they. known is false
// of what only the folder may have; the error of a file that is not there is fs.ErrNotExist.
func (h *Handler) Asked(file func(ctx context.Context, name string) (text []byte, known bool, err error)) {
	h.asked.Store(&file)
}

// Close lets go of the folder.
func (h *Handler) Close() error { return h.root.Load().Close() }

// follow opens the folder again if it is another one now: somebody took it away, and it was written anew.
func (h *Handler) follow() {
	mine, err := h.root.Load().Stat(".")
	there, err2 := os.Stat(h.dir)
	if err2 != nil || err == nil && os.SameFile(mine, there) {
		return
	}
	if root, err := os.OpenRoot(h.dir); err == nil {
		_ = h.root.Swap(root).Close() // what was opened in it can be read to its end
	}
}

// Publish swaps in the newest metadata, by file name ("timestamp.json", "7.snapshot.json"),
// and the test whether a target's stored path (below targets) is published. All files are in
// the folder before it is called: a reader that still has the old timestamp finds them there.
func (h *Handler) Publish(metadata map[string][]byte, published func(stored string) bool) {
	h.follow()
	last := *h.listed.Load()
	next := make(map[string]*entry, len(metadata))
	var gzip packer
	for name, body := range metadata {
		name = metadataDir + name
		if e := last[name]; e != nil && bytes.Equal(e.plain.body, body) {
			next[name] = e // most files outlive a publication
			continue
		}
		e := newEntry(body, name == metadataDir+"timestamp.json")
		if packed := gzip.pack(body); packed != nil {
			e.pack(packed)
		}
		next[name] = e
	}
	h.target.Store(&published)
	h.listed.Store(&next)
}

// stale brings what lies here up, if somebody else may have published, and says if that failed for what a client takes as
// the newest: the timestamp, and whether there is another root.
func (h *Handler) stale(r *http.Request, name string) bool {
	newest := h.newest.Load()
	moves := name == metadataDir+"timestamp.json" || strings.HasSuffix(name, ".root.json")
	if newest == nil || !moves && (*h.listed.Load())[name] != nil {
		return false
	}
	return (*newest)(r.Context()) != nil && moves
}

// ServeHTTP answers GET and HEAD below [Prefix].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "The feed is only read: GET or HEAD.", http.StatusMethodNotAllowed)
		h.tally.count(others, http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(r.URL.Path, Prefix)
	if h.stale(r, name) {
		w.Header().Set("Cache-Control", cacheNever)
		http.Error(w, "This server is behind others of its cluster; ask again.", http.StatusServiceUnavailable)
		return
	}
	if e := (*h.listed.Load())[name]; e != nil {
		h.tally.count(e.kind(), e.serve(w, r))
		return
	}
	file := &seen{ResponseWriter: w}
	kind := h.serveFile(file, r, name)
	h.tally.count(kind, file.answered())
	if status := file.answered(); kind == targets && (status == http.StatusOK || status == http.StatusPartialContent) {
		h.tally.bytes.Add(file.bytes)
	}
}
