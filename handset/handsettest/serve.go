// SPDX-License-Identifier: Apache-2.0

package handsettest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"landed/manifests/report/envelope"
	"landed/manifests/tufrepo"
)

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	count := &counting{ResponseWriter: w, s: s}
	s.mu.Lock()
	s.requests++
	s.mu.Unlock()
	if s.Bend != nil && s.Bend(count, r) {
		return
	}
	if r.URL.Path == "/v1/reports" {
		s.receive(count, r)
		return
	}
	s.mu.Lock()
	content, ok := s.metadata[strings.TrimPrefix(r.URL.Path, "/tuf/metadata/")]
	if !ok {
		content, ok = s.targets[strings.TrimPrefix(r.URL.Path, "/tuf/targets/")]
	}
	s.mu.Unlock()
	if !ok {
		http.NotFound(count, r)
		return
	}
	w.Header().Set("ETag", tag(r.URL.Path, content))
	if s.Packs != nil && r.Header.Get("Accept-Encoding") == "gzip" && s.Packs(r.URL.Path, len(content)) {
		content = Pack(content)
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("ETag", "W/"+w.Header().Get("ETag"))
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(count, r, "", time.Time{}, bytes.NewReader(content))
}

// tag is the ETag of a file: of the timestamp the digest of what is signed in it.
func tag(path string, content []byte) string {
	sum := hash(content)
	if strings.HasSuffix(path, "/timestamp.json") {
		if signed, err := tufrepo.SignedDigest(content); err == nil {
			sum = signed
		}
	}
	return `"` + sum + `"`
}

func (s *Server) receive(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(io.LimitReader(r.Body, envelope.MaxBytes+1))
	if err != nil {
		problem(w, "truncated")
		return
	}
	got, ref, err := envelope.Open(text)
	if err != nil {
		problem(w, "report_malformed")
		return
	}
	s.mu.Lock()
	s.last[ref] = s.Now()
	stored := "replayed"
	if !s.seen[got.ID] {
		s.seen[got.ID], stored = true, "new"
		s.reports = append(s.reports, got)
	}
	s.mu.Unlock()
	fmt.Fprintf(w, `{"id":%q,"stored":%q}`, got.ID, stored)
}

func problem(w http.ResponseWriter, code string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(http.StatusUnprocessableEntity)
	fmt.Fprintf(w, `{"code":%q}`, code)
}

// Pack is content as gzip.
func Pack(content []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_ = must(w.Write(content))
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

type counting struct {
	http.ResponseWriter
	s *Server
}

func (c *counting) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.s.mu.Lock()
	c.s.bytes += int64(n)
	c.s.mu.Unlock()
	return n, err
}
