// SPDX-License-Identifier: Apache-2.0

package httplimit

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
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

// TestRefusedBeforeItIsSent: of a sender who waits to be told to send nothing is read, and the refusal comes at once.
func TestRefusedBeforeItIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		s := &http.Server{Handler: Bodies(isUpload, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Body.(interface{ Drain(time.Duration) }).Drain(time.Hour)
			w.WriteHeader(http.StatusUnprocessableEntity)
		}))}
		l := &listener{conns: make(chan net.Conn, 1)}
		l.conns <- far
		go s.Serve(l)
		begun := time.Now()
		fmt.Fprint(near, "POST /v1/packages HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3221395066\r\n\r\n")
		got, err := io.ReadAll(near)
		if err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 422 ") || time.Since(begun) != 0 {
			t.Errorf("after %s: %q, %v", time.Since(begun), got, err)
		}
		s.Close()
		synctest.Wait()
	})
}

// TestDrainEnds: of a sender who sends on, or stands still, so much is read as was said.
func TestDrainEnds(t *testing.T) {
	for name, pause := range map[string]time.Duration{"sends on": time.Second, "stands still": time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				drained := make(chan time.Duration, 1)
				s := &http.Server{Handler: Bodies(isUpload, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					begun := time.Now()
					r.Body.(interface{ Drain(time.Duration) }).Drain(5 * time.Second)
					drained <- time.Since(begun)
				}))}
				l := &listener{conns: make(chan net.Conn, 1)}
				l.conns <- far
				go s.Serve(l)
				go func() {
					fmt.Fprint(near, "POST /v1/packages HTTP/1.1\r\nHost: x\r\nContent-Length: 3221395066\r\n\r\n")
					for range 100 {
						time.Sleep(pause)
						if _, err := near.Write([]byte("x")); err != nil {
							return
						}
					}
				}()
				go io.Copy(io.Discard, near)
				time.Sleep(time.Minute)
				if took := <-drained; took != 5*time.Second {
					t.Errorf("it took %s", took)
				}
				near.Close()
				s.Close()
				time.Sleep(200 * time.Hour)
			})
		})
	}
}

// TestWholeBodiesLeaveTime: once a body is whole, its handler may work on, longer than the body had.
func TestWholeBodiesLeaveTime(t *testing.T) {
	for _, path := range []string{"/v1/reports", "/v1/packages"} {
		synctest.Test(t, func(t *testing.T) {
			near, far := net.Pipe()
			s := &http.Server{Handler: Bodies(isUpload, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				time.Sleep(time.Hour)
				if err := r.Context().Err(); err != nil {
					t.Errorf("%s: %v", path, err)
				}
			}))}
			l := &listener{conns: make(chan net.Conn, 1)}
			l.conns <- far
			go s.Serve(l)
			fmt.Fprintf(near, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx", path)
			_, _ = io.ReadAll(near)
			s.Close()
			synctest.Wait()
		})
	}
}
