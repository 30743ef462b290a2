// SPDX-License-Identifier: Apache-2.0

package otactl_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	fixtures "landed/firmware-fixtures"
	"landed/server"
	"landed/server/otactl"
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
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("OTASIGN_PASSPHRASE", "correct horse battery staple")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"serve": serve, "setenv-from": setenvFrom},
	})
}

// serve makes the data folder "data" with an admin, pins the OTA certificate of the fixtures,
// and serves it until the script ends. OTACTL_URL and OTACTL_TOKEN are set.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: serve")
	}
	ctx := context.Background()
	dir := ts.MkAbs("data")
	secret, err := server.Init(ctx, dir, "admin", time.Now)
	ts.Check(err)
	ts.Check(os.MkdirAll(filepath.Join(dir, "ota-keys", "stable"), 0o755))
	cert := fixtures.TestKey().CertPEM()
	ts.Check(os.WriteFile(filepath.Join(dir, "ota-keys", "stable", "fixtures.pem"), cert, 0o644))
	ts.Check(os.WriteFile(ts.MkAbs("ota.pem"), cert, 0o644))
	s, err := server.New(server.Config{DataDir: dir})
	ts.Check(err)
	h := httptest.NewServer(s.Handler())
	ts.Defer(func() {
		h.Close()
		ts.Check(s.Close())
	})
	ts.Setenv("OTACTL_URL", h.URL)
	ts.Setenv("OTACTL_TOKEN", secret)
}

// setenvFrom sets a variable to what a file holds: setenv-from NAME FILE.
func setenvFrom(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: setenv-from NAME FILE")
	}
	ts.Setenv(args[0], string([]byte(ts.ReadFile(args[1]))[:len(ts.ReadFile(args[1]))-1]))
}

// mkpackage writes a stand-in package: mkpackage MODEL KIND FILE.
func mkpackage(args []string) int {
	if len(args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: mkpackage MODEL KIND FILE")
		return 2
	}
	b, err := fixtures.BuildOf(args[0], fixtures.Kind(args[1]))
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
