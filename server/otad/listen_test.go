// SPDX-License-Identifier: Apache-2.0

package otad

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"landed/server/httplimit"
)

// servingBoth starts "otad serve" with a listener of its own for console and health.
func servingBoth(t *testing.T, data string, flags ...string) (public, admin string, end func() result) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	dir, done := t.TempDir(), make(chan result, 1)
	files := []string{filepath.Join(dir, "public"), filepath.Join(dir, "admin")}
	args := append([]string{"serve", "--data", data, "--addr=127.0.0.1:0", "--addr-file", files[0],
		"--admin-addr=127.0.0.1:0", "--admin-addr-file", files[1]}, flags...)
	go func() { done <- run(ctx, nil, args...) }()
	var ended *result
	end = func() result {
		if ended == nil {
			cancel()
			r := <-done
			ended = &r
		}
		return *ended
	}
	t.Cleanup(func() { end() })
	var addrs [2]string
	for i, deadline := 0, time.Now().Add(2*time.Minute); i < len(files); {
		if text, err := os.ReadFile(files[i]); err == nil && strings.HasSuffix(string(text), "\n") {
			addrs[i] = strings.TrimSpace(string(text))
			i++
			continue
		}
		select {
		case r := <-done:
			ended = &r
			t.Fatalf("serve ended: %+v", r)
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatal("serve did not say where it listens")
		}
	}
	return addrs[0], addrs[1], end
}

// stall opens n connections that begin to send, and do not go on until they are ended.
func stall(t *testing.T, addr string, n int) (end func()) {
	t.Helper()
	var all []net.Conn
	end = func() {
		for _, conn := range all {
			conn.Close()
		}
	}
	for range n {
		conn, err := net.DialTimeout("tcp", addr, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, conn)
		if _, err := io.WriteString(conn, "POST /v1/reports HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"+
			"Content-Length: 100\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
	}
	return end
}

// While strangers hold every connection of the public listener, the other one answers: health, and the console.
func TestAdminAnswersWhilePublicStalls(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	token := strings.TrimSpace(run(context.Background(), nil, "init", "--data", data, "--token-only").stdout)
	public, admin, _ := servingBoth(t, data, "--max-connections=300")
	defer stall(t, public, 320)()
	client := &http.Client{Timeout: time.Minute}
	for _, tt := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/healthz", 200}, {"GET", "/readyz", 200}, {"POST", "/v1/rollouts/none/halt", 404}, {"GET", "/v1/audit", 200},
	} {
		r, err := http.NewRequest(tt.method, "http://"+admin+tt.path, strings.NewReader(`{"reason":"it is bad"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		begun := time.Now()
		resp, err := client.Do(r)
		for err == nil && tt.path == "/readyz" && resp.StatusCode == http.StatusServiceUnavailable && time.Since(begun) < 2*time.Minute {
			resp.Body.Close() // the machine is slow, and says so in good time
			time.Sleep(100 * time.Millisecond)
			resp, err = client.Do(r)
		}
		if err != nil {
			t.Fatalf("%s: %v", tt.path, err)
		}
		resp.Body.Close()
		t.Logf("%s %s: %s after %s", tt.method, tt.path, resp.Status, time.Since(begun))
		if resp.StatusCode != tt.want {
			t.Errorf("%s %s: %s, wanted %d", tt.method, tt.path, resp.Status, tt.want)
		}
	}
}

// On a shared listener, the reserved connections answer console and health while all others are held.
func TestSharedListenerKeepsConnectionsForControl(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	run(context.Background(), nil, "init", "--data", data, "--token-only")
	url, end := serving(t, data, "--max-connections=200")
	defer end()
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
	ask := func(path string) int {
		t.Helper()
		begun := time.Now()
		resp, err := client.Get(url + path)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		resp.Body.Close()
		t.Logf("%s: %s after %s", path, resp.Status, time.Since(begun))
		return resp.StatusCode
	}
	// Who stalls is let go after some seconds, by a clock that no test has: what is found counts if all were held before and after it.
	for begun := time.Now(); ; {
		end := stall(t, strings.TrimPrefix(url, "http://"), 150) // 136 are for everybody
		before, health, console, after := ask("/"), ask("/healthz"), ask("/v1/audit"), ask("/")
		end()
		if health != 200 || console != 401 {
			t.Fatalf("health is answered %d, the console %d; wanted 200 and 401", health, console)
		}
		if before == 503 && after == 503 {
			return
		}
		if time.Since(begun) > 2*time.Minute {
			t.Fatalf("a page is answered %d and %d while all connections are held; wanted 503", before, after)
		}
	}
}

// TestLogNamesNobody: whatever comes in, no address of a client stands in the log.
func TestLogNamesNobody(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	run(context.Background(), nil, "init", "--data", data, "--token-only")
	public, admin, end := servingBoth(t, data, "--trusted-proxy=127.0.0.1", "--log-json")
	for _, addr := range []string{public, admin} {
		for _, said := range []string{
			"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "GET / HTTP/9.9\r\n\r\n", "\x00\r\n\r\n", "GET /\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: x\r\nBad header\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
			"POST /v1/reports HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{",
			"GET /installations/x HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n",
			"GET /%zz HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.9, nonsense\r\n\r\n",
		} {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(conn, said)
			_ = conn.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, conn)
			conn.Close()
		}
	}
	r := end()
	for _, address := range []string{"127.0.0.1", "203.0.113.", "::1"} {
		if strings.Contains(r.stderr, address) {
			t.Errorf("the log names %s:\n%s", address, r.stderr)
		}
	}
	if !strings.Contains(r.stderr, `"route":"/installations/{ref}"`) {
		t.Errorf("the log tells of no request:\n%s", r.stderr)
	}
}

func TestLimits(t *testing.T) {
	files, known := httplimit.OpenFiles()
	var log bytes.Buffer
	to := slog.New(slog.NewTextHandler(&log, nil))
	for name, tt := range map[string]struct {
		limits limits
		asked  bool
		want   string // in the error; "" for none
	}{
		"usual":         {limits{connections: 100}, true, ""},
		"none":          {limits{connections: 0, perNetwork: -1}, true, "--max-per-network is -1"},
		"a wrong proxy": {limits{connections: 100, trusted: []string{"here"}}, true, `"here" is no address`},
	} {
		if err := tt.limits.check(to, tt.asked, false); tt.want == "" && err != nil ||
			tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !known || files > 1<<30 {
		t.Skip("this system has no bound of open files")
	}
	l := limits{connections: int(files)}
	if err := l.check(to, true, false); err == nil || !strings.Contains(err.Error(), fmt.Sprint("allows ", files)) {
		t.Errorf("more connections than files: %v", err)
	}
	if err := l.check(to, false, true); err != nil || 2*l.connections > int(files) || !strings.Contains(log.String(), "few open files") {
		t.Errorf("the default did not give way: %v, %d connections, log %s", err, l.connections, &log)
	}
}

// TestSmallCells: by itself a server tells the public of no small number, and staff of all; without a listener for them it says
// what nobody sees.
func TestSmallCells(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	if r := run(context.Background(), nil, "init", "--data", data, "--admin", "root"); r.code != 0 {
		t.Fatal(r)
	}
	schema := func(addr string) string {
		t.Helper()
		resp, err := http.Get("http://" + strings.TrimPrefix(addr, "http://") + "/status.json")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	public, admin, end := servingBoth(t, data)
	if text := schema(public); !strings.Contains(text, `"threshold": 20`) {
		t.Errorf("the public is told: %s", text)
	}
	if text := schema(admin); !strings.Contains(text, `"schema": 1`) || strings.Contains(text, "threshold") {
		t.Errorf("staff are told: %s", text)
	}
	if r := end(); r.code != 0 || strings.Contains(r.stderr, "exact numbers") {
		t.Errorf("%+v", r)
	}
	addr, ended := serving(t, data)
	if text := schema(addr); !strings.Contains(text, `"threshold": 20`) {
		t.Errorf("where there is one listener: %s", text)
	}
	if r := ended(); r.code != 0 || !strings.Contains(r.stderr, "exact numbers are on no page") {
		t.Errorf("%+v", r)
	}
	addr, ended = serving(t, data, "--small-cells", "0")
	if text := schema(addr); !strings.Contains(text, `"schema": 1`) {
		t.Errorf("of everything: %s", text)
	}
	if r := ended(); r.code != 0 || strings.Contains(r.stderr, "exact numbers") {
		t.Errorf("%+v", r)
	}
	if r := run(context.Background(), nil, "serve", "--data", data, "--small-cells", "9"); r.code == 0 ||
		!strings.Contains(r.stderr, "below 9 are to be hidden") || !strings.Contains(r.stderr, "10 to") {
		t.Errorf("%+v", r)
	}
	if r := run(context.Background(), nil, "serve", "--data", data, "--open-reports"); r.code == 0 || !strings.Contains(r.stderr, "--small-cells 0") {
		t.Errorf("%+v", r)
	}
}
