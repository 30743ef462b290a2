// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// server is whoever answers at the configured address: the feed below /tuf/, and the door of the reports. It is
// trusted for nothing.
type server struct {
	url  string
	http *http.Client
	pace Pace
	now  func() time.Time
}

func newServer(cfg Config) *server {
	return &server{url: cfg.URL, http: newHTTPClient(cfg.Transport), pace: cfg.Pace, now: cfg.Now}
}

// newHTTPClient never touches http.DefaultClient: go-tuf's helpers and other packages share that one. It keeps no
// cookies, resumes no TLS session, and follows no redirects: the address of one is a string that a server chose, perhaps
// for this handset alone.
func newHTTPClient(t http.RoundTripper) *http.Client {
	if t == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		own.ResponseHeaderTimeout = 30 * time.Second
		own.MaxResponseHeaderBytes = 64 << 10
		own.TLSClientConfig = &tls.Config{SessionTicketsDisabled: true} // a ticket is what a server knows a handset again by
		t = own
	}
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // the answer is then one of the wrong status
	}}
}

// targetsDir is where packages and documents lie on the server of a feed.
const targetsDir = "/tuf/targets"

func (s *server) metadataURL(name string) string { return s.url + "/tuf/metadata/" + name }
func (s *server) targetURL(stored string) string { return s.url + targetsDir + "/" + stored }

// get asks for one file. The body may be read at no less than the configured pace; closing it ends the request.
func (s *server) get(ctx context.Context, url string, header http.Header) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		cancel(nil)
		return nil, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	if req.Header.Get("Accept-Encoding") == "" { // or the transport would ask for gzip, and hide that it did
		req.Header.Set("Accept-Encoding", "identity") // a package has the length and the bytes that were signed for
	}
	body := &paced{pace: s.pace, cancel: cancel}
	body.watch()
	resp, err := s.http.Do(req)
	if err != nil {
		return nil, errors.Join(err, body.slow(), body.stop())
	}
	if enc := encoding(resp); enc != "" && enc != req.Header.Get("Accept-Encoding") {
		err := fmt.Errorf("the answer came encoded as %.20q, which was not asked for", enc)
		return nil, errors.Join(err, resp.Body.Close(), body.stop())
	}
	body.from = resp.Body
	resp.Body = body
	return resp, nil
}

// maxAnswer is how much is read of the answer to a report.
const maxAnswer = 64 << 10

// post sends a report. The answer comes with its body, which was read so far that the connection can be used again.
func (s *server) post(ctx context.Context, envelope []byte) (*http.Response, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/v1/reports", bytes.NewReader(envelope))
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.http.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // what was cut off is no answer, and is told as that
	return resp, body, nil
}

// status is the status of an answer in our own words: the server's are for no terminal.
func status(resp *http.Response) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode)))
}
