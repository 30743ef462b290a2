// SPDX-License-Identifier: Apache-2.0

package otactl_test

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"landed/server/datadir"
	"landed/server/fleet"
)

// turn has the one rollout stopped as the loop would: turn held|halted CODE.
func turn(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: turn held|halted CODE")
	}
	ctx := context.Background()
	db, err := datadir.Dir(ts.MkAbs("data")).Open(ctx, time.Now) // beside the server
	ts.Check(err)
	defer db.Close()
	ts.Check(db.Update(ctx, func(tx fleet.Tx) error {
		r, err := tx.Rollouts().Get(ctx, ts.Getenv("ID"))
		if err != nil {
			return err
		}
		why := fleet.Reason{Code: args[1], Values: map[string]string{"n": "9", "failed": "9", "share": "1000"}}
		if r.State = fleet.RolloutState(args[0]); r.State == fleet.RolloutHeld {
			r.Held = why
		} else {
			r.Reason, r.By = why, "landed"
		}
		return tx.Rollouts().Save(ctx, r)
	}))
}

var inCode = regexp.MustCompile("`(otactl [^`]+)`")

// TestGoingOn: every command of the part "Going on" of the guide is run by its script.
func TestGoingOn(t *testing.T) {
	guide, err := os.ReadFile("../../docs/operate/halted.md")
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("testdata/script/going_on.txtar")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(guide), "### Going on")
	part, _, _ := strings.Cut(rest, "\n## ")
	commands := inCode.FindAllStringSubmatch(part, -1)
	if len(commands) < 8 {
		t.Errorf("only %d commands were found", len(commands))
	}
	for _, m := range commands {
		of := "$ID"
		if strings.Contains(m[1], "approve") || strings.Contains(m[1], "withdraw") {
			of = "$PROPOSAL"
		}
		line := "exec " + strings.NewReplacer(" ID", " "+of, " STAGE", " 2").Replace(m[1]) + "\n"
		if !strings.Contains(string(script), line) && !strings.Contains(m[1], "clock accept") && // which package server shows
			!strings.Contains(m[1], "restore name") { // which the stories of the demo show
			t.Errorf("no script runs %s", line)
		}
	}
}
