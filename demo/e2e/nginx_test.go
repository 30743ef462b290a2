// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// behind is a server that nginx stands before: the one at origin, with a line for each request.
type behind struct {
	mu     sync.Mutex
	log    io.Writer
	origin *url.URL
}

func (b *behind) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	to := httputil.NewSingleHostReverseProxy(b.origin)
	to.ModifyResponse = func(resp *http.Response) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		_, err := fmt.Fprintln(b.log, resp.StatusCode, r.Method, r.URL.Path, r.Header.Get("Range"), "for",
			r.Header.Get("X-Forwarded-For"))
		return err
	}
	to.ServeHTTP(w, r)
}

// nginx NAME LOG ADDRFILE: nginx itself, with the file of deploy/ but for addresses, folders and TLS, before the server that wrote
// where it listens to ADDRFILE. Of the two servers that nginx knows, nobody answers at the first. NAME becomes the address of nginx;
// each request that reaches the server is a line of LOG.
func nginx(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: nginx NAME LOG ADDRFILE")
	}
	log, err := os.OpenFile(ts.MkAbs(args[1]), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	ts.Check(err)
	ts.Defer(func() { _ = log.Close() })
	origin, err := url.Parse("http://" + firstLine(ts.ReadFile(args[2])))
	ts.Check(err)
	up := httptest.NewServer(&behind{log: log, origin: origin})
	ts.Defer(up.Close)
	door := doorOf(ts, args[0])
	at := door.Addr().String()
	dir := ts.MkAbs("nginx-" + args[0])
	ts.Check(os.Mkdir(dir, 0o755))
	text, err := os.ReadFile("../../deploy/nginx/nginx.conf")
	ts.Check(err)
	conf := string(text)
	changes := []string{
		"172.30.80.11:8080", "127.0.0.1:1",
		"172.30.80.12:8080", up.Listener.Addr().String(),
		"listen 8443 ssl;", "listen " + at + ";",
		"/tmp/", dir + "/",
		"/var/cache/nginx/", dir + "/",
		"/dev/stderr", dir + "/errors",
		"ssl_certificate ", "# ", "ssl_certificate_key ", "# ", "ssl_protocols ", "# ", "ssl_session_cache ", "# ",
		"ssl_session_tickets ", "# ",
	}
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(conf, changes[i]) {
			ts.Fatalf("deploy/nginx/nginx.conf has no %q any more", changes[i])
		}
	}
	runNginx(ts, door, dir, strings.NewReplacer(changes...).Replace(conf)) // in one pass: the folder may itself lie below /tmp/
}

// doorOf is the socket of a server whose address is in the variable NAME; it is opened if it is not yet there.
func doorOf(ts *testscript.TestScript, name string) net.Listener {
	s := stateOf(ts)
	if s.doors[name] == nil {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		ts.Check(err)
		ts.Defer(func() { _ = l.Close() })
		if s.doors == nil {
			s.doors = map[string]net.Listener{}
		}
		s.doors[name] = l
		ts.Setenv(name, "http://"+l.Addr().String())
	}
	return s.doors[name]
}

// openDoor is door NAME: an address is known before its server is there; NAME becomes it.
func openDoor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: door NAME")
	}
	doorOf(ts, args[0])
}

// runNginx starts nginx with a configuration, at a socket, until the script ends.
func runNginx(ts *testscript.TestScript, door net.Listener, dir, conf string) {
	if os.Geteuid() == 0 {
		conf = "user root;\n" + conf // its workers would be somebody who may not enter the folder
	}
	file := filepath.Join(dir, "nginx.conf")
	ts.Check(os.WriteFile(file, []byte(conf), 0o600))
	// nginx inherits the socket, as in an upgrade of its program: a port that is looked for and given back may be another's by then.
	socket, err := door.(*net.TCPListener).File()
	ts.Check(err)
	defer socket.Close()
	c := exec.Command("nginx", "-p", dir, "-c", file, "-e", filepath.Join(dir, "errors"), "-g", "daemon off;")
	c.Env, c.ExtraFiles = append(os.Environ(), "NGINX=3;"), []*os.File{socket}
	ts.Check(c.Start())
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	ts.Defer(func() { _ = c.Process.Signal(os.Interrupt); <-ended })
	ts.Check(door.Close()) // or whoever comes may be waiting here
	poll(ts, "nginx answers", func() bool {
		select {
		case err := <-ended:
			ended <- err
			said, _ := os.ReadFile(filepath.Join(dir, "errors"))
			ts.Fatalf("nginx ended: %v\n%s", err, said)
		default:
		}
		resp, err := fresh().Get("http://" + door.Addr().String() + "/")
		return err == nil && resp.Body.Close() == nil
	})
}

// ask [-header 'NAME: VALUE']... URL FILE: what a GET is answered, with its status and headers first.
func ask(ts *testscript.TestScript, neg bool, args []string) {
	header := http.Header{}
	for len(args) > 2 && args[0] == "-header" {
		name, value, _ := strings.Cut(args[1], ": ")
		header.Set(name, value)
		args = args[2:]
	}
	if neg || len(args) != 2 {
		ts.Fatalf("usage: ask [-header 'NAME: VALUE']... URL FILE")
	}
	r, err := http.NewRequest(http.MethodGet, args[0], nil)
	ts.Check(err)
	r.Header = header
	resp, err := fresh().Do(r)
	ts.Check(err)
	defer resp.Body.Close()
	head, err := httputil.DumpResponse(resp, false)
	ts.Check(err)
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	text := strings.ReplaceAll(string(head), "\r", "")
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(fmt.Sprintf("%s%d bytes\n", text, len(body))), 0o600))
}

// pathof NAME TEXT LOG: NAME becomes the path in the first line of the log that holds the text.
func pathOf(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: pathof NAME TEXT LOG")
	}
	for line := range strings.Lines(ts.ReadFile(args[2])) {
		for _, word := range strings.Fields(line) {
			if strings.Contains(line, args[1]) && strings.HasPrefix(word, "/") {
				ts.Setenv(args[0], word)
				return
			}
		}
	}
	ts.Fatalf("no line of %s holds %q:\n%s", args[2], args[1], ts.ReadFile(args[2]))
}
