// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strings"
	"syscall"
	"time"

	"landed/manifests/tufrepo"
	"landed/server/blob"
)

// A name in the feed: segments of letters, digits and . _ + -, none beginning with a dot.
var (
	plainName  = regexp.MustCompile(`^(?:[A-Za-z0-9_+-][A-Za-z0-9._+-]*/)*[A-Za-z0-9_+-][A-Za-z0-9._+-]*$`)
	targetName = regexp.MustCompile(`^([0-9a-f]{64})\.[A-Za-z0-9._+-]+$`)
)

// serveFile answers from the folder, or from the blob store what is only there. net/http
// sends an *os.File with sendfile, so it is handed over as it is. It says what was asked for.
func (h *Handler) serveFile(w http.ResponseWriter, r *http.Request, name string) kind {
	stored, isTarget := strings.CutPrefix(name, targetsDir)
	switch {
	case !plainName.MatchString(name):
		notFound(w)
	case isTarget:
		stored = tufrepo.StoredAs(stored)
		h.serveTarget(w, r, stored, given{cacheForever, contentType(stored)})
		return targets
	case name == metadataDir+"timestamp.json":
		h.serveMetadata(w, r, name)
		return polls
	case strings.HasPrefix(name, metadataDir):
		h.serveMetadata(w, r, name)
		return metadata
	default:
		notFound(w)
	}
	return others
}

// serveMetadata reads an older version, which is no longer in memory: it is small.
func (h *Handler) serveMetadata(w http.ResponseWriter, r *http.Request, name string) {
	body, err := h.stored(r.Context(), name)
	if err != nil {
		answerError(w, err)
		return
	}
	newEntry(body, name == metadataDir+"timestamp.json").serve(w, r)
}

// stored reads a file of metadata: of tallies what the database has, of others what the folder has, where each has it.
func (h *Handler) stored(ctx context.Context, name string) ([]byte, error) {
	asked, below := h.asked.Load(), strings.TrimPrefix(name, metadataDir)
	first := strings.HasPrefix(below, talliesDir)
	if asked != nil && first {
		if body, known, err := (*asked)(ctx, below); known {
			return body, err
		}
	}
	body, err := h.root.Load().ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) && asked != nil && !first {
		if body, known, err := (*asked)(ctx, below); known {
			return body, err
		}
	}
	return body, err
}

// given is how a target is given away under one of its names.
type given struct{ cache, typ string }

func (h *Handler) serveTarget(w http.ResponseWriter, r *http.Request, stored string, as given) {
	m := targetName.FindStringSubmatch(path.Base(stored))
	if m == nil {
		notFound(w)
		return
	}
	content, err := h.open(r, stored, blob.Ref(m[1]))
	if err != nil {
		answerError(w, err)
		return
	}
	defer content.Close()
	header := w.Header()
	header.Set("Etag", `"`+m[1]+`"`)
	header.Set("Cache-Control", as.cache)
	header.Set("Content-Type", as.typ)
	if tooManyRanges(r) {
		refuseRanges(w, content)
		return
	}
	if c, ok := content.(blob.Content); ok { // an *os.File costs nobody anything
		blob.Expect(c, wanted(r.Header.Get("Range"), c.Size())...)
	}
	http.ServeContent(w, r, "", time.Time{}, content)
}

// open finds a target in the folder or the blob store. A build must be published now: the folder keeps
// those that people took out. Offers documents are small and superseded often; one that was published
// a moment ago is still given to a client that is on its way through the older metadata.
func (h *Handler) open(r *http.Request, stored string, ref blob.Ref) (io.ReadSeekCloser, error) {
	published := (*h.target.Load())(stored)
	if !published && strings.HasPrefix(stored, buildsDir) {
		return nil, fs.ErrNotExist
	}
	f, err := h.root.Load().Open(targetsDir + stored)
	if err == nil {
		info, err := f.Stat()
		if err == nil && !info.Mode().IsRegular() {
			err = fs.ErrNotExist
		}
		if err == nil {
			err = h.whole(stored, info.Size())
		}
		if err != nil {
			f.Close()
			return nil, err
		}
		return f, nil
	}
	if errors.Is(err, fs.ErrNotExist) && published {
		return h.elsewhere(r, stored, ref)
	}
	return nil, err
}

// errDamaged and errLost are passing: what they speak of is published, and comes back.
var (
	errDamaged = errors.New("the stored content has another length than was signed")
	errLost    = errors.New("the content of what is published is not here")
)

func (h *Handler) whole(stored string, size int64) error {
	if length := h.length.Load(); length != nil {
		if wanted, ok := (*length)(stored); ok && wanted != size {
			return errDamaged
		}
	}
	return nil
}

// elsewhere opens what is published and not in the folder.
func (h *Handler) elsewhere(r *http.Request, stored string, ref blob.Ref) (io.ReadSeekCloser, error) {
	if h.blobs == nil {
		return nil, errLost
	}
	c, err := h.blobs.Open(r.Context(), ref)
	if errors.Is(err, blob.ErrNotFound) {
		return nil, errLost
	}
	if err != nil {
		return nil, err
	}
	if err := h.whole(stored, c.Size()); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func contentType(name string) string {
	switch path.Ext(name) {
	case ".json":
		return "application/json"
	case ".zip":
		return "application/zip"
	}
	return "application/octet-stream"
}

func answerError(w http.ResponseWriter, err error) {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, blob.ErrNotFound) || errors.Is(err, syscall.ENAMETOOLONG) ||
		errors.Is(err, syscall.ENOTDIR) {
		notFound(w)
		return
	}
	w.Header().Set("Cache-Control", cacheNever)
	http.Error(w, "The file cannot be read just now; try again.", http.StatusServiceUnavailable)
}

// notFound is never cached: the next root is asked for before it exists.
func notFound(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", cacheNever)
	http.Error(w, "There is no such file in the feed.", http.StatusNotFound)
}
