// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"landed/demo/served"
	"landed/handset/sim"
	"landed/manifests"
	"landed/manifests/evidence"
	"landed/manifests/tufrepo"
	"landed/signer/keys"
)

// keeper is somebody whose key stands in the offline trust and who vouches for handsets of one model.
type keeper struct {
	device string
	key    *keys.Key
}

// openLab brings a witness key for a model in: the targets keys sign for it.
func (p *people) openLab(ctx context.Context, s *site, device string) (keeper, error) {
	key, err := keys.New(keys.Ed25519, "lab", tufrepo.Witnesses)
	if err != nil {
		return keeper{}, err
	}
	if err := p.addOutsiders(ctx, s, tufrepo.WitnessesOf(manifests.Model{Device: device}.Role()), 0, key); err != nil {
		return keeper{}, err
	}
	s.news.say("A lab may vouch for handsets of %s that it watches.", device)
	return keeper{device, key}, nil
}

// strike has the lab's handset report what it should not do, and measures how long after that the offers that are served
// say that the rollout is halted. The lab vouched for it before.
func (l keeper) strike(ctx context.Context, t *telling, rollout string) (time.Duration, error) {
	f, err := sim.NewForger(sim.ForgerConfig{Forgery: sim.ForgeLeak, N: 1, URL: t.site.url, Model: l.device,
		Seed: t.seed + 2, Now: t.clock.Now})
	if err != nil {
		return 0, err
	}
	now := t.clock.Now().Truncate(time.Second)
	voucher := evidence.Voucher{Installation: f.References()[0], Model: l.device, From: now.Add(-day), Until: now.Add(30 * day)}
	text, _, err := evidence.Seal(evidence.Said{Voucher: &voucher}, l.key)
	if err != nil {
		return 0, err
	}
	if _, err := t.site.api.Evidence().Add(ctx, text); err != nil {
		return 0, fmt.Errorf("the lab's word for its handset: %w", err)
	}
	feed := served.Feed{URL: t.site.url, Root: t.people.root, HTTP: http.DefaultClient}
	if state, err := feed.State(ctx, rollout); err != nil || state != "running" {
		return 0, fmt.Errorf("before the lab's report the offers of %s say %q: %w", rollout, state, err)
	}
	begun := time.Now()
	if _, err := f.Step(ctx); err != nil {
		return 0, err
	}
	for {
		state, err := feed.State(ctx, rollout)
		took := time.Since(begun)
		switch {
		case err != nil:
			return took, err
		case state == "halted":
			return took, nil
		case took > time.Minute:
			return took, fmt.Errorf("a minute after the lab's report the offers of %s say %q; its reports were answered %v", rollout,
				state, f.Became())
		}
	}
}
