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
)

const (
	cacheForever = "public, max-age=31536000, immutable"
	cacheNever   = "no-store"
	revalidate   = "no-cache" // may be kept, must be asked about each time
)

var jsonType = []string{"application/json"}

// entry is one metadata file in memory. Its header values are slices made once: net/http
// reads them and never writes to them.
type entry struct {
	body                  []byte
	etag                  string
	etags, cache, lengths []string
}

func newEntry(body []byte, mutable bool) *entry {
	sum := sha256.Sum256(body)
	etag := `"` + hex.EncodeToString(sum[:]) + `"`
	cache := cacheForever
	if mutable {
		cache = revalidate
	}
	return &entry{body: body, etag: etag, etags: []string{etag}, cache: []string{cache}, lengths: []string{strconv.Itoa(len(body))}}
}

func (e *entry) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["Etag"], h["Cache-Control"] = e.etags, e.cache
	if fresh(r.Header["If-None-Match"], e.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h["Content-Type"] = jsonType
	if len(r.Header["Range"]) > 0 || len(r.Header["If-Match"]) > 0 {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(e.body))
		return
	}
	h["Content-Length"] = e.lengths
	if r.Method != http.MethodHead {
		_, _ = w.Write(e.body) // a client that went away is no error of ours
	}
}

// fresh says if one of the tags that the client holds is etag (RFC 9110, 13.1.2: compared
// weakly, "*" is any).
func fresh(headers []string, etag string) bool {
	for _, h := range headers {
		if h == etag { // what our own handset sends
			return true
		}
		for tag := range strings.SplitSeq(h, ",") {
			tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
			if tag == etag || tag == "*" {
				return true
			}
		}
	}
	return false
}
