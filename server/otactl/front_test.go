// SPDX-License-Identifier: Apache-2.0

package otactl_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// front is a proxy before a server, which can be broken.
type front struct {
	server *httptest.Server

	mu     sync.Mutex
	broken string
	kept   map[string]*http.Response // what a cache that asks nobody has, by path
	bodies map[string][]byte
	proxy  *httputil.ReverseProxy
}

// fronts are those of all scripts.
var fronts sync.Map

func newFront(ts *testscript.TestScript) *front {
	f := &front{kept: map[string]*http.Response{}, bodies: map[string][]byte{}}
	f.server = httptest.NewServer(f)
	ts.Defer(f.server.Close)
	ts.Setenv("FRONT_URL", f.server.URL)
	fronts.Store(ts.Name(), f)
	return f
}

func (f *front) to(ts *testscript.TestScript, address string) {
	u, err := url.Parse(address)
	ts.Check(err)
	f.proxy = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) }, ModifyResponse: f.answer}
}

// breakFront says in what way the proxy is broken from now on: break WAY.
func breakFront(ts *testscript.TestScript, neg bool, args []string) {
	f, is := fronts.Load(ts.Name())
	if neg || len(args) != 1 || !is {
		ts.Fatalf("usage, behind a front: break WAY")
	}
	f.(*front).mu.Lock()
	defer f.(*front).mu.Unlock()
	f.(*front).broken = args[0]
}

func (f *front) way() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.broken
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	isList := !strings.HasPrefix(r.URL.Path, "/tuf/") && !strings.HasSuffix(r.URL.Path, ".zip") && r.URL.Path != "/status.json"
	switch f.way() {
	case "redirect":
		if isList && r.URL.RawQuery == "" {
			http.Redirect(w, r, r.URL.Path+"?again", http.StatusFound)
			return
		}
	case "away":
		if isList {
			http.Redirect(w, r, "ftp://elsewhere.example/", http.StatusFound)
			return
		}
	case "page": // for whatever is not there
		if strings.Contains(r.URL.Path, "landed.check") {
			_, _ = w.Write([]byte("<html>Welcome</html>"))
			return
		}
	case "whole":
		r.Header.Del("Range")
	case "down":
		if isList {
			http.Error(w, "no server", http.StatusBadGateway)
			return
		}
	case "stale":
		f.mu.Lock()
		had, body := f.kept[r.URL.Path], f.bodies[r.URL.Path]
		f.mu.Unlock()
		if isList && had != nil {
			maps.Copy(w.Header(), had.Header)
			w.WriteHeader(had.StatusCode)
			_, _ = w.Write(body)
			return
		}
	}
	f.proxy.ServeHTTP(w, r)
}

// other is a csig that was given away before, under another name.
func (f *front) other(path string) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, body := range f.bodies {
		if name != path && strings.HasSuffix(name, ".csig") {
			return body
		}
	}
	return nil
}

// answer changes an answer on its way back.
func (f *front) answer(resp *http.Response) error {
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	isPackage := strings.HasSuffix(resp.Request.URL.Path, ".zip")
	switch way := f.way(); {
	case way == "type" && !isPackage:
		resp.Header.Set("Content-Type", "text/plain")
	case way == "kept" && !isPackage:
		resp.Header.Set("Cache-Control", "public, max-age=3600")
		resp.Header.Del("ETag")
	case way == "gzip" && isPackage && resp.Request.Header.Get("Accept-Encoding") == "gzip": // on the way, without a length
		resp.Header.Set("Content-Encoding", "gzip")
		resp.Header.Del("Content-Length")
		resp.ContentLength = -1
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, _ = w.Write(body)
		_ = w.Close()
		body = packed.Bytes()
	case way == "flip" && isPackage && resp.StatusCode == http.StatusOK:
		body[len(body)/2] ^= 1
	case way == "broken" && isPackage && resp.StatusCode == http.StatusOK: // its length is told as it was
		body = body[:len(body)/2]
	case way == "csig" && strings.HasSuffix(resp.Request.URL.Path, ".csig"):
		body = f.other(resp.Request.URL.Path)
		resp.Header.Set("Content-Length", strconv.Itoa(len(body)))
	case way == "cut" && resp.StatusCode == http.StatusPartialContent:
		body = body[:len(body)/2]
		resp.Header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	f.mu.Lock()
	if resp.StatusCode == http.StatusOK && !isPackage && f.broken != "csig" {
		f.kept[resp.Request.URL.Path], f.bodies[resp.Request.URL.Path] = &http.Response{StatusCode: 200, Header: resp.Header.Clone()}, body
	}
	f.mu.Unlock()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}
