// SPDX-License-Identifier: Apache-2.0

//go:build unix

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// replica is one server: a process on a data folder.
type replica struct {
	name    string
	program string
	folder  string
	args    []string
	url     string
	process *os.Process   // nil once it has ended
	ended   chan struct{} // closed when it has
	away    bool          // it does not reach the database, or was not heard of since it did not
}

// second FROM FOLDER: a data folder for another server, as docs/operate/replicas.md says: keys and certificates of the first
// one, packages in the same place, and nothing else.
func second(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: second FROM FOLDER")
	}
	from, to := ts.MkAbs(args[0]), ts.MkAbs(args[1])
	for _, name := range []string{"keys", "ota-keys"} {
		ts.Check(os.CopyFS(filepath.Join(to, name), os.DirFS(filepath.Join(from, name))))
	}
	keys, err := filepath.Glob(filepath.Join(to, "keys", "*"))
	ts.Check(err)
	for _, key := range keys {
		ts.Check(os.Chmod(key, 0o600))
	}
	ts.Check(os.MkdirAll(filepath.Join(from, "blobs"), 0o700))
	ts.Check(os.Symlink(filepath.Join(from, "blobs"), filepath.Join(to, "blobs")))
}

// server [-by PROGRAM] NAME FOLDER [ARGS...]: otad serve on a data folder, until it answers.
func startReplica(ts *testscript.TestScript, neg bool, args []string) {
	program := "otad"
	if len(args) > 2 && args[0] == "-by" {
		program, args = args[1], args[2:]
	}
	if neg || len(args) < 2 {
		ts.Fatalf("usage: server [-by PROGRAM] NAME FOLDER [ARGS...]")
	}
	r := replicasOf(ts)
	r.start(ts, &replica{name: args[0], program: program, folder: args[1], args: args[2:]})
}

func (r *replicas) start(ts *testscript.TestScript, one *replica) {
	addr := ts.MkAbs(one.name + ".addr")
	if err := os.Remove(addr); err != nil && !errors.Is(err, os.ErrNotExist) {
		ts.Check(err)
	}
	log, err := os.OpenFile(ts.MkAbs(one.name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	defer log.Close()
	c := exec.Command(one.program, append([]string{"serve", "--data", ts.MkAbs(one.folder), "--addr", "127.0.0.1:0",
		"--addr-file", addr}, one.args...)...)
	c.Env = os.Environ()
	for _, name := range []string{"OTAD_DATABASE", "OTAD_TICK", "OTAD_SMALL_CELLS", "OTAD_TIMESTAMP_LIFE",
		"OTAD_TIMESTAMP_EVERY", "OTAD_TALLY_EVERY"} {
		c.Env = append(c.Env, name+"="+ts.Getenv(name))
	}
	c.Stdout, c.Stderr = log, log
	ts.Check(c.Start())
	ended := make(chan struct{})
	go func() { _ = c.Wait(); close(ended) }()
	ts.Defer(func() { _ = c.Process.Kill() })
	next := *one
	next.process, next.ended, next.away = c.Process, ended, false
	r.await(ts, one.name+" answers", func() error {
		select {
		case <-ended:
			ts.Fatalf("the server %s has ended:\n%s", one.name, r.logs(ts))
		default:
		}
		text, err := os.ReadFile(addr)
		if err != nil || !strings.HasSuffix(string(text), "\n") {
			return fmt.Errorf("it has no address yet: %w", err)
		}
		next.url = "http://" + firstLine(string(text))
		return nil
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all[one.name] = &next
}

// kill ends a server at once.
func (r *replicas) kill(one *replica, how os.Signal) {
	r.mu.Lock()
	process := one.process
	one.process = nil
	r.mu.Unlock()
	if process != nil {
		_ = process.Signal(how)
		<-one.ended
	}
}

// killAll is the end of a story.
func (r *replicas) killAll() {
	if r.prober != nil {
		r.prober.stop()
	}
	for _, one := range r.living(false) {
		r.kill(one, os.Kill)
	}
}

// end [-if-it-runs] NAME: a server ends as it is asked to, unless it was killed before.
func endReplica(ts *testscript.TestScript, neg bool, args []string) {
	r := replicasOf(ts)
	if !neg && len(args) == 2 && args[0] == "-if-it-runs" {
		args = args[1:]
		if !slices.ContainsFunc(r.living(false), func(one *replica) bool { return one.name == args[0] }) {
			return
		}
	}
	if neg || len(args) != 1 {
		ts.Fatalf("usage: end [-if-it-runs] NAME")
	}
	r.kill(r.named(ts, args[0]), os.Interrupt)
}

// use NAME: OTACTL_URL is that of a server.
func useReplica(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: use NAME")
	}
	ts.Setenv("OTACTL_URL", replicasOf(ts).named(ts, args[0]).url)
}

// ready NAME [CAUSE...]: waits until a server is ready; or until it is not, for these causes among others.
func ready(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: ready NAME [CAUSE...]")
	}
	r := replicasOf(ts)
	one, begun := r.named(ts, args[0]), time.Now()
	r.await(ts, "/readyz of "+args[0]+" says "+strings.Join(args[1:], ", "), func() error {
		causes, err := causesOf(one.url)
		if err != nil {
			return err
		}
		for _, want := range args[1:] {
			if !slices.Contains(causes, want) {
				return fmt.Errorf("it names %v", causes)
			}
		}
		if len(args) == 1 && len(causes) > 0 {
			return fmt.Errorf("it names %v", causes)
		}
		return nil
	})
	ts.Logf("%s says %q after %d ms", args[0], strings.Join(args[1:], ", "), time.Since(begun).Milliseconds())
	if len(args) == 1 {
		r.setAway(one, false)
	}
}

// causesOf is what /readyz of a server names; none if it is ready.
func causesOf(url string) (causes []string, err error) {
	resp, err := fresh().Get(url + "/readyz")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK {
		return nil, nil
	}
	var problem struct{ Causes []struct{ Name string } }
	if err := json.NewDecoder(resp.Body).Decode(&problem); err != nil || len(problem.Causes) == 0 {
		return nil, fmt.Errorf("/readyz is answered %s, %w", resp.Status, err)
	}
	for _, cause := range problem.Causes {
		causes = append(causes, cause.Name)
	}
	return causes, nil
}

func (r *replicas) setAway(one *replica, away bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	one.away = away
}

// logs are the last lines that each server wrote.
func (r *replicas) logs(ts *testscript.TestScript) string {
	var all strings.Builder
	r.mu.Lock()
	defer r.mu.Unlock()
	for name := range r.all {
		text, _ := os.ReadFile(ts.MkAbs(name + ".log"))
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		lines = slices.DeleteFunc(lines, func(line string) bool { return strings.Contains(line, "msg=request") })
		fmt.Fprintf(&all, "-- %s --\n%s\n", name, strings.Join(lines[max(0, len(lines)-20):], "\n"))
	}
	return all.String()
}
