// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/handset/sim"
	"landed/manifests"
	"landed/server/otactl/client"
)

const (
	day = 24 * time.Hour
	// span is how long the story lasts: five rollouts of three stages, the reports of a week
	// after the last of them, and the silence of those who are silent.
	span = 25 * day
	// badModel is given the build that leaks.
	badModel = "pisces"
)

// story tells everything from the empty data folder to the comparison at the end.
func story(ctx context.Context, o options, news *news) (result, error) {
	began := time.Now()
	clock := &clock{start: began.UTC().Truncate(time.Second)}
	h, err := openHouse(ctx, o, clock)
	if err != nil {
		return result{}, err
	}
	defer h.close()
	news.clock = clock
	news.say("The server is up at %s; its status page is empty.", h.url)
	people, err := foundTrust(ctx, h, clock, news)
	if err != nil {
		return result{}, fmt.Errorf("the ceremony of keys: %w", err)
	}
	if err := publishRelease(ctx, h, people, clock, news); err != nil {
		return result{}, fmt.Errorf("the release: %w", err)
	}
	fleet, err := switchOn(o, h, people, clock)
	if err != nil {
		return result{}, err
	}
	defer fleet.Close()
	if err := live(ctx, o, h, fleet, news, clock); err != nil {
		return result{}, err
	}
	r, err := compare(ctx, h, fleet, time.Since(began))
	if err != nil || o.once {
		return r, err
	}
	news.end()
	r.print(news.to)
	fmt.Fprintf(news.to, "\nThe story is told; the page stays at %s. Ctrl-C ends it.\n", h.url)
	<-ctx.Done()
	return r, ctx.Err()
}

// switchOn sets up the fleet: every model with its share of handsets, unpatched but for the
// newest, which were sold with the patch.
func switchOn(o options, h *house, p *people, clock *clock) (*sim.Fleet, error) {
	var models []sim.Model
	for i, device := range fixtures.Models() {
		size := o.handsets / len(fixtures.Models())
		if i < o.handsets%len(fixtures.Models()) {
			size++
		}
		m, err := sim.ModelOf(device, size)
		if err != nil {
			return nil, err
		}
		if device == badModel {
			m.Fresh = fixtures.Build{} // nobody sells handsets with a build that is not out
		}
		models = append(models, m)
	}
	cfg := sim.Config{Seed: o.seed, Start: clock.Now(), Models: models, URL: h.url, Root: p.root, Keys: h.otaKeys,
		Log: h.log, Poll: day}
	if !o.once {
		cfg.Pace = pace(clock.Now(), o.pace)
	}
	fleet, err := sim.New(cfg)
	if err == nil {
		clock.follow(fleet.Now)
	}
	return fleet, err
}

// pace waits until real time has come as far as virtual time, at so much real time a day.
func pace(start time.Time, perDay time.Duration) func(context.Context, time.Time) error {
	began := time.Now()
	return func(ctx context.Context, now time.Time) error {
		due := began.Add(time.Duration(float64(now.Sub(start)) / float64(day) * float64(perDay)))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Until(due)):
			return nil
		}
	}
}

// live starts one rollout after the other and lets time pass.
func live(ctx context.Context, o options, h *house, fleet *sim.Fleet, news *news, clock *clock) error {
	start := clock.Now()
	watch := &watch{house: h, news: news}
	fleet.Every(2*time.Hour, func(ctx context.Context) error {
		if err := h.server.Tick(ctx); err != nil {
			return fmt.Errorf("the server's tick: %w", err)
		}
		return watch.look(ctx)
	})
	for i, device := range fixtures.Models() {
		// A day apart, the bad one early, so that the page moves model by model.
		fleet.At(start.Add(day/2+time.Duration(i)*day/2), func(ctx context.Context) error {
			return h.startRollout(ctx, device, stages(o.handsets/len(fixtures.Models())))
		})
	}
	news.say("%d handsets of %d models are switched on; they poll once a day.", o.handsets, len(fixtures.Models()))
	for at := start; at.Before(start.Add(span)); at = at.Add(day / 8) {
		if err := fleet.Run(ctx, at.Add(day/8)); err != nil {
			return err
		}
		if err := watch.progress(ctx); err != nil {
			return err
		}
	}
	return nil
}

// stages is what the engineers chose for a fleet this small: a dozen handsets but at least a
// fifth, then half, then all; a day in each, after which the 24 hour reports decide.
func stages(size int) []client.Stage {
	reports := func(share int) int64 { return int64(max(1, math.Round(float64(size*share)/10_000/3))) }
	first := min(max(2_000, 10_000*12/size), 4_900) / 100 * 100 // whole percents
	var all []client.Stage
	for _, share := range []int{first, 5_000, 10_000} {
		all = append(all, client.Stage{Share: share, Soak: "24h", Gates: client.Gates{MinReports: reports(share),
			MinProven: 5_000, MaxFailures: 2_500, HaltLeaks: 3}})
	}
	return all
}

// bindBuilds chooses the build of the release for each model: the patched one, and for one
// model a build that claims to be patched and leaks.
func bindBuilds() (map[string]fixtures.Build, error) {
	release := manifests.OptInRelease()
	builds := map[string]fixtures.Build{}
	var faults []error
	for _, device := range fixtures.Models() {
		kind := fixtures.Patched
		if device == badModel {
			kind = fixtures.Bad
		}
		b, err := fixtures.BuildOf(device, kind)
		faults = append(faults, err)
		if want := release.EffectOn(device).Migration; err == nil && string(b.Config.Migration) != string(want) {
			faults = append(faults, fmt.Errorf("%s: the release declares that its image will %s, the image says %s", device,
				want, b.Config.Migration))
		}
		builds[device] = b
	}
	if !slices.Contains(fixtures.Models(), badModel) {
		faults = append(faults, fmt.Errorf("no model is called %s", badModel))
	}
	return builds, errors.Join(faults...)
}
