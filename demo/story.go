// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"time"

	"landed/handset/sim"
	"landed/server/otactl/client"
	"landed/server/reasons"
)

const day = 24 * time.Hour

// story tells everything from the empty data folder to the comparison at the end.
func story(ctx context.Context, o options, news *news) (result, error) {
	began := time.Now()
	plan, err := stories[o.story]()
	if err != nil {
		return result{}, err
	}
	t := &telling{options: o, plan: plan, clock: &clock{start: began.UTC().Truncate(time.Second)}, news: news}
	news.clock = t.clock
	if plan.breaks != nil {
		t.plan.breakAt(t.clock.start)
		t.past = &past{truth: map[string]map[int64]map[string]int64{}}
	}
	defer t.end()
	if plan.others {
		return tellOthers(ctx, t)
	}
	if err := t.open(ctx); err != nil {
		return result{}, err
	}
	if err := t.live(ctx, t.plan.notice, t.plan.days, t.plan.first); err != nil {
		return result{}, err
	}
	r, err := t.compareFirst(ctx)
	if err == nil && len(plan.later) > 0 {
		err = t.goOn(ctx, &r)
	}
	if err == nil {
		err = t.verify(ctx, &r)
	}
	r.Elapsed = math.Round(time.Since(began).Seconds()*10) / 10
	if err != nil || o.once {
		return r, err
	}
	news.end()
	r.print(news.to)
	fmt.Fprintf(news.to, "\nThe story is told; the page stays at %s. Ctrl-C ends it.\n", t.site.url)
	<-ctx.Done()
	return r, ctx.Err()
}

// telling is a story under way.
type telling struct {
	options
	plan   plan
	clock  *clock
	news   *news
	site   *site
	people *people
	fleet  *sim.Fleet
	trail  *trail
	labs   *observers // nil: nobody was named
	past   *past      // nil: nobody asks what was

	widened int // stages that the engineers did not let wait any longer
}

// open makes all that a story needs: a server, people who sign, the first release, and the fleet.
func (t *telling) open(ctx context.Context) (err error) {
	front := func(h http.Handler) http.Handler { return h }
	if o := t.plan.outage; o != nil {
		o.clock, front = t.clock, o.server
	}
	if t.site, err = openSite(ctx, t.options, t.clock, t.news, front); err != nil {
		return err
	}
	t.trail = &trail{site: t.site, count: map[string]int{}}
	t.news.say("The server is up at %s; its status page is empty.", t.site.url)
	if err := t.site.addModels(ctx, t.plan.models); err != nil {
		return fmt.Errorf("the file of models: %w", err)
	}
	if t.people, err = foundTrust(ctx, t.site, t.devices()); err != nil {
		return fmt.Errorf("the ceremony of keys: %w", err)
	}
	if s := t.plan.siege; s != nil {
		if s.lab, err = t.people.openLab(ctx, t.site, s.watched); err != nil {
			return fmt.Errorf("the lab: %w", err)
		}
	}
	if err := t.inviteObservers(ctx); err != nil {
		return fmt.Errorf("the observers: %w", err)
	}
	if err := t.site.tryHostile(ctx); err != nil {
		return err
	}
	if err := t.people.publish(ctx, t.site, t.plan.first); err != nil {
		return fmt.Errorf("the release: %w", err)
	}
	if t.fleet, err = t.switchOn(); err != nil {
		return err
	}
	begins := t.clock.start.Add(time.Duration(t.plan.notice) * day)
	looks := 0
	t.fleet.Every(2*time.Hour, func(ctx context.Context) error {
		if looks++; looks%4 != 0 && t.clock.Now().Before(begins) {
			return nil // before the first rollout there is little to do
		}
		if err := t.site.tick(ctx); err != nil {
			return fmt.Errorf("the server's tick: %w", err)
		}
		if t.past != nil {
			t.note()
		}
		return t.trail.look(ctx)
	})
	t.fleet.At(t.clock.start.Add(foreknown*day), t.vouch)
	if t.labs != nil {
		t.fleet.At(t.clock.start.Add(day), func(ctx context.Context) error { return t.labs.plant(ctx, t) })
	}
	if t.plan.siege != nil {
		if err := t.besiege(); err != nil {
			return err
		}
	}
	t.news.say("%d handsets of %d models are switched on; they poll once a day.", t.handsets, len(t.devices()))
	return nil
}

func (t *telling) sizeOf(device string) int {
	return t.plan.fleet[slices.IndexFunc(t.plan.fleet, func(m sim.Model) bool { return m.Device == device })].Size
}

// vouch is an engineer's word for how many handsets there are: those that are known by then count.
func (t *telling) vouch(ctx context.Context) error {
	for _, m := range t.plan.fleet {
		done, err := t.site.api.Fleet().Admit(ctx, m.Device, "", int64(m.Size), "as many were sold")
		if err != nil {
			return fmt.Errorf("admitting %s: %w", m.Device, err)
		}
		t.news.say("%-15s admitted: %s", m.Device, done.Words)
	}
	return nil
}

func (t *telling) end() {
	if t.fleet != nil {
		_ = t.fleet.Close()
	}
	if t.labs != nil {
		_ = t.labs.service.Close()
	}
	if t.site != nil {
		t.site.close()
	}
}

func (t *telling) devices() (all []string) {
	for _, m := range t.plan.fleet {
		all = append(all, m.Device)
	}
	return all
}

// switchOn sets up the fleet: every model with its share of handsets, unpatched but for the newest, which were sold
// with the patch.
func (t *telling) switchOn() (*sim.Fleet, error) {
	models, rest := t.plan.fleet, t.handsets
	if t.plan.few > 0 {
		last := len(models) - 1
		models[last].Size, models, rest = t.plan.few, models[:last], rest-t.plan.few
	}
	parts := 0
	for _, m := range models {
		parts += partsOf(m)
	}
	left := rest
	for i := range models {
		models[i].Size = rest * partsOf(models[i]) / parts
		left -= models[i].Size
	}
	for i := range left { // fewer than there are models
		models[i].Size++
	}
	cfg := sim.Config{Seed: t.seed, Start: t.clock.Now(), Models: t.plan.fleet, URL: t.site.url, Root: t.people.root,
		Keys: t.site.otaKeys, Log: t.site.log, Poll: cmp.Or(t.plan.poll, day), Releases: []sim.Release{t.plan.first.known()}}
	if t.plan.outage != nil {
		way := http.DefaultTransport.(*http.Transport).Clone()
		way.MaxIdleConnsPerHost = 64
		cfg.Transport = t.plan.outage.network(way)
	}
	if !t.once {
		cfg.Pace = pace(t.clock.Now(), time.Duration(t.plan.notice)*day, t.pace)
	}
	fleet, err := sim.New(cfg)
	if err == nil {
		t.clock.follow(fleet.Now)
	}
	return fleet, err
}

// partsOf is how large a model is beside the others. Of the one whose build is bad there are twice as many: in a fleet of
// seventy the first stage would else be so small, one time in twenty-five, that nobody in it leaks.
func partsOf(m sim.Model) int {
	if m.Device == badModel {
		return 2
	}
	return 1
}

// pace waits until real time has come as far as virtual time, at so much real time a day. The time before the first
// rollout, in which little happens, passes eight times as fast.
func pace(start time.Time, notice, perDay time.Duration) func(context.Context, time.Time) error {
	began := time.Now()
	return func(ctx context.Context, now time.Time) error {
		since := now.Sub(start)
		since -= min(since, notice) * 7 / 8
		due := began.Add(time.Duration(float64(since) / float64(day) * float64(perDay)))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Until(due)):
			return nil
		}
	}
}

// live waits until the releases have been known for so many days, starts one rollout after the other and lets days pass.
func (t *telling) live(ctx context.Context, notice, days int, ships ...shipment) error {
	start := t.clock.Now().Add(time.Duration(notice) * day)
	n := 0
	for _, ship := range ships {
		for _, device := range ship.models {
			n++ // half a day apart, so that the page moves model by model
			at := start.Add(time.Duration(n) * day / 2)
			if t.plan.siege != nil && device == t.plan.siege.watched {
				at = start.Add(time.Duration(days-1) * day) // so that it is under way in the end
			}
			t.fleet.At(at, func(ctx context.Context) error {
				return t.site.startRollout(ctx, ship.Name, device, stages(t.sizeOf(device)))
			})
			if t.labs != nil && ship.Name == t.plan.first.Name {
				t.labs.from(t, at, device)
			}
		}
	}
	for end := start.Add(time.Duration(days) * day); t.clock.Now().Before(end); {
		if err := t.fleet.Run(ctx, t.clock.Now().Add(day/8)); err != nil {
			return err
		}
		if err := errors.Join(t.trail.progress(ctx), t.widen(ctx)); err != nil {
			return err
		}
	}
	return nil
}

// widen is what the engineers do where the evidence of a few handsets does not suffice. One bad flash among ten they look
// at and go on, in every story but that of an attacker.
func (t *telling) widen(ctx context.Context) error {
	if t.plan.siege != nil {
		return nil
	}
	all, err := t.site.api.Rollouts().List(ctx)
	for _, r := range all {
		if err != nil || r.State != "running" || r.Stage == len(r.Stages) {
			continue
		}
		waited, why := t.clock.Now().Sub(r.Since), ""
		switch {
		case t.plan.widen > 0 && waited >= time.Duration(t.plan.widen)*day:
			why = "too few handsets to be sure; what they show is looked at"
		case waited >= 2*day && onlyFailures(r.Waits):
			why = "a bad flash is looked at; it is one in a dozen everywhere"
		default:
			continue
		}
		t.widened++
		_, err = t.site.api.Rollouts().Widen(ctx, r.ID, r.Stage+1, why)
	}
	return err
}

// onlyFailures says that a stage waits for nothing but that fewer fail, which so few handsets cannot show.
func onlyFailures(waits []client.Reason) bool {
	other := func(r client.Reason) bool { return r.Code != reasons.WaitsFailures }
	return len(waits) > 0 && !slices.ContainsFunc(waits, other)
}

// stages is what the engineers chose for a fleet this small: a dozen handsets but at least a fifth, then half, then
// all; a day in each, after which the 24 hour reports decide. One of a dozen handsets has a bad flash, and by so few it
// cannot be shown that less than half of all have one; three leaks are many among them.
func stages(size int) []client.Stage {
	reports := func(share int) int64 { return int64(max(1, math.Round(float64(size*share)/10_000/3))) }
	first := min(max(2_000, 10_000*12/size), 4_900) / 100 * 100 // whole percents
	var all []client.Stage
	for _, share := range []int{first, 5_000, 10_000} {
		all = append(all, client.Stage{Share: share, Soak: "24h", Gates: client.Gates{MinReports: reports(share),
			MinProven: 5_000, MaxFailures: 5_000, HaltLeaks: 3}})
	}
	return all
}
