// SPDX-License-Identifier: Apache-2.0

//go:build unix

package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"landed/server/otactl/client"
)

// turning is what halts and resumes a rollout. Its methods may be called beside a script.
type turning struct{ token, rollout string }

func turningOf(ts *testscript.TestScript, rollout string) turning {
	return turning{ts.Getenv("OTACTL_TOKEN"), rollout}
}

// turn asks a server once. Nil says that handsets are served it.
func (t turning) turn(one *replica, to string) error {
	api, err := client.New(one.url, t.token, nil)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), tookOver)
	defer cancel()
	if to == "halted" {
		_, err = api.Rollouts().Halt(ctx, t.rollout, "a story of several servers")
		return err
	}
	now, err := api.Rollouts().Get(ctx, t.rollout)
	if err == nil {
		_, err = api.Rollouts().Resume(ctx, t.rollout, now.Stop, "a story of several servers")
	}
	return err
}

// state is what a server says of the rollout, once it answers.
func (t turning) state(one *replica) (string, error) {
	api, err := client.New(one.url, t.token, nil)
	if err != nil {
		return "", err
	}
	ctx, cancel := withPatience()
	defer cancel()
	for {
		found, err := api.Rollouts().Get(ctx, t.rollout)
		if err == nil || ctx.Err() != nil {
			return found.State, err
		}
		time.Sleep(50 * time.Millisecond) // it, or the database, has much to do
	}
}

// settle asks a server until it is so, and says how long that took.
func (t turning) settle(one *replica, to string) (took time.Duration, err error) {
	begun := time.Now()
	for {
		err = t.turn(one, to)
		if took = time.Since(begun); err == nil || took > patience {
			return took, err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// everywhere wants that every server which reaches the database serves a state of a rollout. One that says that it is behind is
// asked again, and so is one that waited in vain for the database as long as it does: none may say the other state at once.
func (r *replicas) everywhere(ts *testscript.TestScript, rollout, state string) {
	for _, one := range r.living(true) {
		r.await(ts, fmt.Sprintf("the offers of %s say %q", one.name, state), func() error {
			begun := time.Now()
			found, err := r.offered(ts, one, rollout)
			if err == nil && found != state && time.Since(begun) < askFor {
				ts.Fatalf("the offers of %s say %q; it was answered %q\n%s", one.name, found, state, r.logs(ts))
			}
			if err == nil && found != state {
				err = fmt.Errorf("it says %q", found)
			}
			return err
		})
	}
}

// halted ROLLOUT NAME [BOUND]: a rollout that runs is halted at a server. It prints when the console said so, and when all
// servers that reach the database served it: within BOUND, or ten seconds, on a machine that does nothing else.
func halted(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: halted ROLLOUT NAME [BOUND]")
	}
	bound := haltServed
	if len(args) == 3 {
		within, err := time.ParseDuration(args[2])
		ts.Check(err)
		bound = within * slow
	}
	r, rollout := replicasOf(ts), args[0]
	one := r.named(ts, args[1])
	t := turningOf(ts, rollout)
	if state, err := r.offered(ts, one, rollout); err != nil || state != "running" {
		_, err := t.settle(one, "running")
		ts.Check(err)
	}
	type answer struct {
		took time.Duration
		err  error
	}
	said, begun := make(chan answer, 1), time.Now()
	go func() {
		took, err := t.settle(one, "halted")
		said <- answer{took, err}
	}()
	all := r.living(true)
	for _, other := range all {
		r.await(ts, other.name+" serves the halt", func() error {
			if state, err := r.offered(ts, other, rollout); err != nil || state != "halted" {
				return fmt.Errorf("it says %q, %w", state, err)
			}
			return nil
		})
	}
	everywhere := time.Since(begun)
	a := <-said
	ts.Check(a.err)
	ts.Logf("halt at %s: all of %s serve it after %d ms, the console says so after %d ms", one.name, words(all),
		everywhere.Milliseconds(), a.took.Milliseconds())
	if everywhere > bound || a.took > bound {
		ts.Fatalf("a halt took %s until it was served, and %s until it was answered; wanted %s at most", everywhere, a.took, bound)
	}
}

// running ROLLOUT NAME: a rollout is resumed at a server, and all that reach the database serve that.
func running(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: running ROLLOUT NAME")
	}
	r := replicasOf(ts)
	_, err := turningOf(ts, args[0]).settle(r.named(ts, args[1]), "running")
	ts.Check(err)
	r.everywhere(ts, args[0], "running")
}

// kill-while N ROLLOUT: N times a server is asked to publish, and is killed at some moment of that, the last time right
// after it has answered. Another one takes over: it publishes the opposite, all that live serve that, and one of them does the
// periodic work. What was answered before the end is there. The killed server comes back.
func killWhile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: kill-while N ROLLOUT")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	r, rollout := replicasOf(ts), args[1]
	seed := uint64(time.Now().UnixNano())
	ts.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 1))
	t, state := turningOf(ts, rollout), "running"
	for round := range n {
		all := r.living(true)
		at := chance.IntN(len(all))
		victim, other := all[at], all[(at+1+chance.IntN(len(all)-1))%len(all)]
		after := time.Duration(chance.Int64N(int64(600 * time.Millisecond)))
		want := opposite(state)
		answer := make(chan error, 1)
		go func() { answer <- t.turn(victim, want) }()
		moment := time.After(after)
		if round == n-1 {
			moment = nil // this time right after it has answered
		}
		var fault error
		answered := false
		select {
		case fault = <-answer:
			answered = true
		case <-moment:
		}
		r.kill(victim, os.Kill)
		begun := time.Now()
		if !answered {
			fault = <-answer
		}
		found, err := t.state(other)
		ts.Check(err)
		if fault == nil && found != want {
			ts.Fatalf("%s answered that the rollout is %s, and was killed; now it is %s\n%s", victim.name, want, found, r.logs(ts))
		}
		state = opposite(found)
		_, err = t.settle(other, state)
		ts.Check(err)
		r.everywhere(ts, rollout, state)
		published := time.Since(begun)
		r.looping(ts)
		took := time.Since(begun)
		ts.Logf(
			"%s was killed %d ms after it was asked for %q (answered: %t): %s publishes %q %d ms later, and one has the loop after %d ms",
			victim.name,
			after.Milliseconds(),
			want,
			fault == nil,
			other.name,
			state,
			published.Milliseconds(),
			took.Milliseconds(),
		)
		if took > tookOver {
			ts.Fatalf("what %s held was taken over after %s; wanted %s at most", victim.name, took, tookOver)
		}
		r.start(ts, victim)
	}
}

func opposite(state string) string {
	if state == "halted" {
		return "running"
	}
	return "halted"
}

// looping waits until one of the servers that live, and no other, does the periodic work.
func (r *replicas) looping(ts *testscript.TestScript) {
	r.await(ts, "one server has the loop", func() error {
		var holders []*replica
		for _, one := range r.living(true) {
			if slices.Contains(metrics(ts, one.url), `landed_lease_held{lease="loop"} 1`) {
				holders = append(holders, one)
			}
		}
		if len(holders) != 1 {
			return fmt.Errorf("it is with %q", words(holders))
		}
		return nil
	})
}

// changer halts and resumes a rollout again and again, each time at another server.
type changer struct {
	end  context.CancelFunc
	done sync.WaitGroup

	mu       sync.Mutex
	accepted map[string]int // changes by the server that answered
	failed   int
	state    string // as it was answered last
	unsure   bool   // a change after that got another answer, or none
}

// changes begin ROLLOUT: a rollout is halted and resumed all the time. changes enough N: waits until N more are answered.
// changes end ROLLOUT: no more come; the rollout is as it was answered last.
func changes(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: changes begin ROLLOUT | changes enough N | changes end ROLLOUT")
	}
	r := replicasOf(ts)
	switch args[0] {
	case "begin":
		ctx, end := context.WithCancel(context.Background())
		c := &changer{end: end, state: "running", accepted: map[string]int{}}
		t := turningOf(ts, args[1])
		c.done.Go(func() { c.run(ctx, r, t) })
		r.change = c
		ts.Defer(end)
	case "enough":
		n, err := strconv.Atoi(args[1])
		ts.Check(err)
		n += r.change.total()
		r.await(ts, args[1]+" more changes are answered", func() error {
			if have := r.change.total(); have < n {
				return fmt.Errorf("%d are wanted, there are %d", n, have)
			}
			return nil
		})
	case "end":
		r.change.end()
		r.change.done.Wait()
		r.change.check(ts, r, turningOf(ts, args[1]))
	}
}

func (c *changer) total() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, by := range c.accepted {
		n += by
	}
	return n
}

func (c *changer) run(ctx context.Context, r *replicas, t turning) {
	for at := 0; ctx.Err() == nil; at++ {
		all := r.living(true)
		if len(all) == 0 {
			all = r.living(false)
		}
		one := all[at%len(all)]
		to := opposite(c.state)
		err := t.turn(one, to)
		c.mu.Lock()
		if err == nil {
			c.accepted[one.name]++
			c.state, c.unsure = to, false
		} else {
			c.failed++
			c.unsure = true
		}
		c.mu.Unlock()
		time.Sleep(50 * time.Millisecond)
	}
}

func (c *changer) check(ts *testscript.TestScript, r *replicas, t turning) {
	for _, one := range r.living(true) {
		found, err := t.state(one)
		ts.Check(err)
		if found != c.state && !(c.unsure && found == opposite(c.state)) {
			ts.Fatalf("at %s the rollout is %s; it was answered that it is %s\n%s", one.name, found, c.state, r.logs(ts))
		}
	}
	ts.Logf("changes that were answered: %s; others: %d; the last one holds", inWords(c.accepted), c.failed)
}
