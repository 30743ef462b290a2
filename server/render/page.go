// SPDX-License-Identifier: Apache-2.0

package render

import (
	"html/template"
	"net/http"
)

var errorPage = template.Must(template.New("error").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{{.Title}} · Landed</title>
<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:15vh auto;padding:0 1rem}small{opacity:.7}</style>
<h1>{{.Title}}</h1>
<p>{{.Detail}}</p>
<p><a href="/">Back to the status of all rollouts</a></p>
{{with .Request}}<small>Request {{.}}</small>{{end}}
</html>
`))

// writePage answers p for a browser. It needs no template of package web, so that it still
// works when those are what is broken.
func writePage(w http.ResponseWriter, _ *http.Request, p Problem) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_ = errorPage.Execute(w, p)
}
