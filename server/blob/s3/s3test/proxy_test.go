// SPDX-License-Identifier: Apache-2.0

package s3test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync/atomic"
	"testing"
)

// blindProxy passes everything on to the gateway, except that the first HEAD of path is answered
// "not found", as if the content came a moment later. It gives its address.
func blindProxy(t *testing.T, path string) string {
	var looked atomic.Bool
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = "http", endpoint
		r.Out.Host = r.In.Host // it is signed
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead && r.URL.Path == path && !looked.Swap(true) {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() {
		if !looked.Load() {
			t.Error("nobody looked for the content: this test tests nothing")
		}
	})
	return strings.TrimPrefix(server.URL, "http://")
}
