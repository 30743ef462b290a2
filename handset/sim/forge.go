// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"time"

	"landed/manifests/report"
)

// ForgerConfig is what an attacker brings. Fields without a default are required.
type ForgerConfig struct {
	Forgery Forgery
	N       int     // installations that are invented
	Rate    float64 // reports that are sent in a second of Now; 0: as many as are due
	// Patient is how long only baselines are sent, two weeks apart, before the first claim; 0 for who cannot wait.
	Patient time.Duration
	URL     string // of the server
	Model   string // ro.product.device
	Variant string // of the image; default: that of the newest build that is signed
	Channel string // default stable
	Seed    uint64 // the same seed invents the same installations

	Transport http.RoundTripper // default: a transport of its own; see Handler for in-process servers
	Now       func() time.Time  // default time.Now
}

// Forger is an attacker without a key that counts: it reads the public feed, invents installations, and reports whatever
// would serve it, in the form that a server accepts. It knows how installations are counted and drawn, and is no handset:
// it verifies nothing, and obeys no answer. It is not safe for concurrent use.
type Forger struct {
	cfg     ForgerConfig
	client  *http.Client
	dice    *rand.Rand
	start   time.Time // of the first step
	sent    int
	became  map[string]int
	feed    forgerFeed
	invents []*invention
}

// NewForger invents the installations. Nothing is sent before the first Step.
func NewForger(cfg ForgerConfig) (*Forger, error) {
	if !cfg.Forgery.known() || cfg.N < 1 || cfg.URL == "" || cfg.Model == "" || cfg.Rate < 0 || cfg.Patient < 0 {
		return nil, fmt.Errorf("sim: a forger wants a forgery (%v), installations, a server and a model; "+
			"rate and patience are not negative", Forgeries)
	}
	cfg.Channel = cmp.Or(cfg.Channel, "stable")
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	f := &Forger{cfg: cfg, client: &http.Client{Transport: cfg.Transport}, became: map[string]int{},
		dice: rand.New(rand.NewPCG(cfg.Seed, seedOf("forger")))}
	for n := range cfg.N {
		f.invents = append(f.invents, f.invent(n))
	}
	return f, nil
}

// Became is what became of the reports: how many by the HTTP status and, where one was given, the code of the refusal:
// "200", "202", "422 build_unknown", "503 queue_full"; "no answer" for those without.
func (f *Forger) Became() map[string]int { return maps.Clone(f.became) }

// References are those of the invented installations: what a test must not find among the real ones.
func (f *Forger) References() []report.Reference {
	all := make([]report.Reference, len(f.invents))
	for n, i := range f.invents {
		all[n] = i.reference()
	}
	return all
}

// Struck is how many of the invented installations have made a claim.
func (f *Forger) Struck() (n int) {
	for _, i := range f.invents {
		if i.next > 0 {
			n++
		}
	}
	return n
}

// Done says if every invented installation has said all that it had to say.
func (f *Forger) Done() bool {
	for _, i := range f.invents {
		if !i.done {
			return false
		}
	}
	return true
}

// How often the forger looks at the feed, and asks again where a report found no room.
const (
	forgerPoll  = time.Hour
	forgerAgain = time.Minute
)

// Step sends what is due, and says when something will be due again. An error is a feed that cannot be read; it is tried
// again.
func (f *Forger) Step(ctx context.Context) (wake time.Time, err error) {
	now := f.cfg.Now()
	if f.start.IsZero() {
		f.start = now
		f.spread()
	}
	if now.Sub(f.feed.read) >= forgerPoll {
		if err := f.look(ctx, now); err != nil {
			return now.Add(forgerAgain), err
		}
	}
	wake = f.feed.read.Add(forgerPoll)
	for _, i := range f.invents {
		for !i.done && !i.at.After(now) {
			if at, full := f.full(now); full {
				return at, ctx.Err()
			}
			if err := ctx.Err(); err != nil {
				return now, err
			}
			f.act(ctx, i, now)
		}
		if !i.done && i.at.Before(wake) {
			wake = i.at
		}
	}
	return wake, ctx.Err()
}

// spread lets patient installations begin over the first two weeks, as those of a fleet would be heard of.
func (f *Forger) spread() {
	for _, i := range f.invents {
		i.at = f.start
		if over := min(f.cfg.Patient/4, forgedWeeks); over > 0 {
			i.at = f.start.Add(time.Duration(f.dice.Int64N(int64(over))))
		}
	}
}

// full says if the rate is used up, and until when.
func (f *Forger) full(now time.Time) (until time.Time, full bool) {
	if f.cfg.Rate == 0 || float64(f.sent) < 1+f.cfg.Rate*now.Sub(f.start).Seconds() {
		return time.Time{}, false
	}
	next := f.start.Add(time.Duration(float64(f.sent) / f.cfg.Rate * float64(time.Second)))
	return latestOf(next, now.Add(time.Millisecond)), true
}

func latestOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// act does what is due of one installation.
func (f *Forger) act(ctx context.Context, i *invention, now time.Time) {
	switch waiting := now.Before(f.start.Add(f.cfg.Patient)); {
	case i.aim == nil && (waiting || !f.feed.offered || f.cfg.Patient > 0 && !f.inStage(i) && !f.hides(i)):
		f.wait(ctx, i, now)
	default:
		f.claim(ctx, i, now)
	}
}

// wait keeps an installation known, as an honest one that is not in the stage yet. Who cannot wait says nothing.
func (f *Forger) wait(ctx context.Context, i *invention, now time.Time) {
	due := i.committed != f.feed.release || now.Sub(i.baseline) >= forgedWeeks
	if f.cfg.Patient > 0 && f.feed.release != "" && due {
		if !f.send(ctx, i, f.baseline(i)) {
			i.at = now.Add(forgerAgain)
			return
		}
		i.committed, i.baseline = f.feed.release, now
	}
	i.at = f.feed.read.Add(forgerPoll)
}

// claim makes the next report of the plan.
func (f *Forger) claim(ctx context.Context, i *invention, now time.Time) {
	if i.aim == nil {
		at := f.feed
		i.aim, i.struck = &at, now
		f.choose(i)
	}
	plan := f.plan(i.aim, i.struck)
	if !f.send(ctx, i, f.say(i, plan[i.next])) {
		i.at = now.Add(forgerAgain)
		return
	}
	if i.next++; i.next == len(plan) {
		i.done = true
		return
	}
	i.at = latestOf(now, i.struck.Add(plan[i.next].after))
}

var errNoFeed = errors.New("the feed cannot be read")
