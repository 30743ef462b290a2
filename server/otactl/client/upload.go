// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"sync"
)

// Upload sends one package: name is its file name, channel "" is stable. size is the length of
// r in bytes, negative if it is not known. progress, if set, is told how many bytes are gone
// so far, from another goroutine, and never after Upload returned. r is not read before the
// server agreed to take it. A refused package is an [*Error] with every finding; a server that
// stored other bytes than those of r is an [*Error] with the code "other_bytes".
func (p Packages) Upload(
	ctx context.Context, name, channel string, r io.Reader, size int64, progress func(sent int64),
) (Package, error) {
	q := url.Values{"name": {name}}
	if channel != "" {
		q.Set("channel", channel)
	}
	body := &sent{r: r, sum: sha256.New(), tell: progress}
	req, err := p.t.request(ctx, http.MethodPost, "/v1/packages?"+q.Encode(), body)
	if err != nil {
		return Package{}, err
	}
	if req.ContentLength = size; size == 0 {
		req.Body = http.NoBody // otherwise 0 would mean that the length is not known
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	req.Header.Set("Expect", "100-continue")
	if raw, err := hex.DecodeString(p.stated); err == nil && len(raw) > 0 {
		req.Header.Set("Repr-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(raw)+":")
	}
	var stored Package
	err = p.t.do(req, &stored)
	digest, begun := body.end()
	if !begun && p.stated != "" && stored.Known {
		digest = p.stated
	}
	if err == nil && stored.SHA256 != digest {
		err = &Error{Code: "other_bytes", Title: "Damaged on the way",
			Detail: fmt.Sprintf("The server stored bytes with the SHA-256 %s, but those sent have %s. "+
				"Do not release that package.", stored.SHA256, digest)}
	}
	return stored, err
}

// sent counts and hashes what is read of it. The transport may read on in its own goroutine
// while, and even after, the answer is there.
type sent struct {
	r    io.Reader
	tell func(int64)

	mu    sync.Mutex
	n     int64
	sum   hash.Hash
	ended bool
}

func (s *sent) Read(p []byte) (int, error) {
	n, err := s.r.Read(p) // not under the lock: it may take as long as it likes
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return 0, io.ErrClosedPipe
	}
	s.n += int64(n)
	s.sum.Write(p[:n])
	if s.tell != nil && n > 0 {
		s.tell(s.n)
	}
	return n, err
}

// end has nothing more told or counted, and gives the SHA-256 of what was read, and whether anything was.
func (s *sent) end() (sha256 string, begun bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	return hex.EncodeToString(s.sum.Sum(nil)), s.n > 0
}
