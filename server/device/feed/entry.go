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

	"landed/manifests/tufrepo"
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
	typ    []string // content type
	plain  *form
	packed *form // by gzip; nil if there is none
}

// form is one representation (RFC 9110, 8.8.3): bytes with an ETag, so that conditions and ranges always speak of the
// bytes that a client holds. That of the timestamp is the digest of its signed part, which a handset computes by
// itself and sends in a poll: it is the same for both forms, and a weak one for the packed.
type form struct {
	body           []byte
	tag            string // in quotes
	weak           bool
	etags, lengths []string
}

func newEntry(body []byte, mutable bool) *entry {
	if !mutable {
		return &entry{cache: []string{cacheForever}, typ: jsonType, plain: newForm(body, digest(body), false)}
	}
	sum, err := tufrepo.SignedDigest(body)
	if err != nil { // nothing that a handset would take
		sum = digest(body)
	}
	return &entry{cache: []string{revalidate}, typ: jsonType, plain: newForm(body, sum, false)}
}

// pack adds the packed form.
func (e *entry) pack(packed []byte) {
	if e.cache[0] == revalidate {
		e.packed = newForm(packed, strings.Trim(e.plain.tag, `"`), true)
		return
	}
	e.packed = newForm(packed, digest(packed), false)
}

func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

func newForm(body []byte, digest string, weak bool) *form {
	f := &form{body: body, tag: `"` + digest + `"`, weak: weak, lengths: []string{strconv.Itoa(len(body))}}
	f.etags = []string{f.tag}
	if weak {
		f.etags[0] = "W/" + f.tag
	}
	return f
}

// serve answers from memory, and says with which status.
func (e *entry) serve(w http.ResponseWriter, r *http.Request) (status int) {
	h := w.Header()
	f := e.plain
	if e.packed != nil {
		h["Vary"] = acceptEncoding
		if render.WantsGzip(r.Header["Accept-Encoding"]) {
			f = e.packed
		}
	}
	h["Etag"], h["Cache-Control"] = f.etags, e.cache
	if tags := r.Header["If-Match"]; len(tags) > 0 && !named(tags, f, strongly) {
		w.WriteHeader(http.StatusPreconditionFailed)
		return http.StatusPreconditionFailed
	}
	if named(r.Header["If-None-Match"], f, weakly) {
		w.WriteHeader(http.StatusNotModified)
		return http.StatusNotModified
	}
	h["Content-Type"], h["Content-Length"] = e.typ, f.lengths
	if f == e.packed {
		h["Content-Encoding"] = gzipEncoding
	}
	if len(r.Header["Range"]) > 0 {
		part := &seen{ResponseWriter: w}
		http.ServeContent(part, r, "", time.Time{}, bytes.NewReader(f.body))
		return part.answered()
	}
	if r.Method != http.MethodHead {
		_, _ = w.Write(f.body) // a client that went away is no error of ours
	}
	return http.StatusOK
}

// kind is what e is asked for as: the timestamp is what handsets poll.
func (e *entry) kind() kind {
	if e.cache[0] == revalidate {
		return polls
	}
	return metadata
}

// How entity tags are compared (RFC 9110, 8.8.3.2).
const (
	strongly = false
	weakly   = true
)

// named says if the tag of f is one of those that the client names (RFC 9110, 13.1.1 and 13.1.2: "*" is any).
func named(headers []string, f *form, weak bool) bool {
	for _, h := range headers {
		if weak && h == f.tag { // what our own handset sends
			return true
		}
		for tag := range strings.SplitSeq(h, ",") {
			tag = strings.TrimSpace(tag)
			if weak {
				tag = strings.TrimPrefix(tag, "W/")
			}
			if tag == "*" || tag == f.tag && (weak || !f.weak) {
				return true
			}
		}
	}
	return false
}
