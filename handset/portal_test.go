// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"bytes"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const portalPage = "<html>Please log in</html>"

// portals answer for the package, and are none: by their type, or by their length.
var portals = map[string]func(r *rig, w http.ResponseWriter){
	"a page": func(r *rig, w http.ResponseWriter) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write([]byte(portalPage))
	},
	"a page as long as the package": func(r *rig, w http.ResponseWriter) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Length", strconv.Itoa(len(r.content)))
		w.Write(bytes.Repeat([]byte(" "), len(r.content)))
	},
	"something shorter": func(r *rig, w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/zip")
		w.Header().Set("Content-Length", strconv.Itoa(len(portalPage)))
		w.Write([]byte(portalPage))
	},
	"nothing": func(r *rig, w http.ResponseWriter) { w.Header().Set("Content-Length", "0") },
}

// TestPortalIsNoPartOfThePackage: a captive portal's answer is not kept, costs no part that is there, and says nothing
// against the package.
func TestPortalIsNoPartOfThePackage(t *testing.T) {
	for name, portal := range portals {
		for _, have := range []int{0, 1000} {
			t.Run(name+" "+strconv.Itoa(have), func(t *testing.T) {
				r := newRig(t)
				var ranges []string
				logIn := true
				r.server.Bend = func(w http.ResponseWriter, req *http.Request) bool {
					if !strings.HasSuffix(req.URL.Path, ".zip") {
						return false
					}
					if ranges = append(ranges, req.Header.Get("Range")); have > 0 && len(ranges) == 1 {
						w.Header().Set("Content-Length", strconv.Itoa(len(r.content)))
						w.Write(r.content[:have])
						return true
					}
					if !logIn { // read here alone: the handset goes on while the answer is still written
						return false
					}
					portal(r, w)
					return true
				}
				var want []string // and from where on the package was asked for
				if have > 0 {
					r.step()
					r.pass(25 * time.Hour)
					want = []string{"", "bytes=1000-"} // and whole, as the range may be what is not liked
				}
				refusal := r.step()
				if refusal == nil || refusal.Class != ClassNetwork || r.client.store.mem.Installs != 0 {
					t.Errorf("got %v, counted %d", refusal, r.client.store.mem.Installs)
				}
				part, err := os.ReadFile(r.dir + "/client/" + downloadFile)
				if err != nil || !bytes.Equal(part, r.content[:have]) {
					t.Errorf("%d bytes are kept, %v", len(part), err)
				}
				logIn = false
				r.pass(25 * time.Hour)
				if refusal := r.step(); refusal != nil || !r.patched() {
					t.Errorf("once the network is good: %v", refusal)
				}
				want = append(want, "", "")
				if have > 0 {
					want[len(want)-1] = "bytes=1000-"
				}
				if diff := cmp.Diff(want, ranges); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// TestRangeThatIsAnsweredByAPage: somebody on the way who answers no ranges does not hold the update back for ever.
func TestRangeThatIsAnsweredByAPage(t *testing.T) {
	r := newRig(t)
	begun := false
	r.server.Bend = func(w http.ResponseWriter, req *http.Request) bool {
		switch {
		case !strings.HasSuffix(req.URL.Path, ".zip"):
			return false
		case !begun:
			begun = true
			w.Header().Set("Content-Length", strconv.Itoa(len(r.content)))
			w.Write(r.content[:1000])
			return true
		case req.Header.Get("Range") != "":
			portals["a page"](r, w)
			return true
		}
		return false
	}
	r.step()
	r.pass(25 * time.Hour)
	if refusal := r.step(); refusal != nil || !r.patched() {
		t.Errorf("got %v", refusal)
	}
}
