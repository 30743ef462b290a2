// SPDX-License-Identifier: Apache-2.0

//go:build unix

package server

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// BenchmarkReportsOverHTTP has the first reports of handsets come in over connections that stay, 64 senders at once, through all
// that stands before the intake, and in turn handed to the intake itself by as many. cpu-us are processor time a report; that of
// what sends over HTTP, which does no more than write what is ready and read what is answered, is in it. x_direct is the one
// against the other; x_bare the same less what a handler costs that reads a body of this size and answers 200, so what the server
// adds to HTTP itself.
func BenchmarkReportsOverHTTP(b *testing.B) {
	const at = 64
	each := 1500
	if testing.Short() { // to see that it works
		each = 150
	}
	h := newReading(b)
	bare, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	plain := &http.Server{
		Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }),
	}
	go plain.Serve(bare) //nolint:errcheck // it ends with the benchmark
	defer plain.Close()
	var cpu [3]time.Duration
	for range b.N {
		for n, take := range []func([]byte) error{
			func(text []byte) error { _, err := h.server.intake.Receive(b.Context(), text); return err },
			nil, nil,
		} {
			texts := h.forge(int64(each))
			senders := make([]func([]byte) error, at)
			for i := range senders {
				if senders[i] = take; n > 0 {
					c := dialed(b, []string{strings.TrimPrefix(h.url, "http://"), bare.Addr().String()}[n-1])
					defer c.conn.Close()
					senders[i] = c.post
				}
			}
			used := processor(b)
			all(b, texts, senders)
			cpu[n] += processor(b) - used
		}
	}
	per := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(b.N*each) }
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(per(cpu[0]), "cpu-us/direct")
	b.ReportMetric(per(cpu[1]), "cpu-us/report")
	b.ReportMetric(per(cpu[2]), "cpu-us/bare")
	b.ReportMetric(float64(cpu[1])/float64(cpu[0]), "x_direct")
	b.ReportMetric(float64(cpu[1]-cpu[2])/float64(cpu[0]), "x_bare")
}

// all has so many senders send the texts.
func all(b *testing.B, texts [][]byte, senders []func([]byte) error) {
	var next atomic.Int64
	var group sync.WaitGroup
	for _, send := range senders {
		group.Go(func() {
			for n := next.Add(1) - 1; n < int64(len(texts)); n = next.Add(1) - 1 {
				if err := send(texts[n]); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
}

// sender is a connection that costs next to nothing on this side.
type sender struct {
	conn net.Conn
	read *bufio.Reader
}

func dialed(b *testing.B, address string) *sender {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	return &sender{conn, bufio.NewReader(conn)}
}

func (s *sender) post(text []byte) error {
	head := fmt.Appendf(
		nil,
		"POST /v1/reports HTTP/1.1\r\nHost: updates\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
		len(text),
	)
	if _, err := s.conn.Write(append(head, text...)); err != nil {
		return err
	}
	status, err := s.read.ReadSlice('\n')
	if err != nil || !bytes.Contains(status, []byte(" 200 ")) {
		return fmt.Errorf("answered %q, %v", status, err)
	}
	length := 0
	for {
		line, err := s.read.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= 2 {
			break
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
	}
	_, err = s.read.Discard(length)
	return err
}

// processor is how much of it this process used.
func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
