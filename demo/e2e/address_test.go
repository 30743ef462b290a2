// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// Whoever speaks to the server from these can be told from everything else on this machine: the one is the peer of
// every connection, the other stands in the X-Forwarded-For of a proxy.
var (
	strange   = netip.MustParseAddr("127.66.77.88")
	forwarded = netip.MustParseAddr("203.0.113.77")
)

// stranger NAME: everything that is sent to the address in the variable NAME reaches the server from 127.66.77.88, for
// 203.0.113.77.
func stranger(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: stranger NAME")
	}
	server, err := url.Parse(ts.Getenv("OTACTL_URL"))
	ts.Check(err)
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(server)
			r.Out.Header.Set("X-Forwarded-For", forwarded.String())
		},
		Transport: &http.Transport{DialContext: strangeDialer().DialContext},
	}
	s := httptest.NewServer(proxy)
	ts.Defer(s.Close)
	ts.Setenv(args[0], s.URL)
}

func strangeDialer() *net.Dialer {
	return &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IP(strange.AsSlice())}}
}

// canBeStrange says if this machine lets a program speak from 127.66.77.88, as Linux does.
func canBeStrange() bool {
	l, err := net.Listen("tcp", net.JoinHostPort(strange.String(), "0"))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// shouts are requests that are wrong, or not whole.
var shouts = []string{
	"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "GET / HTTP/9.9\r\n\r\n", "\x00\r\n\r\n", "GET /\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\nBad header\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.77\r\nX: " + strings.Repeat("x", 100<<10) + "\r\n\r\n",
	"GET /%zz HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.77, nonsense\r\n\r\n",
	"GET /installations/127.66.77.88 HTTP/1.1\r\nHost: x\r\nForwarded: for=203.0.113.77\r\nX-Real-IP: 203.0.113.77\r\n\r\n",
	"POST /v1/reports HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.77\r\nContent-Length: 10\r\n\r\n{",
	"POST /v1/reports HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n{",
	"POST /v1/reports HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.77\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
	"POST /v1/packages?name=x HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.77\r\nAuthorization: Bearer nonsense\r\nContent-Length: 9\r\n\r\nx",
	"POST /v1/rollouts/x/halt HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.77\r\nContent-Length: 0\r\n\r\n",
}

// flood URL N: N good reports by way of URL, each from another installation, while N connections to the server begin a
// request and stall; then every shout, cut off.
func flood(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: flood URL N")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	var stalled []net.Conn
	defer func() {
		for _, conn := range stalled {
			conn.Close()
		}
	}()
	for i := range n {
		said := shouts[i%len(shouts)]
		conn, err := shout(ts, said[:min(len(said)-1, 160)])
		ts.Check(err)
		stalled = append(stalled, conn)
	}
	answers, mu := map[string]int{}, sync.Mutex{}
	var senders sync.WaitGroup
	for part := range 4 {
		senders.Go(func() {
			for i := part; i < n; i += 4 {
				got, err := post(args[0], sealed(fmt.Sprint("stranger ", i), 1, asIs))
				mu.Lock()
				answers[fmt.Sprint(got, err)]++
				mu.Unlock()
			}
		})
	}
	senders.Wait()
	ts.Logf("%v", answers)
	if answers["new<nil>"] == 0 {
		ts.Fatalf("no report was taken")
	}
	for _, said := range shouts {
		conn, err := shout(ts, said)
		ts.Check(err)
		_ = conn.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, conn)
		conn.Close()
	}
}

func shout(ts *testscript.TestScript, said string) (net.Conn, error) {
	at, err := url.Parse(ts.Getenv("OTACTL_URL"))
	ts.Check(err)
	conn, err := strangeDialer().Dial("tcp", at.Host)
	if err == nil {
		_, _ = io.WriteString(conn, said) // a server that has heard enough hangs up
	}
	return conn, err
}

// unwritten FILE|FOLDER...: neither of the two addresses stands in any of the files, in words, in hexadecimal or in
// bytes; nor does the network of either. Folders are read to their end.
func unwritten(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: unwritten FILE|FOLDER...")
	}
	read, found := 0, ""
	for _, arg := range args {
		if arg == "stdout" || arg == "stderr" {
			read++
			found += addressesIn(arg, []byte(ts.ReadFile(arg)))
			continue
		}
		ts.Check(filepath.WalkDir(ts.MkAbs(arg), func(path string, e os.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return err
			}
			text, err := os.ReadFile(path)
			read++
			found += addressesIn(path, text)
			return err
		}))
	}
	if read == 0 || (found != "") != neg {
		ts.Fatalf("%d files were read; found: %s", read, found)
	}
}

// addressesIn finds the forms of both addresses. Keys, hashes and signatures are drawn anew in each run: what is short enough to stand in
// one of them by chance is looked for between bounds, and what is longer wherever it stands.
func addressesIn(file string, text []byte) (found string) {
	lower := bytes.ToLower(text)
	for _, a := range []netip.Addr{strange, forwarded} {
		four, six := a.As4(), a.As16()
		network, _, _ := strings.Cut(a.String(), fmt.Sprint(".", four[3]))
		for form, bounds := range map[string]string{network: "", fmt.Sprintf("%x", six[10:]): "", fmt.Sprintf("%x", four): "0123456789abcdef",
			fmt.Sprintf("%x", four[:3]): "0123456789abcdef", fmt.Sprint(binary.BigEndian.Uint32(four[:])): "0123456789"} {
			if standsIn(lower, form, bounds) {
				found += fmt.Sprintf("\n%s holds %q", file, form)
			}
		}
		if bytes.Contains(text, four[:]) {
			found += fmt.Sprintf("\n%s holds the bytes %x", file, four)
		}
	}
	return found
}

// standsIn says that a text holds a form that is no part of a longer run of some characters.
func standsIn(text []byte, form, run string) bool {
	for {
		at := bytes.Index(text, []byte(form))
		if at < 0 {
			return false
		}
		end := at + len(form)
		if (at == 0 || strings.IndexByte(run, text[at-1]) < 0) && (end == len(text) || strings.IndexByte(run, text[end]) < 0) {
			return true
		}
		text = text[at+1:]
	}
}

// scrape FILE: the metrics, by the token in OTACTL_TOKEN.
func scrape(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: scrape FILE")
	}
	text := strings.Join(metrics(ts, ts.Getenv("OTACTL_URL")), "\n") + "\n"
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// metrics are the lines of /metrics of a server.
func metrics(ts *testscript.TestScript, url string) []string {
	r, err := http.NewRequest(http.MethodGet, url+"/metrics", nil)
	ts.Check(err)
	r.Header.Set("Authorization", "Bearer "+ts.Getenv("OTACTL_TOKEN"))
	resp, err := http.DefaultClient.Do(r)
	ts.Check(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	ts.Check(err)
	if resp.StatusCode != http.StatusOK {
		ts.Fatalf("metrics: %s", resp.Status)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}
