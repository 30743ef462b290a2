// SPDX-License-Identifier: Apache-2.0

package httplimit

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func isUpload(r *http.Request) bool { return r.URL.Path == "/v1/packages" }

// TestBodies sends bodies that never end, and one that is slow but moves, all in the time of a bubble.
func TestBodies(t *testing.T) {
	for name, tt := range map[string]struct {
		path  string
		pause time.Duration // before each byte but the first, of ten that are promised
		send  int
		want  int64
		after time.Duration
	}{
		"a report that stops":      {"/v1/reports", 0, 1, 1, bodyTime},
		"a report that trickles":   {"/v1/reports", bodyTime * 2 / 7, 10, 4, bodyTime},
		"a feed request that does": {"/tuf/metadata/timestamp.json", 0, 1, 1, bodyTime},
		"an upload that stops":     {"/v1/packages", uploadPause / 2, 3, 3, 2 * uploadPause},
		"an upload that moves":     {"/v1/packages", uploadPause - time.Second, 10, 10, 9 * (uploadPause - time.Second)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				begun, read, waited := time.Now(), int64(0), time.Duration(0)
				s := &http.Server{Handler: Bodies(isUpload, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					read, _ = io.Copy(io.Discard, r.Body)
					waited = time.Since(begun)
				}))}
				l := &listener{conns: make(chan net.Conn, 1)}
				l.conns <- far
				go s.Serve(l)
				go func() {
					defer near.Close()
					fmt.Fprintf(near, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n", tt.path)
					for i := range tt.send {
						if i > 0 {
							time.Sleep(tt.pause)
						}
						if _, err := near.Write([]byte("x")); err != nil {
							break // the server has cut it off
						}
					}
					_, _ = io.Copy(io.Discard, near)
				}()
				time.Sleep(time.Hour)
				synctest.Wait()
				if read != tt.want || waited != tt.after {
					t.Errorf("%d bytes were read in %s, wanted %d in %s", read, waited, tt.want, tt.after)
				}
				s.Close()
			})
		})
	}
}

// listener hands out connections that are made in this process.
type listener struct{ conns chan net.Conn }

func (l *listener) Accept() (net.Conn, error) {
	c, open := <-l.conns
	if !open {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (l *listener) Close() error {
	close(l.conns)
	return nil
}

func (l *listener) Addr() net.Addr { return &net.UnixAddr{} }
