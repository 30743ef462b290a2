// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"landed/internal/race"
	"landed/manifests/tufrepo"
)

// clientsVar names the folder in which testdata/clients/install put the clients of others.
const clientsVar = "LANDED_TUF_CLIENTS"

// TestClientsOfOthers updates from the running feed with TUF clients that know nothing of Landed, each in a story of its own:
// python-tuf, tuf-js, and tough, which is Rust's.
func TestClientsOfOthers(t *testing.T) {
	if race.Detector {
		t.Skip("each command of these long stories is a process that starts ten times as slowly; they run without the race detector")
	}
	for _, name := range []string{"python-tuf", "tuf-js", "tough"} {
		t.Run(name, func(t *testing.T) {
			program := filepath.Join(os.Getenv(clientsVar), name, "update")
			if _, err := exec.LookPath(program); os.Getenv(clientsVar) == "" || err != nil {
				t.Skipf("%s is not here: demo/e2e/testdata/clients/install FOLDER %s puts it into FOLDER, if the registries are in "+
					"reach; run this test with %s=FOLDER then", name, name, clientsVar)
			}
			p := stories("")
			p.Files = []string{filepath.Join("testdata", "clients_of_others.txtar")}
			p.Cmds["client"] = foreignClient
			p.Setup = func(e *testscript.Env) error {
				e.Setenv("CLIENT", program)
				return setUp(e)
			}
			testscript.Run(t, p)
		})
	}
}

// foreignClient is the command client DIR URL TARGET...: the client in DIR, which is made with the first root, updates from the
// feed of a server and downloads targets. Each file that it takes for good must be the one that the folder data/feed has under both names of that target.
func foreignClient(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: client DIR URL TARGET...")
	}
	dir := ts.MkAbs(args[0])
	if _, err := os.Stat(dir); err != nil {
		ts.Check(os.Mkdir(dir, 0o755))
		ts.Check(os.WriteFile(filepath.Join(dir, "root.json"), []byte(ts.ReadFile("root.json")), 0o644))
	}
	err := ts.Exec(ts.Getenv("CLIENT"), append([]string{dir}, args[1:]...)...)
	if neg {
		if err == nil {
			ts.Fatalf("it updates from %s:\n%s", args[1], ts.ReadFile("stdout"))
		}
		return
	}
	ts.Check(err)
	lines := bytes.Split(bytes.TrimSpace([]byte(ts.ReadFile("stdout"))), []byte("\n"))
	if len(args) > 2 && len(lines) != len(args)-2 {
		ts.Fatalf("it has %d of %d targets", len(lines), len(args)-2)
	}
	for i, target := range args[2:] {
		var got struct{ Path, File string }
		ts.Check(json.Unmarshal(lines[i], &got))
		text, err := os.ReadFile(got.File)
		ts.Check(err)
		sum := sha256.Sum256(text)
		for _, name := range []string{tufrepo.StoredTarget(target, hex.EncodeToString(sum[:])),
			tufrepo.PrefixedTarget(target, hex.EncodeToString(sum[:]))} {
			lies, err := os.ReadFile(ts.MkAbs("data/feed/targets/" + name))
			if err != nil || got.Path != target || !bytes.Equal(lies, text) {
				ts.Fatalf("%s, as the client has it (%s, %d bytes), is not %s of the feed: %v", target, got.Path, len(text), name, err)
			}
		}
	}
}

// prefixed NAME PATH: NAME becomes the path by which tough asks for the target at a path below /tuf/targets/.
func prefixed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: prefixed NAME PATH")
	}
	stored, _ := strings.CutPrefix(args[1], "/tuf/targets/")
	dir, file := path.Split(stored)
	sum, name, _ := strings.Cut(file, ".")
	asked := tufrepo.PrefixedTarget(dir+name, sum)
	if tufrepo.StoredAs(asked) != stored {
		ts.Fatalf("%s is no path of a target", args[1])
	}
	ts.Setenv(args[0], "/tuf/targets/"+asked)
}

// TestInstallOfClients: what cannot be installed is named and left out, and is no failure.
func TestInstallOfClients(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not here, and the tools for these clients are installed by it")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tools := t.TempDir()
	for _, name := range []string{"dirname", "mkdir", "sed"} {
		if path, err := exec.LookPath(name); err == nil {
			if err := os.Symlink(path, filepath.Join(tools, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	c := exec.CommandContext(ctx, bash, "testdata/clients/install", filepath.Join(t.TempDir(), "clients"))
	c.Env = []string{"PATH=" + tools}
	out, err := c.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for _, line := range []string{"python-tuf: left out, there is no python3 here", "tuf-js: left out, there is no node here",
		"tough: left out, there is no cargo here"} {
		if !bytes.Contains(out, []byte(line)) {
			t.Errorf("nothing says %q:\n%s", line, out)
		}
	}
}
