// SPDX-License-Identifier: Apache-2.0

//go:build unix

package server

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// viewersVariable has the process of the viewers know whom to ask, how many they are, and for how long.
const viewersVariable = "LANDED_VIEWERS"

// saw is what viewers saw.
type saw struct {
	Polls, Changed, Bytes int64
	P99                   float64 // milliseconds
}

// viewerProcess is a process of viewers, so that what they cost is not taken for what the server does.
type viewerProcess struct {
	b   *testing.B
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// startViewers starts so many viewers. When it returns, each has the page.
func startViewers(b *testing.B, address string, many int, viewed time.Duration) *viewerProcess {
	b.Helper()
	if many == 0 {
		return &viewerProcess{}
	}
	p := &viewerProcess{b: b, cmd: exec.Command(os.Args[0], "-test.run=^TestViewers$", "-test.v=false")}
	p.cmd.Env = append(os.Environ(), viewersVariable+"="+strings.Join([]string{address, strconv.Itoa(many), viewed.String()}, " "))
	in, err1 := p.cmd.StdinPipe()
	out, err2 := p.cmd.StdoutPipe()
	p.cmd.Stderr = os.Stderr
	for _, err := range []error{err1, err2, p.cmd.Start()} {
		if err != nil {
			b.Fatal(err)
		}
	}
	p.in, p.out = in, bufio.NewReader(out)
	b.Cleanup(func() { _ = p.cmd.Process.Kill() })
	if line, err := p.out.ReadString('\n'); line != "ready\n" {
		b.Fatalf("the viewers say %q, %v", line, err)
	}
	return p
}

func (p *viewerProcess) begin() {
	if p.in != nil {
		_ = p.in.Close()
	}
}

func (p *viewerProcess) end() (s saw) {
	if p.in == nil {
		return s
	}
	if err := json.NewDecoder(p.out).Decode(&s); err != nil {
		p.b.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, p.out)
	if err := p.cmd.Wait(); err != nil {
		p.b.Fatal(err)
	}
	return s
}

// TestViewers is the process of the viewers.
func TestViewers(t *testing.T) {
	told := strings.Fields(os.Getenv(viewersVariable))
	if len(told) != 3 {
		t.Skip("it is the process of the viewers of BenchmarkPages")
	}
	many, err1 := strconv.Atoi(told[1])
	viewed, err2 := time.ParseDuration(told[2])
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	var group sync.WaitGroup
	var mu sync.Mutex
	var all saw
	var each []time.Duration
	ready := make(chan struct{})
	for n := range many {
		v := newViewer(t, told[0], []string{"en", "zh-Hans", "zh-Hant"}[n%3])
		defer v.Close()
		v.get(t, "/", "")
		group.Go(func() {
			<-ready
			over := time.After(viewed)
			time.Sleep(pagePolls * time.Duration(n) / time.Duration(many))
			read := v.read
			for tick := time.NewTicker(pagePolls); ; {
				began := time.Now()
				code := v.get(t, "/", v.etag)
				took := time.Since(began)
				mu.Lock()
				if each, all.Polls = append(each, took), all.Polls+1; code == http.StatusOK {
					all.Changed++
				}
				mu.Unlock()
				select {
				case <-over:
					mu.Lock()
					all.Bytes += v.read - read
					mu.Unlock()
					return
				case <-tick.C:
				}
			}
		})
	}
	if _, err := os.Stdout.WriteString("ready\n"); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // until the benchmark begins
	close(ready)
	group.Wait()
	slices.Sort(each)
	all.P99 = float64(each[(len(each)-1)*99/100].Microseconds()) / 1000
	if err := json.NewEncoder(os.Stdout).Encode(all); err != nil {
		t.Fatal(err)
	}
}

// viewer is a browser that costs little: one connection, which counts what comes.
type viewer struct {
	net.Conn
	from *bufio.Reader
	tag  string
	read int64 // bytes
	last int64 // of the last answer
	etag string
}

func newViewer(t testing.TB, address, tag string) *viewer {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	v := &viewer{Conn: conn, tag: tag}
	v.from = bufio.NewReaderSize(readerOf(func(p []byte) (int, error) {
		n, err := conn.Read(p)
		v.read += int64(n)
		return n, err
	}), 64<<10)
	return v
}

type readerOf func([]byte) (int, error)

func (f readerOf) Read(p []byte) (int, error) { return f(p) }

// get asks for a page, and reads all of the answer.
func (v *viewer) get(t testing.TB, path, etag string) int {
	read := v.read
	defer func() { v.last = v.read - read }()
	head := "GET " + path + " HTTP/1.1\r\nHost: landed\r\nAccept: */*\r\nAccept-Encoding: gzip\r\nAccept-Language: " + v.tag + "\r\n"
	if etag != "" {
		head += "If-None-Match: " + etag + "\r\n"
	}
	if _, err := v.Write([]byte(head + "\r\n")); err != nil {
		t.Error(err)
		return 0
	}
	resp, err := http.ReadResponse(v.from, nil)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Error(err)
	}
	v.etag = resp.Header.Get("ETag")
	return resp.StatusCode
}
