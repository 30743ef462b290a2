// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"
)

// meddler stands between a handset and its server, and does to each answer one of the things that can be done.
type meddler struct {
	honest http.RoundTripper
	dice   *rand.Rand
	seen   []*seen // honest answers of before
	off    bool
}

type seen struct {
	status int
	header http.Header
	body   []byte
}

func (s *seen) response(req *http.Request) *http.Response {
	return &http.Response{StatusCode: s.status, Status: fmt.Sprint(s.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: s.header.Clone(), Body: io.NopCloser(bytes.NewReader(s.body)), ContentLength: int64(len(s.body)), Request: req}
}

func (m *meddler) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := m.honest.RoundTrip(req)
	if err != nil || m.off {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	s := &seen{resp.StatusCode, resp.Header.Clone(), body}
	if err != nil {
		return nil, err
	}
	m.seen = append(m.seen, s)
	bent := &seen{s.status, s.header.Clone(), bytes.Clone(s.body)}
	switch m.dice.IntN(14) {
	case 0:
		return nil, io.ErrUnexpectedEOF
	case 1:
		bent.status, bent.body = http.StatusNotModified, nil
	case 2: // an answer to something else, or of another day
		bent = m.seen[m.dice.IntN(len(m.seen))]
	case 3:
		bent.body = bent.body[:m.dice.IntN(len(bent.body)+1)]
	case 4:
		if len(bent.body) > 0 {
			bent.body[m.dice.IntN(len(bent.body))] ^= 1
		}
	case 5:
		bent.status = []int{201, 204, 206, 301, 400, 403, 404, 410, 412, 416, 429, 431, 500, 503}[m.dice.IntN(14)]
	case 6:
		bent.header.Set("ETag", []string{`W/"x"`, `"x"`, "x", "", `"` + strings.Repeat("y", 60_000) + `"`}[m.dice.IntN(5)])
	case 7:
		bent.status = http.StatusPartialContent
		bent.header.Set("Content-Range", []string{"bytes 0-0/1", "bytes 5-4/-1", "bytes */9", fmt.Sprintf("bytes 0-%d/%d", len(bent.body)-1,
			len(bent.body))}[m.dice.IntN(4)])
	case 8:
		bent.body = append(bent.body, bent.body...)
	case 9:
		bent.header.Set("Content-Encoding", "gzip")
	case 10:
		bent.status, bent.body = 400, []byte(`{"code":"model_unknown"}`)
		bent.header.Set("Content-Type", "application/problem+json")
	}
	return bent.response(req), nil
}

// TestHostileNetwork: a network that meddles with every answer for two months, in many ways, installs nothing that
// was not approved, and leaves nothing behind that keeps the update away once it stops.
func TestHostileNetwork(t *testing.T) {
	for seed := range uint64(5) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := newRig(t)
			m := &meddler{honest: direct{r.server}, dice: rand.New(rand.NewPCG(seed, 1))}
			r.rt = m
			r.open()
			old := r.booted.Build.Fingerprint
			for range 60 {
				r.step()
				if img := r.booted; img.Build.Fingerprint != old && img.Build.Fingerprint != r.offer.Custom.Build.Fingerprint {
					t.Fatalf("%s runs, which nobody approved", img.Build.Fingerprint)
				}
				r.pass(time.Duration(1+m.dice.IntN(47)) * time.Hour)
				if m.dice.IntN(4) == 0 {
					r.open()
				}
			}
			m.off = true
			for range 4 {
				r.pass(25 * time.Hour)
				r.step()
			}
			if !r.patched() {
				st, _ := r.client.Status()
				t.Errorf("the update never came: %s, %s", st.State, st.Reason)
			}
			if st, _ := r.client.Status(); st.Unsent > 0 {
				t.Errorf("%d reports never went out", st.Unsent)
			}
		})
	}
}
