// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"landed/demo/served"
	"landed/internal/race"
	"landed/server/otactl/client"
)

// TestSiege halts a rollout in the middle of what strangers can do to a server: the stories are testdata/siege/*.txtar.
// They come one after the other, because each prints figures. What a script asserts is an order, and that nothing is
// lost; docs/operate/siege.md does the same by hand.
func TestSiege(t *testing.T) {
	if race.Detector {
		t.Skip("its figures mean nothing under the race detector")
	}
	cmds := maps.Clone(commands)
	maps.Copy(cmds, siegeCommands)
	params := stories("testdata/siege")
	params.Cmds = cmds
	testscript.RunT(inTurns{t}, params)
}

var siegeCommands = map[string]func(*testscript.TestScript, bool, []string){
	"door":    door,
	"halt":    halt,
	"polls":   polls,
	"stall":   stall,
	"fill":    fill,
	"torrent": pour,
}

// inTurns runs the stories of a folder one after the other.
type inTurns struct{ *testing.T }

func (t inTurns) Parallel()     {}
func (t inTurns) Verbose() bool { return testing.Verbose() }
func (t inTurns) Run(name string, f func(testscript.T)) {
	t.T.Run(name, func(t *testing.T) { f(inTurns{t}) })
}

// haltWithin is how long a halt may take in these stories. The aim is a second; but a machine that runs other tests is
// slow, and a figure that depends on it is printed, not asserted.
const haltWithin = 20 * time.Second

// door FILE NAME: sets NAME to the address of the listener that otad wrote to FILE.
func door(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: door FILE NAME")
	}
	var addr string
	poll(ts, "otad takes an address", func() bool {
		text, err := os.ReadFile(ts.MkAbs(args[0]))
		addr = firstLine(string(text))
		return err == nil && strings.HasSuffix(string(text), "\n")
	})
	ts.Setenv(args[1], "http://"+addr)
}

// halt ROLLOUT DOOR: halts a rollout by the console at OTACTL_URL, and says how long after that the signed offers that
// are served at DOOR say so: before the console does, or it would have said "halting".
func halt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: halt ROLLOUT DOOR")
	}
	api, err := client.New(ts.Getenv("OTACTL_URL"), ts.Getenv("OTACTL_TOKEN"), nil)
	ts.Check(err)
	feed := served.Feed{Root: []byte(ts.ReadFile("root.json")), URL: args[1], HTTP: fresh()}
	ctx, cancel := withPatience()
	defer cancel()
	if state, err := feed.State(ctx, args[0]); err != nil || state != "running" {
		ts.Fatalf("before the halt the offers say %q, %v", state, err)
	}
	type answer struct {
		state string
		after time.Duration
		err   error
	}
	said, begun := make(chan answer, 1), time.Now()
	go func() {
		r, err := api.Rollouts().Halt(ctx, args[0], "in the middle of a siege")
		said <- answer{r.State, time.Since(begun), err}
	}()
	var a answer
	answered := false
	for state := ""; state != "halted"; {
		select {
		case a = <-said:
			answered = true
		default:
		}
		if state, err = feed.State(ctx, args[0]); ctx.Err() != nil || answered && err == nil && state != a.state {
			ts.Fatalf("%s after the halt was sent the offers say %q, %v; the console %q, %v", time.Since(begun), state, err,
				a.state, a.err)
		}
	}
	read := time.Since(begun)
	if !answered {
		a = <-said
	}
	if a.err != nil || a.state != "halted" {
		ts.Fatalf("the halt is answered %q after %s: %v", a.state, a.after, a.err)
	}
	ts.Logf("halt: the served offers say halted %d ms after it was sent, the console says it after %d ms",
		read.Milliseconds(), a.after.Milliseconds())
	if read > haltWithin {
		ts.Fatalf("the served offers said halted after %s; wanted %s at most", read, haltWithin)
	}
}
