// SPDX-License-Identifier: Apache-2.0

package server

import (
	"io"
	"net/http"
	"time"
)

// How long a sender may take. Bodies are small, but for packages: those may take hours, as long
// as they do not stand still.
const (
	bodyPatience   = 15 * time.Second
	uploadPatience = time.Minute
)

// patience bounds how long a body may take to arrive, so that senders who never finish do not
// use up the connections of those who do.
func patience(body, upload time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength == 0 {
			next.ServeHTTP(w, r)
			return
		}
		rc := http.NewResponseController(w)
		if r.Method == http.MethodPost && r.URL.Path == "/v1/packages" {
			r.Body = &moving{r.Body, rc, upload}
		} else {
			_ = rc.SetReadDeadline(time.Now().Add(body)) // a recorder in a test has none
		}
		next.ServeHTTP(w, r)
	})
}

// moving is a body that may take as long as it likes while it moves.
type moving struct {
	io.ReadCloser
	rc       *http.ResponseController
	patience time.Duration
}

// Read implements io.Reader.
func (m *moving) Read(p []byte) (int, error) {
	_ = m.rc.SetReadDeadline(time.Now().Add(m.patience))
	return m.ReadCloser.Read(p)
}
