// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"io"
	"net/http"
	"strconv"
)

// Handler lets handsets speak to a server in the same process, without sockets. The answer is kept in
// memory until the handset has read it.
func Handler(h http.Handler) http.RoundTripper { return inProcess{h} }

type inProcess struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (p inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	in := req.Clone(req.Context())
	in.RequestURI = req.URL.RequestURI()
	in.Host = req.URL.Host
	in.RemoteAddr = "192.0.2.1:1" // TEST-NET-1: documentation only
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := &answer{header: http.Header{}}
	p.handler.ServeHTTP(w, in)
	w.WriteHeader(http.StatusOK)
	if req.Body != nil {
		_ = req.Body.Close()
	}
	resp := &http.Response{
		Status: strconv.Itoa(w.code) + " " + http.StatusText(w.code), StatusCode: w.code,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: w.sent, Request: req,
		ContentLength: int64(len(w.body)), Body: io.NopCloser(&w.body),
	}
	return resp, nil
}

// answer collects what the handler writes.
type answer struct {
	header, sent http.Header
	code         int
	body         body
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(code int) {
	if a.code == 0 && code >= 200 {
		a.code, a.sent = code, a.header.Clone()
	}
}

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	a.body = append(a.body, b...)
	return len(b), nil
}

// body is read once.
type body []byte

func (b *body) Read(p []byte) (int, error) {
	if len(*b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, *b)
	*b = (*b)[n:]
	return n, nil
}
