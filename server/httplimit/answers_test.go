// SPDX-License-Identifier: Apache-2.0

package httplimit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-chi/chi/v5/middleware"
	"github.com/google/go-cmp/cmp"
)

// sparse is a file of n zeros that take no place.
func sparse(t testing.TB, n int64) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "sparse"))
	if err == nil {
		err = f.Truncate(n)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// TestReadersWhoStandStill asks for answers and reads nothing of them.
func TestReadersWhoStandStill(t *testing.T) {
	const size = 64 << 20 // more than all buffers between the two hold
	short := pace{answer: 30 * time.Millisecond, piece: 60 * time.Millisecond, size: 64 << 10}
	for name, serve := range map[string]func(w http.ResponseWriter, r *http.Request) error{
		"a file": func(w http.ResponseWriter, r *http.Request) error {
			_, err := io.CopyN(w, sparse(t, size), size)
			return err
		},
		"a file in chunks": func(w http.ResponseWriter, r *http.Request) error {
			_, err := io.Copy(w, sparse(t, size))
			return err
		},
		"a file behind the router's wrapper": func(w http.ResponseWriter, r *http.Request) error {
			_, err := io.CopyN(middleware.NewWrapResponseWriter(w, 1), sparse(t, size), size)
			return err
		},
		"content from elsewhere": func(w http.ResponseWriter, r *http.Request) error {
			_, err := io.Copy(w, io.LimitReader(zeros{}, size))
			return err
		},
		"one large write": func(w http.ResponseWriter, r *http.Request) error {
			_, err := w.Write(make([]byte, size))
			return err
		},
		"many small ones": func(w http.ResponseWriter, r *http.Request) (err error) {
			for range size >> 10 {
				if _, err = w.Write(make([]byte, 1<<10)); err != nil {
					break
				}
			}
			return err
		},
		"flushed events": func(w http.ResponseWriter, r *http.Request) (err error) {
			for range size >> 16 {
				_, _ = w.Write(make([]byte, 1<<16))
				if err = http.NewResponseController(w).Flush(); err != nil {
					break
				}
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan error, 1)
			s := httptest.NewServer(short.bound(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { ended <- serve(w, r) })))
			defer s.Close()
			conn := dial(t, s)
			fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			select {
			case err := <-ended:
				if !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("the answer ended with %v", err)
				}
			case <-time.After(2 * time.Minute):
				t.Error("the server still waits")
			}
		})
	}
}

// One who asks again and again without reading fills the buffers with small answers.
func TestAskingWithoutReading(t *testing.T) {
	short := pace{answer: 30 * time.Millisecond, piece: 60 * time.Millisecond, size: 64 << 10}
	s := httptest.NewServer(short.bound(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Fill", string(bytes.Repeat([]byte("x"), 3000)))
		w.WriteHeader(http.StatusNoContent) // and no Write
	})))
	defer s.Close()
	conn := dial(t, s)
	if err := conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	request := bytes.Repeat([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 1000)
	for {
		_, err := conn.Write(request)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("the server still waits")
		}
		if err != nil {
			return // it hung up
		}
	}
}

// A deadline that has passed says nothing about the next request on the connection. In the time of
// a bubble: a busy machine may need longer for an answer than it is given here.
func TestDeadlinesEndWithTheirAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		answer := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(make([]byte, 100)) }))
		s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/bound" {
				slowest.bound(answer).ServeHTTP(w, r)
				return
			}
			answer.ServeHTTP(w, r)
		})}
		l := &listener{conns: make(chan net.Conn, 1)}
		l.conns <- far
		go s.Serve(l)
		from := bufio.NewReader(near)
		for i, path := range []string{"/bound", "/free", "/bound", "/bound", "/free"} {
			fmt.Fprintf(near, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
			resp, err := http.ReadResponse(from, nil)
			if err != nil {
				t.Fatalf("request %d on the connection: %v", i, err)
			}
			if n, err := io.Copy(io.Discard, resp.Body); n != 100 || err != nil {
				t.Fatalf("request %d: %d bytes, %v", i, n, err)
			}
			time.Sleep(2 * slowest.answer)
		}
		near.Close()
		s.Close()
	})
}

// Once time has passed, each piece gets a new deadline, and so does what is left in the end.
func TestDeadlinesMove(t *testing.T) {
	below := &steps{t: t}
	pace{answer: time.Nanosecond, piece: time.Nanosecond, size: 10}.bound(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, 15))
		_, _ = io.CopyN(w, sparse(t, 100), 15)
	})).ServeHTTP(below, nil)
	if diff := cmp.Diff([]string{"0h", "write 10", "0h", "write 5", "0h", "send 10", "0h", "send 5", "0h"}, below.done); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

// TestEachPieceHasItsTime holds the order of deadlines and writes against what they should be; one that was
// set a moment ago stands.
func TestEachPieceHasItsTime(t *testing.T) {
	p := pace{answer: time.Hour, piece: 5 * time.Hour, size: 10}
	for _, tt := range []struct {
		name string
		do   func(w http.ResponseWriter) (int64, error)
		want []string
		n    int64
	}{
		{"nothing", func(http.ResponseWriter) (int64, error) { return 0, nil }, []string{"1h"}, 0},
		{"a status alone", func(w http.ResponseWriter) (int64, error) { w.WriteHeader(304); return 0, nil }, []string{"status", "1h"}, 0},
		{"an empty write", func(w http.ResponseWriter) (int64, error) { n, err := w.Write(nil); return int64(n), err }, []string{"1h", "write 0"}, 0},
		{"a small answer", func(w http.ResponseWriter) (int64, error) { n, err := w.Write(make([]byte, 10)); return int64(n), err }, []string{"1h", "write 10"}, 10},
		{"a large one", func(w http.ResponseWriter) (int64, error) { n, err := w.Write(make([]byte, 25)); return int64(n), err },
			[]string{"1h", "write 10", "5h", "write 10", "write 5"}, 25},
		{"a part of a file", func(w http.ResponseWriter) (int64, error) { return io.CopyN(w, sparse(t, 100), 25) },
			[]string{"1h", "send 10", "5h", "send 10", "send 5"}, 25},
		{"a file that ends early", func(w http.ResponseWriter) (int64, error) {
			n, err := io.CopyN(w, sparse(t, 15), 25)
			if err == io.EOF {
				err = nil
			}
			return n, err
		}, []string{"1h", "send 10", "5h", "send 5"}, 15},
		{"nothing of a file", func(w http.ResponseWriter) (int64, error) { return io.Copy(w, io.LimitReader(sparse(t, 15), 0)) }, []string{"1h"}, 0},
		{"behind the router's wrapper", func(w http.ResponseWriter) (int64, error) {
			return io.CopyN(middleware.NewWrapResponseWriter(w, 1), sparse(t, 100), 15)
		}, []string{"status", "1h", "send 10", "5h", "send 5"}, 15},
	} {
		t.Run(tt.name, func(t *testing.T) {
			below := &steps{t: t}
			var n int64
			p.bound(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				var err error
				if n, err = tt.do(w); err != nil {
					t.Error(err)
				}
			})).ServeHTTP(below, nil)
			if diff := cmp.Diff(tt.want, below.done); diff != "" || n != tt.n {
				t.Errorf("%d bytes, wanted %d; steps (-want +got):\n%s", n, tt.n, diff)
			}
		})
	}
}

// steps is a ResponseWriter that notes what is asked of it. It wants files as the kernel can send them.
type steps struct {
	t    *testing.T
	done []string
}

func (s *steps) Header() http.Header { return http.Header{} }
func (s *steps) WriteHeader(int)     { s.done = append(s.done, "status") }
func (s *steps) Flush()              {}
func (s *steps) SetWriteDeadline(at time.Time) error {
	s.done = append(s.done, fmt.Sprintf("%dh", time.Until(at).Round(time.Hour)/time.Hour))
	return nil
}
func (s *steps) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, http.ErrNotSupported }
func (s *steps) Write(p []byte) (int, error) {
	s.done = append(s.done, fmt.Sprintf("write %d", len(p)))
	return len(p), nil
}
func (s *steps) ReadFrom(src io.Reader) (int64, error) {
	limited, ok := src.(*io.LimitedReader)
	if !ok {
		s.t.Fatalf("got a %T to read from, wanted a LimitedReader", src)
	}
	if _, isFile := limited.R.(syscall.Conn); !isFile {
		s.t.Errorf("below the limit is a %T; net/http sends only files by sendfile", limited.R)
	}
	n, err := io.Copy(io.Discard, src)
	s.done = append(s.done, fmt.Sprintf("send %d", n))
	return n, err
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func dial(t *testing.T, s *httptest.Server) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// BenchmarkAnswers measures small answers and files with and without the bound, by turns in one run.
func BenchmarkAnswers(b *testing.B) {
	for name, size := range map[string]int64{"poll": 470, "file": 64 << 20} {
		b.Run(name, func(b *testing.B) {
			path := sparse(b, size).Name()
			body := make([]byte, size)
			bare := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if size < 1<<20 {
					_, _ = w.Write(body)
					return
				}
				f, err := os.Open(path)
				if err != nil {
					b.Error(err)
					return
				}
				defer f.Close()
				http.ServeContent(w, r, "", time.Time{}, f)
			})
			bound, free := httptest.NewServer(slowest.bound(bare)), httptest.NewServer(bare)
			defer bound.Close()
			defer free.Close()
			round := max(1, int(100_000/size))
			var spent [2]time.Duration
			for b.Loop() {
				for i, s := range []*httptest.Server{bound, free} {
					start := time.Now()
					for range round {
						resp, err := http.Get(s.URL)
						if err != nil {
							b.Fatal(err)
						}
						if n, err := io.Copy(io.Discard, resp.Body); n != size || err != nil {
							b.Fatal(n, err)
						}
						resp.Body.Close()
					}
					spent[i] += time.Since(start)
				}
			}
			b.ReportMetric(spent[1].Seconds()/spent[0].Seconds(), "ratio")
		})
	}
}
