// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// radio is a handset's way to the server, with the faults of its situation. It alone knows when the server
// last confirmed a report.
type radio struct {
	h           *handset
	next        http.RoundTripper
	cutDownload bool // the first package breaks off in the middle
	silent      bool
	heard       map[string]time.Time // when the server last confirmed a report of this installation, by release
	lost        error                // why the last request got no answer; nil if it got one
}

var errNoNetwork = errors.New("no network")

// RoundTrip implements http.RoundTripper.
func (r *radio) RoundTrip(req *http.Request) (*http.Response, error) {
	if r.silent {
		return nil, errNoNetwork
	}
	resp, err := r.next.RoundTrip(req)
	r.lost = err
	if err != nil {
		return nil, err
	}
	switch {
	case req.Method == http.MethodPost && resp.StatusCode == http.StatusOK:
		r.noteReceipt(req)
		r.silent = r.h.situation == Silent
	case r.cutDownload && strings.Contains(req.URL.Path, "/targets/builds/") && resp.ContentLength > 1:
		r.cutDownload = false
		resp.Body = &cut{resp.Body, resp.ContentLength / 2}
	}
	return resp, nil
}

// noteReceipt notes that the server has confirmed a report. Of the report it looks at the release alone.
func (r *radio) noteReceipt(req *http.Request) {
	if req.GetBody == nil {
		return
	}
	body, err := req.GetBody()
	if err != nil {
		return
	}
	var envelope struct{ Payload []byte }
	var about struct{ Release string }
	if json.NewDecoder(body).Decode(&envelope) != nil || json.Unmarshal(envelope.Payload, &about) != nil {
		return
	}
	if r.heard == nil {
		r.heard = map[string]time.Time{}
	}
	r.heard[about.Release] = r.h.fleet.Now()
	if r.h.told == nil {
		r.h.told = map[string]string{}
	}
	r.h.told[about.Release] = r.h.class(r.h.look(r.h.at), about.Release)
}

// cut is a body whose connection is lost after some bytes.
type cut struct {
	io.ReadCloser
	left int64
}

func (c *cut) Read(b []byte) (int, error) {
	if c.left <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := c.ReadCloser.Read(b[:min(int64(len(b)), c.left)])
	c.left -= int64(n)
	return n, err
}
