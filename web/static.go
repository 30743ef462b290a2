// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
	"time"
)

// asset is one static file under a name that holds the hash of its content.
type asset struct {
	url, kind string
	body      []byte
}

var assets = loadAssets()

// Version changes whenever a template, a sentence or a static file does: part of every ETag of a page.
var Version = version()

// Asset is the URL of a static file: "style.css" is "/static/style-1a2b3c4d5e6f.css". It panics
// on a name that is not there, which the first rendering of any page would show.
func Asset(name string) string {
	a, ok := assets[name]
	if !ok {
		panic("web: no static file " + name)
	}
	return a.url
}

// Static serves the static files, each under its hashed name only, cacheable for ever. Its paths are those of Asset.
func Static() http.Handler {
	byURL := map[string]asset{}
	for _, a := range assets {
		byURL[a.url] = a
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := byURL[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", a.kind)
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.body))
	})
}

func loadAssets() map[string]asset {
	kinds := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
		".svg": "image/svg+xml"}
	entries, err := files.ReadDir("static")
	if err != nil {
		panic(err) // embedded: it cannot fail
	}
	all := map[string]asset{}
	for _, e := range entries {
		body, err := files.ReadFile("static/" + e.Name())
		if err != nil {
			panic(err)
		}
		ext := path.Ext(e.Name())
		sum := sha256.Sum256(body)
		url := "/static/" + strings.TrimSuffix(e.Name(), ext) + "-" + hex.EncodeToString(sum[:6]) + ext
		all[e.Name()] = asset{url, kinds[ext], body}
	}
	return all
}

func version() string {
	sum := sha256.New()
	for _, folder := range []string{"templates", "static", "locales"} {
		entries, _ := files.ReadDir(folder) // sorted by name
		for _, e := range entries {
			body, _ := files.ReadFile(folder + "/" + e.Name())
			sum.Write([]byte(e.Name()))
			sum.Write(body)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:6])
}
