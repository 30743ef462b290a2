// SPDX-License-Identifier: Apache-2.0

package support

import "net/http"

// discreet is for answers about one installation: whoever has its reference may read them, and nobody is to find or to keep
// them. A reader who has one asks if it is still so, and may be answered 304.
func discreet(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "private, no-cache")
		w.Header().Set("X-Robots-Tag", "noindex, nofollow, noarchive")
		h(w, r)
	}
}

// rules are for crawlers: no installation, in whatever language or below whatever path the pages are served.
const rules = `User-agent: *
Disallow: /installations
Disallow: /*/installations
`

func robots(w http.ResponseWriter, _ *http.Request) {
	guard(w.Header())
	w.Header().Set("Cache-Control", "public, max-age=86400")
	send(w, http.StatusOK, "text/plain; charset=utf-8", []byte(rules))
}
