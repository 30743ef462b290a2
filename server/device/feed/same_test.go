// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEverybodyGetsTheSame: whoever asks, by whatever they say of themselves, is answered alike, to the byte; but for the
// coding, the part and the condition that they ask for.
func TestEverybodyGetsTheSame(t *testing.T) {
	h, _ := newFeed(t)
	selves := []string{"User-Agent", "Cookie", "Authorization", "Accept-Language", "Accept", "X-Forwarded-For", "X-Real-IP", "Forwarded",
		"From", "Referer", "Origin", "X-Device-Id", "X-Request-ID", "DNT", "Via", "True-Client-IP", "Sec-CH-UA-Model", "If-Modified-Since"}
	for _, path := range []string{"/tuf/metadata/timestamp.json", "/tuf/metadata/3.snapshot.json", "/tuf/metadata/2.root.json",
		"/tuf/targets/" + storedName(payload), "/tuf/targets/" + formerOffers} {
		var want answer
		for n := range 300 {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.RemoteAddr = fmt.Sprintf("192.0.2.%d:%d", n%250, 1024+n)
			r.Host = fmt.Sprintf("host-%d.example", n)
			r.URL.RawQuery = fmt.Sprint("handset=", n)
			if n == 0 {
				r.URL.RawQuery = ""
			}
			for i, name := range selves {
				if n>>(i%8)&1 == 1 {
					r.Header.Set(name, fmt.Sprint("handset ", n))
				}
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			got := answer{w.Code, w.Header(), w.Body.String()}
			if n == 0 {
				want = got
				if len(got.Header["Set-Cookie"]) > 0 || strings.Contains(got.Header.Get("Vary"), "*") {
					t.Errorf("%s: %v", path, got.Header)
				}
				continue
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%s: probe %d is answered otherwise:\n%s", path, n, diff)
			}
		}
	}
}

type answer struct {
	Code   int
	Header http.Header
	Body   string
}
