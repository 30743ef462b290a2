// SPDX-License-Identifier: Apache-2.0

package httplimit

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// bounded serves "ok" within bounds; /hold is answered when let is closed, /control may use what is reserved. Nobody is thrown
// out of a reserved place for what a busy machine takes to read a request.
func bounded(t *testing.T, b Bounds) (addr string, let chan struct{}) {
	t.Helper()
	return boundedFor(t, b, 2*time.Minute)
}

// boundedFor is bounded with so much patience in the reserved places.
func boundedFor(t *testing.T, b Bounds, patience time.Duration) (addr string, let chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	let = make(chan struct{})
	ok := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hold" {
			_ = http.NewResponseController(w).Flush()
			<-let
		}
		_, _ = io.WriteString(w, "ok")
	})
	server := &http.Server{Handler: Reserve(func(r *http.Request) bool { return r.URL.Path == "/control" }, ok)}
	limited := Connections(b, l, server, slog.New(slog.DiscardHandler)).(*limit)
	limited.patience = patience
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(limited) }()
	t.Cleanup(func() {
		close(let)
		server.Close()
		<-ended
	})
	return l.Addr().String(), let
}

// While everybody else's places are taken, control is answered, and the others are told to come again.
func TestReservedPlaces(t *testing.T) {
	addr, _ := bounded(t, Bounds{Total: 12, Reserved: 4})
	for range 8 {
		visit(t, addr).ask("/hold")
	}
	for range 20 {
		v := visit(t, addr)
		resp := v.ask("/control")
		if resp.StatusCode != 200 || !resp.Close {
			t.Fatalf("control: %s, closes: %v", resp.Status, resp.Close)
		}
		v.finish(resp)
	}
	resp := visit(t, addr).ask("/")
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") != comeBack || !resp.Close {
		t.Errorf("others: %s, Retry-After %q, closes: %v", resp.Status, resp.Header.Get("Retry-After"), resp.Close)
	}
}

// Who says nothing does not keep a reserved place: control is answered after a while at most.
func TestReservedPlacesAreNotKept(t *testing.T) {
	addr, _ := boundedFor(t, Bounds{Total: 3, Reserved: 2}, reservedPatience)
	visit(t, addr).ask("/hold")
	for range 2 {
		visit(t, addr)
	}
	for deadline := time.Now().Add(2 * time.Minute); ; { // on a busy machine a request may need longer than a place is kept for it
		v := visit(t, addr)
		if resp := v.try("/control"); resp != nil {
			v.finish(resp)
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("control is not answered")
		}
	}
}

// A network has so many connections; one more is told to come again, others are not met by it.
func TestConnectionsPerNetwork(t *testing.T) {
	loopback := func(netip.Addr) bool { return false }
	addr, _ := bounded(t, Bounds{Total: 10, PerNetwork: 2, Exempt: loopback})
	first := visit(t, addr)
	first.finish(first.ask("/"))
	visit(t, addr).ask("/hold")
	third := visit(t, addr)
	resp, err := http.ReadResponse(third.from, nil)
	if err != nil || resp.StatusCode != 503 || resp.Header.Get("Retry-After") != comeBack {
		t.Fatalf("the third: %v, %v", resp, err)
	}
	first.Close()
	for deadline := time.Now().Add(2 * time.Minute); ; {
		if resp := visit(t, addr).try("/"); resp != nil && resp.StatusCode == 200 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("there is no room after a connection ended")
		}
	}
}

func TestLoopbackIsExempt(t *testing.T) {
	addr, _ := bounded(t, Bounds{Total: 10, PerNetwork: 1})
	for range 5 {
		visit(t, addr).ask("/hold")
	}
}

func TestClient(t *testing.T) {
	proxies, err := ParseProxies([]string{"127.0.0.1", "10.1.0.0/16", "2001:db8:1::/48"})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ peer, forwarded, want string }{
		"a peer":                           {"192.0.2.7:99", "", "192.0.2.0/24"},
		"a peer's word counts for nothing": {"192.0.2.7:99", "203.0.113.9", "192.0.2.0/24"},
		"IPv6":                             {"[2001:db8:2:3::1]:99", "", "2001:db8:2::/48"},
		"IPv4 within IPv6":                 {"[::ffff:192.0.2.7]:99", "", "192.0.2.0/24"},
		"the machine itself":               {"[::1]:99", "203.0.113.9", "invalid Prefix"},
		"a proxy":                          {"127.0.0.1:99", "203.0.113.9", "203.0.113.0/24"},
		"two proxies":                      {"127.0.0.1:99", "198.51.100.1, 203.0.113.9, 10.1.2.3", "203.0.113.0/24"},
		"a port":                           {"10.1.9.9:99", "203.0.113.9:4711", "203.0.113.0/24"},
		"a proxy that names nobody":        {"127.0.0.1:99", "", "invalid Prefix"},
		"nonsense before the client":       {"127.0.0.1:99", "x, 203.0.113.9", "203.0.113.0/24"},
		"nonsense":                         {"127.0.0.1:99", "203.0.113.9, unknown", "invalid Prefix"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = tt.peer
		if tt.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tt.forwarded)
		}
		if got := proxies.Client(r).String(); got != tt.want {
			t.Errorf("%s: %s, wanted %s", name, got, tt.want)
		}
	}
	if _, err := ParseProxies([]string{"proxy.example.org"}); err == nil {
		t.Error("a name was taken for an address")
	}
}

// FuzzClient: whatever a header says, the network is that of an address or none.
func FuzzClient(f *testing.F) {
	for _, seed := range []string{"203.0.113.9", "203.0.113.9, 10.1.2.3", "[2001:db8::1]:80", "fe80::1%eth0", ",,,"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, forwarded string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = "127.0.0.1:9"
		r.Header["X-Forwarded-For"] = []string{forwarded}
		p := Proxies{netip.MustParsePrefix("127.0.0.0/8")}.Client(r)
		if p.IsValid() && p.Bits() != 24 && p.Bits() != 48 {
			t.Errorf("%q is of %s", forwarded, p)
		}
	})
}

// Behind a proxy it is the requests of a network that are bounded.
func TestRequestsPerNetwork(t *testing.T) {
	proxies, _ := ParseProxies([]string{"127.0.0.1"})
	within, let := make(chan struct{}), make(chan struct{})
	h := proxies.Requests(1, func(r *http.Request) bool { return r.URL.Path == "/control" },
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/hold" {
				within <- struct{}{}
				<-let
			}
		}))
	ask := func(path, from string) int {
		r, w := httptest.NewRequest("GET", path, nil), httptest.NewRecorder()
		r.RemoteAddr = "127.0.0.1:9"
		r.Header.Set("X-Forwarded-For", from)
		h.ServeHTTP(w, r)
		return w.Code
	}
	done := make(chan struct{})
	go func() { ask("/hold", "203.0.113.9"); close(done) }()
	<-within
	for _, tt := range []struct {
		path, from string
		want       int
	}{{"/", "203.0.113.200", 503}, {"/control", "203.0.113.9", 200}, {"/", "203.0.114.9", 200}, {"/", "", 200}} {
		if got := ask(tt.path, tt.from); got != tt.want {
			t.Errorf("%s from %q: %d, wanted %d", tt.path, tt.from, got, tt.want)
		}
	}
	close(let)
	<-done
	if got := ask("/", "203.0.113.9"); got != 200 {
		t.Errorf("after the first ended: %d", got)
	}
}

// Whatever net/http says, the log names no peer.
func TestErrorLogNamesNobody(t *testing.T) {
	log := &record{}
	l := ErrorLog(slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	for _, line := range []string{
		"http: TLS handshake error from 192.0.2.7:55: tls: first record does not look like a TLS handshake",
		"http: panic serving 192.0.2.7:55: a fault\ngoroutine 1",
		"http: panic serving [2001:db8::1%eth0]:55: a fault",
		"http: Accept error: accept tcp 192.0.2.1:80: accept4: too many open files; retrying in 5ms",
		"http: response.Write on hijacked connection from 192.0.2.7:55",
	} {
		l.Print(line)
	}
	text := log.String()
	if strings.Contains(text, "192.0.2.") || strings.Contains(text, "2001:db8") {
		t.Errorf("the log names a peer: %s", text)
	}
	if !strings.Contains(text, "a fault") || !strings.Contains(text, "too many open files") || strings.Count(text, "\n") != 3 {
		t.Errorf("the log should have two faults and a warning: %s", text)
	}
}
