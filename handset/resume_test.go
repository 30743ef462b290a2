// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What is resumed and turns out to be no part of the package is begun once anew, from the first byte. If that is
// wrong too, it is a failure.
func TestResumedDownloadThatDiffers(t *testing.T) {
	for name, tc := range map[string]struct {
		first  []byte // what lies on the disk after the connection was lost
		swap   bool   // the server has another file
		ranges []string
		runs   bool
	}{
		"the kept part is damaged": {[]byte(strings.Repeat("x", 1000)), false, []string{"", "bytes=1000-", ""}, true},
		"the server has another":   {nil, true, []string{"", "bytes=1000-", ""}, false},
		"nothing is wrong":         {nil, false, []string{"", "bytes=1000-"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			other := bytes.Clone(r.content)
			if tc.swap {
				other[len(other)-1] ^= 1
			}
			first := r.content[:1000]
			if tc.first != nil {
				first = tc.first
			}
			var ranges []string
			r.server.Bend = func(w http.ResponseWriter, req *http.Request) bool {
				if !strings.Contains(req.URL.Path, "/builds/") || strings.HasSuffix(req.URL.Path, ".json") {
					return false
				}
				if req.Header.Get("If-Range") != "" {
					t.Error("it sent If-Range")
				}
				w.Header().Set("ETag", `"of-this-handset"`)
				if ranges = append(ranges, req.Header.Get("Range")); len(ranges) == 1 {
					w.Header().Set("Content-Length", strconv.Itoa(len(r.content)))
					w.Write(first)
					return true
				}
				http.ServeContent(w, req, "", time.Time{}, bytes.NewReader(other))
				return true
			}
			r.step()
			r.pass(25 * time.Hour)
			refusal := r.step()
			if r.patched() != tc.runs || !tc.runs && (refusal == nil || refusal.Class != ClassHash) {
				t.Errorf("patched %v, %v", r.patched(), refusal)
			}
			if diff := cmp.Diff(tc.ranges, ranges); diff != "" {
				t.Error(diff)
			}
		})
	}
}
