// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"landed/demo/served"
)

// cdn [-mode MODE] FOLDER NAME LOG: a second file server, which has the feed folder below /tuf/, and every package below
// any path; NAME becomes its address, and each request is a line of LOG. Of the modes, down is an address where nobody
// answers, redirect leads to another path, and wrong gives as many bytes as there are, but zeros.
func contentNetwork(ts *testscript.TestScript, neg bool, args []string) {
	mode := "good"
	if len(args) == 5 && args[0] == "-mode" {
		mode, args = args[1], args[2:]
	}
	if neg || len(args) != 3 || !slices.Contains([]string{"good", "down", "redirect", "wrong"}, mode) {
		ts.Fatalf("usage: cdn [-mode down|redirect|wrong] FOLDER NAME LOG")
	}
	folder := ts.MkAbs(args[0])
	log, err := os.OpenFile(ts.MkAbs(args[2]), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	ts.Check(err)
	ts.Defer(func() { _ = log.Close() })
	files := http.StripPrefix("/tuf", http.FileServer(http.Dir(folder)))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(log, r.Method, r.URL.Path)
		switch mode {
		case "redirect":
			http.Redirect(w, r, "/elsewhere"+r.URL.Path, http.StatusFound)
		case "wrong":
			_, path, _ := strings.Cut(r.URL.Path, "/builds/")
			info, err := os.Stat(filepath.Join(folder, "targets", "builds", filepath.FromSlash(path)))
			if err != nil {
				http.NotFound(w, r)
				return
			}
			_, _ = w.Write(make([]byte, info.Size()))
		default:
			files.ServeHTTP(w, r)
		}
	}))
	ts.Setenv(args[1], s.URL)
	if mode == "down" {
		s.Close()
		return
	}
	ts.Defer(s.Close)
}

// mirrored MODEL URL: waits until the served offers of the model name the URL.
func mirrored(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mirrored MODEL URL")
	}
	feed := served.Feed{Root: []byte(ts.ReadFile("root.json")), URL: ts.Getenv("OTACTL_URL"), HTTP: fresh()}
	poll(ts, args[1]+" stands in the offers", func() bool {
		doc, err := feed.Offers(context.Background(), args[0], "stable")
		return err == nil && slices.Contains(doc.Mirrors, args[1])
	})
}
