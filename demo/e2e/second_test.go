// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestSecondClient updates from the running feed with a client that is not Go's: tuf-js, from npm.
func TestSecondClient(t *testing.T) {
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not here; with Node.js 20 or newer this test runs tuf-js against the feed", tool)
		}
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "tufjs"))); err != nil {
		t.Fatal(err)
	}
	wait, cancel := context.WithTimeout(t.Context(), 3*time.Minute) // a network that swallows everything must not keep us
	defer cancel()
	install := exec.CommandContext(wait, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	install.Dir, install.WaitDelay = dir, time.Second
	if out, err := install.CombinedOutput(); err != nil {
		t.Skipf("npm cannot fetch tuf-js, %v; with the npm registry in reach this test runs it against the feed:\n%s",
			err, lastLines(string(out)))
	}
	testscript.Run(t, testscript.Params{
		Files:               []string{filepath.Join("testdata", "second_client.txtar")},
		RequireExplicitExec: true,
		Cmds:                commands,
		Setup: func(e *testscript.Env) error {
			e.Setenv("TUFJS", dir)
			return setUp(e)
		},
	})
}

func lastLines(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "\n")
}
