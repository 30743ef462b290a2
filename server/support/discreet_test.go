// SPDX-License-Identifier: Apache-2.0

package support

import (
	"net/http"
	"strings"
	"testing"

	"landed/manifests"
)

// TestNobodyKeepsOrFindsAnInstallation: no answer about one goes into a shared cache or an index, and an unchanged one costs a 304.
func TestNobodyKeepsOrFindsAnInstallation(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	hs := newHandset(1)
	h.install(hs, beforeActive, baseline(1))
	page := "/installations/" + hs.ref.String()
	for path, status := range map[string]int{
		page: 200, page + ".json": 200, page + "?before=1": 200, page + "/reports/" + baseline(1).ID: 200, page + "/reports/00": 404,
		"/installations/" + newHandset(2).ref.String(): 404, "/installations/x": 404, "/installations/x.json": 404,
		"/installations?ref=" + string(hs.ref): 303,
	} {
		w := h.get(path)
		cache, robots := w.Header().Get("Cache-Control"), w.Header().Get("X-Robots-Tag")
		if w.Code != status || !strings.HasPrefix(cache, "private") && cache != "no-store" || !strings.HasPrefix(robots, "noindex") {
			t.Errorf("%s: %d, Cache-Control %q, X-Robots-Tag %q", path, w.Code, cache, robots)
		}
		if etag := w.Header().Get("ETag"); etag != "" {
			again := h.get(path, "If-None-Match", etag)
			if again.Code != http.StatusNotModified || !strings.HasPrefix(again.Header().Get("Cache-Control"), "private") {
				t.Errorf("%s, again: %d, %q", path, again.Code, again.Header().Get("Cache-Control"))
			}
		}
	}
	for _, path := range []string{"/", "/models/armani"} { // may be found, and are asked for again
		if w := h.get(path); w.Header().Get("X-Robots-Tag") != "" || w.Header().Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: %v", path, w.Header())
		}
	}
	w := h.get("/robots.txt")
	if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") ||
		!strings.Contains(w.Body.String(), "User-agent: *\nDisallow: /installations\nDisallow: /*/installations\n") {
		t.Errorf("robots.txt: %d %s", w.Code, w.Body)
	}
}
