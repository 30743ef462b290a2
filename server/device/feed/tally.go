// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
)

// kind is what is asked for.
type kind int

const (
	polls    kind = iota // the timestamp
	metadata             // any other metadata
	targets              // packages, manifests and offers
	legacy               // files for the updaters of others
	others               // what is no file of a feed
	kinds
)

var kindNames = [kinds]string{"poll", "metadata", "target", "legacy", "other"}

// statuses are all that the feed answers.
var statuses = [...]int{200, 206, 304, 404, 405, 412, 416, 503}

// tally counts answers. A poll adds to one number, which lies on a cache line of its own.
type tally struct {
	answers [kinds][len(statuses) + 1]struct { // the last for what is none of them
		n atomic.Int64
		_ [56]byte
	}
	bytes atomic.Int64 // of targets
}

func (t *tally) count(k kind, status int) {
	i := len(statuses)
	switch status {
	case http.StatusNotModified:
		i = 2
	case http.StatusOK:
		i = 0
	default:
		for n, s := range statuses {
			if s == status {
				i = n
			}
		}
	}
	t.answers[k][i].n.Add(1)
}

// Answered says how often the feed gave an answer, since the start.
type Answered struct {
	Kind   string // poll, metadata, target, legacy or other
	Status string // "other" for one that the feed does not give by itself
	N      int64
}

// Answered is every kind with every status, also those that there was none of, and how many bytes of targets were handed
// to the network.
func (h *Handler) Answered() (all []Answered, targetBytes int64) {
	for k := range kinds {
		for i := range h.tally.answers[k] {
			status := "other"
			if i < len(statuses) {
				status = strconv.Itoa(statuses[i])
			}
			all = append(all, Answered{kindNames[k], status, h.tally.answers[k][i].n.Load()})
		}
	}
	return all, h.tally.bytes.Load()
}

// seen is a ResponseWriter that knows its status and how many bytes it was given. Files still leave by sendfile.
type seen struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// WriteHeader implements http.ResponseWriter.
func (s *seen) WriteHeader(status int) {
	if s.status == 0 && status >= 200 {
		s.status = status
	}
	s.ResponseWriter.WriteHeader(status)
}

// Write implements io.Writer.
func (s *seen) Write(p []byte) (int, error) {
	n, err := s.ResponseWriter.Write(p)
	s.bytes += int64(n)
	return n, err
}

// ReadFrom implements io.ReaderFrom.
func (s *seen) ReadFrom(src io.Reader) (n int64, err error) {
	if to, can := s.ResponseWriter.(io.ReaderFrom); can {
		n, err = to.ReadFrom(src)
	} else {
		n, err = io.Copy(struct{ io.Writer }{s.ResponseWriter}, src)
	}
	s.bytes += n
	return n, err
}

// Unwrap is what http.ResponseController looks for.
func (s *seen) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// answered is the status that the client was sent.
func (s *seen) answered() int {
	if s.status == 0 {
		return http.StatusOK
	}
	return s.status
}
