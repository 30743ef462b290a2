// SPDX-License-Identifier: Apache-2.0

//go:build unix

package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"landed/demo/served"
	"landed/internal/race"
	"landed/server/store/postgres/pgtest"
)

// TestReplicaStories is what several servers on one PostgreSQL database go through: the stories are
// testdata/replicas/*.txtar. They come one after the other, on one database server, and each has a database of its own. What
// a script asserts is an order, that nothing is lost, and the bounds that docs/design/replicas.md promises, with room for a
// machine that is slow; the times themselves are printed.
func TestReplicaStories(t *testing.T) {
	if testing.Short() || race.Detector {
		t.Skip("its processes would be slow, and what races within one of them is met in package server")
	}
	on := pgtest.New(t, "max_connections = 200")
	cmds := maps.Clone(commands)
	maps.Copy(cmds, replicaCommands)
	params := stories("testdata/replicas")
	params.Cmds = cmds
	databases := 0
	params.Setup = func(e *testscript.Env) error {
		databases++
		e.Setenv("OTAD_DATABASE", on.Database(t, fmt.Sprint("story_", databases)))
		r := &replicas{postgres: on, all: map[string]*replica{}}
		e.Values[replicasKey{}] = r
		e.Defer(r.killAll)
		return setUp(e)
	}
	params.Condition = func(name string) (bool, error) {
		if name != "history" {
			return false, fmt.Errorf("no condition %q", name)
		}
		return hasHistory(), nil
	}
	testscript.RunT(inTurns{t}, params)
}

var replicaCommands = map[string]func(*testscript.TestScript, bool, []string){
	"older":      older,
	"second":     second,
	"server":     startReplica,
	"end":        endReplica,
	"use":        useReplica,
	"ready":      ready,
	"postgres":   postgres,
	"tunnel":     throughTunnel,
	"cut":        cut,
	"probe":      probing,
	"reports":    reports,
	"changes":    changes,
	"kill-while": killWhile,
	"halted":     halted,
	"running":    running,
	"served":     servedBy,

	"tally-killed": tallyKilled,
	"same-tally":   sameTally,
}

// Bounds of docs/design/replicas.md: a lease is taken over, and a halt is served everywhere, within ten seconds. slow is
// for machines that run other tests.
const (
	slow       = 3
	tookOver   = 10 * time.Second * slow
	haltServed = 10 * time.Second * slow
)

// replicas are the servers of a story.
type replicas struct {
	postgres *pgtest.Server

	mu     sync.Mutex
	all    map[string]*replica
	dead   bool // the database server was killed
	prober *prober
	load   *load
	change *changer
	tunnel *tunnel
}

type replicasKey struct{}

func replicasOf(ts *testscript.TestScript) *replicas { return ts.Value(replicasKey{}).(*replicas) }

// living are those whose process runs, by name; reaching wants them to reach the database as well.
func (r *replicas) living(reaching bool) (all []*replica) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(r.all)) {
		if one := r.all[name]; one.process != nil && (!reaching || !one.away) {
			all = append(all, one)
		}
	}
	return all
}

func (r *replicas) named(ts *testscript.TestScript, name string) *replica {
	r.mu.Lock()
	defer r.mu.Unlock()
	one := r.all[name]
	if one == nil || one.process == nil {
		ts.Fatalf("no server %s runs", name)
	}
	return one
}

// await is poll with the ends of the servers' logs when it fails.
func (r *replicas) await(ts *testscript.TestScript, what string, done func() error) {
	err := done()
	for end := time.Now().Add(patience); err != nil; err = done() {
		if time.Now().After(end) {
			ts.Fatalf("waited for %s until now: %s: %v\n%s", patience, what, err, r.logs(ts))
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// offered is what the signed offers of a server say of a rollout.
func (r *replicas) offered(ts *testscript.TestScript, one *replica, rollout string) (string, error) {
	ctx, cancel := withPatience()
	defer cancel()
	return served.Feed{Root: []byte(ts.ReadFile("root.json")), URL: one.url, HTTP: fresh()}.State(ctx, rollout)
}

// postgres kill: the database server ends as by kill -9. postgres start: it is started again.
func postgres(ts *testscript.TestScript, neg bool, args []string) {
	r := replicasOf(ts)
	switch {
	case !neg && slices.Equal(args, []string{"kill"}):
		for _, one := range r.living(false) {
			r.setAway(one, true)
		}
		r.dead = true
		r.postgres.Kill()
		ts.Defer(func() {
			if r.dead {
				_ = r.postgres.Run() // for the next story
			}
		})
	case !neg && slices.Equal(args, []string{"start"}):
		begun := time.Now()
		ts.Check(r.postgres.Run())
		r.dead = false
		ts.Logf("PostgreSQL answers %d ms after it was started again", time.Since(begun).Milliseconds())
	default:
		ts.Fatalf("usage: postgres kill | postgres start")
	}
}

func words(all []*replica) string {
	var names []string
	for _, one := range all {
		names = append(names, one.name)
	}
	return strings.Join(names, ", ")
}
