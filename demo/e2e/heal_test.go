// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"landed/manifests/tufrepo"
)

// damage FILE zeros|empty|cut: what a power cut or a worn disk makes of a small file.
func damage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: damage FILE zeros|empty|cut")
	}
	whole := ts.ReadFile(args[0])
	left, known := map[string]string{
		"zeros": strings.Repeat("\x00", len(whole)), "empty": "", "cut": whole[:len(whole)/2],
	}[args[1]]
	if !known {
		ts.Fatalf("damage: no way %q", args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(left), 0o600))
}

// portal NAME: stands between handsets and the server as the network of a hotel does, and answers with a page where a
// package is asked for. Its address is in the variable NAME.
func portal(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: portal NAME")
	}
	server, err := url.Parse(ts.Getenv("OTACTL_URL"))
	ts.Check(err)
	through := httputil.NewSingleHostReverseProxy(server)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".zip") {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<html>" + strings.Repeat("Please log in. ", 120) + "</html>"))
			return
		}
		through.ServeHTTP(w, r)
	}))
	ts.Defer(s.Close)
	ts.Setenv(args[0], s.URL)
}

// keep-snapshot FEED FILE: a copy of the newest snapshot of a feed.
func keepSnapshot(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: keep-snapshot FEED FILE")
	}
	doc, _, err := (&thief{feed: ts.MkAbs(args[0])}).read(tufrepo.Snapshot)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), doc, 0o644))
}
