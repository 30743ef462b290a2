// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"landed/demo/served"
	"landed/manifests/tufrepo"
	"landed/server/httplimit"
)

// stall N ADDRESS DOOR: so many clients ask for the package at DOOR and do not read it, until the script ends; stall end
// ends them before. ADDRESS is where they come from: loopback, whose share is not bounded, as if they came from many
// networks; or outside, which is another address of this machine. It counts who got what, and wants all to be there.
func stall(ts *testscript.TestScript, neg bool, args []string) {
	s := stateOf(ts)
	if !neg && len(args) == 1 && args[0] == "end" {
		s.unstall()
		return
	}
	if neg || len(args) != 3 {
		ts.Fatalf("usage: stall N loopback|outside DOOR | stall end")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	host := "127.0.0.1"
	if args[1] == "outside" {
		if host = outside(); host == "" {
			ts.Logf("this machine has no address but loopback: none of these clients comes from outside")
			return
		}
	}
	n = affordable(ts, n)
	feed := served.Feed{Root: []byte(ts.ReadFile("root.json")), URL: ts.Getenv("OTACTL_URL"), HTTP: fresh()}
	ctx, cancel := withPatience()
	defer cancel()
	path, err := packageOf(ctx, feed, "armani")
	ts.Check(err)
	to, err := url.Parse(args[2])
	ts.Check(err)
	ts.Defer(s.unstall)
	got := map[string]int{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			conn, head := stalled(ctx, net.JoinHostPort(host, to.Port()), path)
			mu.Lock()
			defer mu.Unlock()
			if got[head]++; conn != nil {
				s.stalled = append(s.stalled, conn)
			}
		})
		time.Sleep(200 * time.Microsecond) // the kernel takes a burst of connections as an attack of another kind
	}
	all.Wait()
	ts.Logf("of %d clients from %s that do not read: %s", n, args[1], inWords(got))
	if got["download"] == 0 || got["no connection"] > 0 {
		ts.Fatalf("wanted downloads that stall, and no client without a connection")
	}
}

// stalled opens a connection, asks for path and reads no more than tells what became of it. Nothing for a while is a
// place in the queue. Whoever is told to come later lets go.
func stalled(ctx context.Context, addr, path string) (net.Conn, string) {
	d := net.Dialer{Timeout: time.Minute, Control: narrow}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, "no connection"
	}
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: stall\r\n\r\n", path)
	_ = conn.SetReadDeadline(time.Now().Add(4 * time.Second))
	head := make([]byte, len("HTTP/1.1 200"))
	read, err2 := conn.Read(head)
	switch timeout, _ := err2.(net.Error); {
	case err == nil && strings.HasSuffix(string(head[:read]), " 200"):
		return conn, "download"
	case timeout != nil && timeout.Timeout():
		return conn, "still in the queue"
	}
	_ = conn.Close()
	return nil, "turned away"
}

func (s *state) unstall() {
	for _, conn := range s.stalled {
		_ = conn.Close()
	}
	s.stalled = nil
}

// affordable is n, or as many as this process and the server it started may have open files for.
func affordable(ts *testscript.TestScript, n int) int {
	files, known := httplimit.OpenFiles()
	const others = 1000
	if !known || uint64(2*n+others) <= files {
		return n
	}
	fit := max(100, (int(files)-others)/2)
	ts.Logf("%d clients would need %d open files, and the system allows %d (ulimit -n): there are %d", n, 2*n+others, files, fit)
	return fit
}

// outside is an IPv4 address of this machine that is not loopback; "" if there is none.
func outside() string {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return ""
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			return n.IP.String()
		}
	}
	return ""
}

// packageOf is the path at which the first package of a model is served.
func packageOf(ctx context.Context, f served.Feed, model string) (string, error) {
	targets, err := f.Targets(ctx, model)
	for _, t := range targets {
		if strings.HasSuffix(t.Path, ".zip") {
			return "/tuf/targets/" + tufrepo.StoredTarget(t.Path, t.SHA256), nil
		}
	}
	return "", fmt.Errorf("the feed has no package of %s: %w", model, err)
}
