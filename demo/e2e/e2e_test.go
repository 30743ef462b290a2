// SPDX-License-Identifier: Apache-2.0

// Package e2e tells stories of the whole house with its real commands, each a process of its own, all on loopback.
//
// The stories are testdata/script/*.txtar and read like documentation; publish_to_page.txtar shows every step, and the
// others begin with the commands found and publish, which take the same steps. Nothing in them sleeps or has a
// fixed port: what takes its time is polled with a deadline.
package e2e

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"landed/firmware-fixtures/mkfixture"
	"landed/handset/otahandset"
	"landed/internal/race"
	"landed/manifests/release"
	"landed/server/otactl"
	"landed/server/otad"
	"landed/signer/otasign"
)

func TestMain(m *testing.M) {
	ctx := context.Background()
	testscript.Main(m, map[string]func(){
		"otad": func() {
			ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
			defer stop()
			os.Exit(otad.Main(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
		},
		"otactl": func() {
			os.Exit(otactl.Main(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
		},
		"otasign":    func() { os.Exit(otasign.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
		"otahandset": func() { os.Exit(otahandset.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
		"narrow": func() {
			fmt.Fprintln(os.Stderr, serveNarrow(os.Args[1], os.Args[2]))
			os.Exit(1)
		},
		"mkfixture": func() { os.Exit(mkfixture.Main(ctx, os.Args[1:], os.Stdout, os.Stderr)) },
	})
}

func TestStories(t *testing.T) {
	p := stories("testdata/script")
	if race.Detector { // each command is a process that starts ten times as slowly
		p.Dir = ""
		for _, name := range []string{"publish_to_page", "killed", "leaks_hold_and_halt"} {
			p.Files = append(p.Files, "testdata/script/"+name+".txtar")
		}
	}
	testscript.Run(t, p)
}

// stories are the scripts of a folder.
func stories(dir string) testscript.Params {
	return testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setUp,
		Cmds:                commands,
		Condition: func(name string) (bool, error) {
			switch name {
			case "mount":
				return canMount(), nil
			case "strange":
				return canBeStrange(), nil
			}
			return false, fmt.Errorf("no condition %q", name)
		},
	}
}

// commands are what the scripts can say beyond testscript's own.
var commands = map[string]func(*testscript.TestScript, bool, []string){
	"found":          found,
	"publish":        publish,
	"handset":        handset,
	"up":             up,
	"until":          until,
	"forge":          forge,
	"get":            get,
	"envfield":       envField,
	"fileserver":     fileServer,
	"cdn":            contentNetwork,
	"mirrored":       mirrored,
	"cache":          cache,
	"origin":         origin,
	"door":           openDoor,
	"nginx":          nginx,
	"nginx-files":    nginxFiles,
	"publish-others": publishOthers,
	"ask":            ask,
	"pathof":         pathOf,
	"prefixed":       prefixed,
	"count":          count,
	"steal":          steal,
	"tmpfs":          tmpfs,
	"send":           send,
	"upload":         beginUpload,
	"barrage":        barrage,
	"hostile":        hostile,
	"etag":           etag,
	"mark":           mark,
	"await-new":      awaitNew,
	"judge-all":      judgeAll,
	"damage":         damage,
	"portal":         portal,
	"stranger":       stranger,
	"flood":          flood,
	"unwritten":      unwritten,
	"keep-snapshot":  keepSnapshot,
	"scrape":         scrape,
}

// setUp puts files into the folder of each story: the real release as release.yaml, the later ones of the demo under
// their names, and stages.yaml.
func setUp(e *testscript.Env) error {
	e.Setenv("OTASIGN_PASSPHRASE", "correct horse battery staple")
	e.Setenv("OTAD_TICK", "200ms")          // what is due is looked at often, so that stories take seconds
	e.Setenv("OTAD_SMALL_CELLS", "0")       // stories have few handsets, and look at each
	e.Setenv("OTAD_TIMESTAMP_LIFE", "72h")  // longer than the day by which a handset's clock is put forward
	e.Setenv("OTAD_TIMESTAMP_EVERY", "24h") // a third of it
	e.Setenv("GORACE", "atexit_sleep_ms=0") // each process would wait a second at its end, if built with -race
	e.Values[stateKey{}] = &state{}
	texts := map[string][]byte{"release.yaml": release.OptInSource()}
	for name, from := range map[string]string{
		"stages.yaml": "testdata/stages.yaml", "corrected.yaml": "../releases/corrected.yaml",
		"app-list.yaml": "../releases/app-list-upload-off.yaml", "plain.yaml": "../releases/plain.yaml",
		"model.yaml": "../releases/model.yaml", "legacy.yaml": "../releases/legacy.yaml", "legacy-models.yaml": "../releases/legacy-models.yaml",
	} {
		text, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		texts[name] = text
	}
	var faults []error
	for name, text := range texts {
		faults = append(faults, os.WriteFile(filepath.Join(e.WorkDir, name), text, 0o644))
	}
	return errors.Join(faults...)
}

// state is what the commands of one script remember.
type state struct {
	barrage *shots
	marked  map[string]bool // files that were there
	polls   *poller
	flood   *torrent
	stalled []net.Conn
	edges   []*edge
	doors   map[string]net.Listener // of nginx, by the variable that has the address
}

type stateKey struct{}

func stateOf(ts *testscript.TestScript) *state { return ts.Value(stateKey{}).(*state) }

// run executes a command of the house and ends the script if it fails.
func run(ts *testscript.TestScript, program string, args ...string) {
	if err := ts.Exec(program, args...); err != nil {
		ts.Fatalf("%s %v: %v", program, args, err)
	}
}

// found [--] MODEL...: a data folder "data", a pinned OTA key "maker", a ceremony "ceremony" with these models, and the
// admin's token in OTACTL_TOKEN. The program in OTAD makes the folder, if there is one. The ceremony is imported by publish, or by: otactl trust import ceremony/trust.json
func found(ts *testscript.TestScript, neg bool, models []string) {
	if neg || len(models) == 0 {
		ts.Fatalf("usage: found MODEL...")
	}
	ts.Check(os.WriteFile(ts.MkAbs("token"), nil, 0o600))
	run(ts, "mkfixture", "key", "-o", "maker")
	run(ts, cmp.Or(ts.Getenv("OTAD"), "otad"), "init", "--data", "data", "--admin", "ann", "--token-only")
	ts.Check(os.WriteFile(ts.MkAbs("token"), []byte(ts.ReadFile("stdout")), 0o600))
	cert := ts.ReadFile("maker/ota.cert.pem")
	ts.Check(os.WriteFile(ts.MkAbs("data/ota-keys/stable/maker.pem"), []byte(cert), 0o644))
	ts.Setenv("OTACTL_TOKEN", firstLine(ts.ReadFile("token")))
	run(ts, "otasign", "init", "--online", "data/online.json", "--work", "2")
	args := []string{"add-model", "--work", "2"}
	for _, m := range models {
		args = append(args, "--model", m)
	}
	run(ts, "otasign", args...)
	saveRoot(ts)
}

// publish [-pad SIZE] KIND MODEL...: the release of release.yaml with packages of this kind, from upload to the second
// signature; -pad makes them so much larger.
func publish(ts *testscript.TestScript, neg bool, args []string) {
	pad := ""
	if len(args) > 2 && args[0] == "-pad" {
		pad, args = args[1], args[2:]
	}
	if neg || len(args) < 2 {
		ts.Fatalf("usage: publish [-pad SIZE] KIND MODEL...")
	}
	ts.Check(os.MkdirAll(ts.MkAbs("packages"), 0o755))
	var uploads []string
	for _, model := range args[1:] {
		file := fmt.Sprintf("packages/%s-%s.zip", model, args[0])
		run(ts, "mkfixture", "write", model, args[0],
			"--key", "maker/ota.key.pem", "--cert", "maker/ota.cert.pem", "--pad", pad, "-o", file)
		uploads = append(uploads, file)
	}
	run(ts, "otactl", "trust", "import", "ceremony/trust.json")
	run(ts, "otactl", append([]string{"upload"}, uploads...)...)
	run(ts, "otactl", "release", "create", "release.yaml", "--all")
	run(ts, "otactl", "sign-request", releaseName, "-o", "request.json")
	signers := fmt.Sprintf("ceremony/keys/%[1]s-ann.key,ceremony/keys/%[1]s-bo.key", args[1])
	run(ts, "otasign", "sign", "request.json", "--yes", "--trust", "ceremony/trust.json", "--packages", "packages",
		"--ota-key", "maker/ota.cert.pem", "--key", signers, "--out", "response.json")
	run(ts, "otactl", "sign-response", "response.ann.json", "response.bo.json")
}

var releaseName = release.OptIn().Name

// handset NAME MODEL: a handset of the model in the folder NAME, sold with the unpatched build, that has polled once.
func handset(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: handset NAME MODEL")
	}
	name, model := args[0], args[1]
	firmware := "sold-" + model + ".zip"
	if _, err := os.Stat(ts.MkAbs(firmware)); err != nil {
		run(ts, "mkfixture", "write", model, "unpatched",
			"--key", "maker/ota.key.pem", "--cert", "maker/ota.cert.pem", "-o", firmware)
	}
	run(ts, "otahandset", "--dir", name, "--once", "--server", ts.Getenv("OTACTL_URL"), "--model", model,
		"--root", "root.json", "--firmware", firmware, "--ota-key", "maker/ota.cert.pem")
}
