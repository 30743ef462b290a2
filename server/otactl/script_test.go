// SPDX-License-Identifier: Apache-2.0

package otactl_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	fixtures "landed/firmware-fixtures"
	"landed/manifests/tufrepo"
	"landed/server"
	"landed/server/datadir"
	"landed/server/fleet"
	"landed/server/otactl"
	"landed/server/proposals"
	"landed/signer/otasign"
)

// The scripts run the real commands of both sides: otactl against a real server with its
// database and folders, and otasign with real key files.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"otactl": func() {
			os.Exit(otactl.Main(context.Background(), os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
		},
		"otasign":   func() { os.Exit(otasign.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
		"mkpackage": func() { os.Exit(mkpackage(os.Args[1:])) },
		"mkhostile": func() { os.Exit(mkhostile(os.Args[1:])) },
	})
}

func TestScripts(t *testing.T) {
	t.Cleanup(func() { everyShapeMet(t) })
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("OTASIGN_PASSPHRASE", "correct horse battery staple")
			keys, err := filepath.Abs("../../firmware-fixtures/keys") // the OTA key that everybody has
			e.Setenv("KEYS", keys)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"serve": serve, "turn": turn, "request-id": requestID, "digits": digits,
			"break": breakFront},
	})
}

// everyShapeMet fails if some answer of the console was never looked at, provided that all
// scripts have run.
func everyShapeMet(t *testing.T) {
	if t.Failed() || flag.Lookup("test.run").Value.String() != "" {
		return
	}
	for i, s := range shapes {
		met := false
		watchers.Range(func(_, w any) bool {
			met = met || w.(*watched).met(i)
			return true
		})
		if !met {
			t.Errorf("no script met an answer of %s", s.door)
		}
	}
}

// serve makes the data folder "data" with an admin, pins the OTA certificate of the fixtures,
// and serves it until the script ends. OTACTL_URL and OTACTL_TOKEN are set, and OTHER_TOKEN, of bo. "serve two" wants two
// persons for stages that one wrote. "serve behind" puts a proxy before it, FRONT_URL, which "break" breaks, and by which phones
// know the server.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	var second proposals.Policy
	var front *front
	base := ""
	switch {
	case len(args) == 1 && args[0] == "two": // what one person wrote goes nowhere by her word alone
		second = proposals.Policy{Leaks: true, Share: 9_999}
	case len(args) == 1 && args[0] == "behind":
		front = newFront(ts)
		base = front.server.URL
	case neg || len(args) != 0:
		ts.Fatalf("usage: serve [two | behind]")
	}
	ctx := context.Background()
	dir := ts.MkAbs("data")
	secret, err := datadir.Init(ctx, dir, "admin", time.Now)
	ts.Check(err)
	other, err := datadir.AddToken(ctx, dir, "bo", fleet.RoleEngineer, time.Now)
	ts.Check(err)
	ts.Setenv("OTHER_TOKEN", other)
	ts.Check(os.MkdirAll(filepath.Join(dir, "ota-keys", "stable"), 0o755))
	cert := fixtures.TestKey().CertPEM()
	ts.Check(os.WriteFile(filepath.Join(dir, "ota-keys", "stable", "fixtures.pem"), cert, 0o644))
	ts.Check(os.WriteFile(ts.MkAbs("ota.pem"), cert, 0o644))
	s, err := server.New(server.Config{DataDir: dir, Second: second, BaseURL: base})
	ts.Check(err)
	w := &watched{h: s.Handler(), seen: map[int]bool{}}
	var faults faultList
	w.fault = faults.add
	h := httptest.NewServer(w)
	if front != nil {
		front.to(ts, h.URL)
	}
	ts.Defer(func() {
		h.Close()
		ts.Check(errors.Join(s.Close(), faults.join()))
		watchers.Store(ts.Name(), w)
	})
	ts.Setenv("OTACTL_URL", h.URL)
	ts.Setenv("OTACTL_TOKEN", secret)
}

// watchers keeps what was seen of each server, by script.
var watchers sync.Map

type faultList struct {
	mu  sync.Mutex
	all []error
}

func (l *faultList) add(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, fmt.Errorf(format, args...))
}

func (l *faultList) join() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(l.all...)
}

// requestID sets a variable to the id of a request: request-id VARIABLE FILE.
func requestID(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: request-id VARIABLE FILE")
	}
	r, err := tufrepo.ParseRequest([]byte(ts.ReadFile(args[1])))
	ts.Check(err)
	ts.Setenv(args[0], r.ID)
}

// digits sets a variable to the SHA-256, as far as it is shown, of the first package of an image in a
// list: digits VARIABLE IMAGE FILE.
func digits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: digits VARIABLE IMAGE FILE")
	}
	for line := range strings.Lines(ts.ReadFile(args[2])) {
		if fields := strings.Fields(line); len(fields) > 1 && strings.HasPrefix(fields[1], args[1]) {
			ts.Setenv(args[0], fields[0])
			return
		}
	}
	ts.Fatalf("no package of %s in %s", args[1], args[2])
}

// mkpackage writes a stand-in package: mkpackage MODEL KIND FILE [BUILD], from a source build if one is named.
func mkpackage(args []string) int {
	if len(args) < 3 || len(args) > 4 {
		fmt.Fprintln(os.Stderr, "usage: mkpackage MODEL KIND FILE [BUILD]")
		return 2
	}
	b, err := fixtures.BuildOf(args[0], fixtures.Kind(args[1]))
	b.From = args[3:]
	if err == nil {
		var text []byte
		if text, err = fixtures.Bytes(b, fixtures.TestKey()); err == nil {
			err = os.WriteFile(args[2], text, 0o644)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// mkhostile writes a package that breaks one rule: mkhostile CASE FILE.
func mkhostile(args []string) int {
	if len(args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: mkhostile CASE FILE")
		return 2
	}
	c, err := fixtures.HostileOf(args[0])
	if err == nil {
		var f *os.File
		if f, err = os.Create(args[1]); err == nil {
			err = errors.Join(c.Write(f, fixtures.TestKey()), f.Close())
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
