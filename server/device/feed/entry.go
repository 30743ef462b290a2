// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"landed/server/render"
)

const (
	cacheForever = "public, max-age=31536000, immutable"
	cacheNever   = "no-store"
	revalidate   = "no-cache" // may be kept, must be asked about each time
)

// Header values are slices made once: net/http reads them and never writes to them.
var (
	jsonType       = []string{"application/json"}
	gzipEncoding   = []string{"gzip"}
	acceptEncoding = []string{"Accept-Encoding"}
)

// entry is one metadata file in memory, in the forms in which it is given away.
type entry struct {
	cache  []string
	plain  *form
	packed *form // by gzip; nil if there is none
}

// form is one representation (RFC 9110, 8.8.3): bytes with a strong ETag of their own, so that
// conditions and ranges always speak of the bytes that a client holds.
type form struct {
	body           []byte
	etag           string
	etags, lengths []string
}

func newEntry(body []byte, mutable bool) *entry {
	cache := cacheForever
	if mutable {
		cache = revalidate
	}
	return &entry{cache: []string{cache}, plain: newForm(body)}
}

func newForm(body []byte) *form {
	sum := sha256.Sum256(body)
	etag := `"` + hex.EncodeToString(sum[:]) + `"`
	return &form{body: body, etag: etag, etags: []string{etag}, lengths: []string{strconv.Itoa(len(body))}}
}

func (e *entry) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	f := e.plain
	if e.packed != nil {
		h["Vary"] = acceptEncoding
		if render.WantsGzip(r.Header["Accept-Encoding"]) {
			f = e.packed
		}
	}
	h["Etag"], h["Cache-Control"] = f.etags, e.cache
	if tags := r.Header["If-Match"]; len(tags) > 0 && !named(tags, f.etag, strongly) {
		w.WriteHeader(http.StatusPreconditionFailed)
		return
	}
	if named(r.Header["If-None-Match"], f.etag, weakly) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h["Content-Type"], h["Content-Length"] = jsonType, f.lengths
	if f == e.packed {
		h["Content-Encoding"] = gzipEncoding
	}
	if len(r.Header["Range"]) > 0 {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.body))
		return
	}
	if r.Method != http.MethodHead {
		_, _ = w.Write(f.body) // a client that went away is no error of ours
	}
}

// How entity tags are compared (RFC 9110, 8.8.3.2). Ours are all strong.
const (
	strongly = false
	weakly   = true
)

// named says if etag is one of the tags that the client names (RFC 9110, 13.1.1 and 13.1.2:
// "*" is any).
func named(headers []string, etag string, weak bool) bool {
	for _, h := range headers {
		if h == etag { // what our own handset sends
			return true
		}
		for tag := range strings.SplitSeq(h, ",") {
			tag = strings.TrimSpace(tag)
			if weak {
				tag = strings.TrimPrefix(tag, "W/")
			}
			if tag == etag || tag == "*" {
				return true
			}
		}
	}
	return false
}
