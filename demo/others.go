// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
	"landed/server/otactl/client"
)

//go:embed releases/legacy.yaml
var legacySource []byte

//go:embed releases/legacy-models.yaml
var legacyModels []byte

// polledBy is the model whose phones have the updaters of others.
const polledBy = "fuxi"

// forOthers is a fix for phones that know nothing of the feed: they poll files.
func forOthers() (plan, error) {
	p := plan{models: legacyModels, others: true}
	var err error
	p.first, err = newShipment(legacySource, []string{polledBy}, func(device string) (fixtures.Build, error) {
		return fixtures.BuildOf(device, fixtures.Patched)
	})
	return p, err
}

// polled is what one of these phones did.
type polled struct {
	Protocol manifests.Protocol `json:"protocol"`
	Before   int                `json:"offered_before"` // packages, while the release was published and not rolled out
	Offered  int                `json:"offered"`        // when it was for everybody
	How      string             `json:"how"`            // it came onto the phone
	Ran      string             `json:"ran"`            // fingerprint, as sold
	Runs     string             `json:"runs"`           // fingerprint, in the end
	Halted   int                `json:"offered_when_halted"`
}

// othersResult is the story of that name.
type othersResult struct {
	Requests int64    `json:"requests"`       // to the file server
	Stopped  int      `json:"server_stopped"` // how often phones polled while no server ran
	Phones   []polled `json:"phones"`
}

// agrees says if each phone got the build from files alone, and no other phone after the halt.
func (o *othersResult) agrees(want string) bool {
	for _, p := range o.Phones {
		if p.Before != 0 || p.Offered == 0 || p.Ran == want || p.Runs != want || p.Halted != 0 {
			return false
		}
	}
	return len(o.Phones) > 0 && o.Stopped == 2
}

// others is the story of these phones under way.
type others struct {
	*telling
	files *files
	told  othersResult
}

// tellOthers is the whole story: a release is published, rolled out to all, and halted, and phones poll the folder by a plain file
// server, the last two times with the server stopped.
func tellOthers(ctx context.Context, t *telling) (r result, err error) {
	began := time.Now()
	o := others{telling: t}
	if o.files, err = serveFiles(); err != nil {
		return r, err
	}
	defer o.files.http.Close()
	t.base = o.files.url
	if err := o.openSite(ctx); err != nil {
		return r, err
	}
	o.files.of(t.site.dir)
	if err := o.poll(ctx, func(p *polled, n int) { p.Before = n }); err != nil {
		return r, err
	}
	if err := t.site.startRollout(ctx, t.plan.first.Name, polledBy, []client.Stage{{Share: 10_000, Soak: "24h"}}); err != nil {
		return r, err
	}
	if err := t.site.stop(); err != nil {
		return r, err
	}
	t.news.say("It is for everybody. The server is stopped; a plain file server gives the folder away.")
	if err := o.update(ctx); err != nil {
		return r, err
	}
	if err := o.halt(ctx); err != nil {
		return r, err
	}
	t.news.say("It is halted, and the server stopped again.")
	if err := o.poll(ctx, func(p *polled, n int) { p.Halted = n }); err != nil {
		return r, err
	}
	o.told.Requests = o.files.asked.Load()
	return result{Release: t.plan.first.Name, Handsets: len(o.told.Phones), Models: []modelResult{}, Others: &o.told,
		Agrees:  o.told.agrees(t.plan.first.builds[polledBy].Fingerprint),
		Elapsed: math.Round(time.Since(began).Seconds()*10) / 10}, nil
}

// openSite makes a server with a published release.
func (o *others) openSite(ctx context.Context) (err error) {
	if o.site, err = openSite(ctx, o.options, o.clock, o.news, func(h http.Handler) http.Handler { return h }); err != nil {
		return err
	}
	if err := o.site.addModels(ctx, o.plan.models); err != nil {
		return fmt.Errorf("the file of models: %w", err)
	}
	if o.people, err = foundTrust(ctx, o.site, []string{polledBy}); err != nil {
		return fmt.Errorf("the ceremony of keys: %w", err)
	}
	if o.plan.first, err = o.site.declareCsig(o.plan.first); err != nil {
		return fmt.Errorf("what the maker signs for Custota: %w", err)
	}
	return o.people.publish(ctx, o.site, o.plan.first)
}

// fresh are phones as sold, one for each protocol, that are about to poll.
func (o *others) fresh() (all []*poller, err error) {
	if o.site.http == nil {
		o.told.Stopped++
	}
	sold, err := fixtures.BuildOf(polledBy, fixtures.Unpatched)
	if err != nil {
		return nil, err
	}
	for _, protocol := range []manifests.Protocol{manifests.LineageOS1, manifests.LineageOS2, manifests.GrapheneOS, manifests.AOSPSample,
		manifests.Custota} {
		p, err := newPoller(protocol, o.files, o.site.otaKey.Cert, sold, o.clock.Now())
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// poll has fresh phones ask, and notes how much they are offered.
func (o *others) poll(ctx context.Context, note func(*polled, int)) error {
	phones, err := o.fresh()
	if err != nil {
		return err
	}
	for i, p := range phones {
		offers, err := p.offered(ctx)
		if err != nil {
			return err
		}
		if len(o.told.Phones) == i {
			o.told.Phones = append(o.told.Phones, polled{Protocol: p.protocol})
		}
		note(&o.told.Phones[i], len(offers))
	}
	return nil
}

// update has fresh phones ask, verify, install and restart.
func (o *others) update(ctx context.Context) error {
	phones, err := o.fresh()
	if err != nil {
		return err
	}
	for i, p := range phones {
		one := &o.told.Phones[i]
		one.Ran = p.phone.Image().Fingerprint
		offers, err := p.offered(ctx)
		if err == nil {
			one.Offered = len(offers)
			one.How, err = p.update(ctx, offers, o.clock.Now())
		}
		if err != nil {
			return err
		}
		one.Runs = p.phone.Image().Fingerprint
		o.news.say("%-13s %s, and runs %s.", p.protocol, one.How, one.Runs)
	}
	return nil
}

// halt starts the server for as long as an engineer takes to halt the rollout.
func (o *others) halt(ctx context.Context) error {
	if err := o.site.again(o.options); err != nil {
		return err
	}
	id := o.plan.first.Name + "." + manifests.Model{Device: polledBy}.Role() + ".stable"
	_, err := o.site.api.Rollouts().Halt(ctx, id, "it breaks")
	return errors.Join(err, o.site.stop())
}

func (o *othersResult) print(w io.Writer, agrees bool) {
	fmt.Fprintln(w)
	for _, p := range o.Phones {
		fmt.Fprintf(w, "%-13s offered %d before, %d for everybody, %d when halted; %s; runs %s\n", p.Protocol, p.Before, p.Offered,
			p.Halted, p.How, p.Runs)
	}
	fmt.Fprintf(w, "\n%d requests, to a plain file server. These phones report nothing, and are in no figure.\n", o.Requests)
	if !agrees {
		fmt.Fprintln(w, "What they did is NOT what they should have done.")
	}
}
