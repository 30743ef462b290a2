// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/firmware-fixtures/virtual"
	"landed/handset/lab"
	"landed/manifests/evidence"
	"landed/manifests/tufrepo"
	"landed/signer/keys"
)

// observers are outsiders who repeat the tests on models of which they have a handset, as otasim --observer does, against
// a stand-in for the maker's messaging service.
type observers struct {
	service *lab.Service
	hands   []*keys.Key        // of those who test
	tests   map[string]*tested // by model
	added   int                // statements that were handed in
}

// tested is what came of the tests of one model, and what is true of it at the service.
type tested struct {
	planted []string                           // probe numbers
	first   map[evidence.Kind]evidence.Verdict // what was signed first
	shown   evidence.Standing                  // of retention on the page, while the service kept the numbers
	clear   int                                // registrations of the update's handsets that came in, in clear
	secret  int                                // and encrypted
	reached bool                               // every probe number came in when it was planted
}

// observing are the people outside; as many as quorum of them must confirm. The last one has no time.
var observing = []string{"nordlab", "campus", "consumer-union"}

const (
	quorum     = 2
	probeCount = 5
)

// inviteObservers has the targets keys sign for the keys of outsiders, and begins the service.
func (t *telling) inviteObservers(ctx context.Context) error {
	if len(t.plan.tested) == 0 {
		return nil
	}
	var named []*keys.Key
	for _, name := range observing {
		key, err := keys.New(keys.Ed25519, name, tufrepo.Observers)
		if err != nil {
			return err
		}
		named = append(named, key)
	}
	if err := t.people.addOutsiders(ctx, t.site, tufrepo.Observers, quorum, named...); err != nil {
		return err
	}
	service, err := lab.NewService("127.0.0.1", 0, 0)
	if err != nil {
		return err
	}
	t.labs = &observers{service: service, hands: named[:quorum], tests: map[string]*tested{}}
	t.news.say("Observers are named: %s. %d of them must confirm what they tested.", strings.Join(observing, ", "), quorum)
	return nil
}

// plant has handsets as they were sold register probe numbers, before there is any update.
func (o *observers) plant(ctx context.Context, t *telling) error {
	for _, device := range t.plan.tested {
		numbers, err := lab.Probes(rand.Reader, probeCount)
		if err != nil {
			return err
		}
		sold, err := sold(device)
		if err == nil {
			l := lab.Lab{Sold: sold, Service: o.service.Remote(), Now: t.clock.Now}
			err = l.Plant(ctx, numbers)
		}
		if err != nil {
			return fmt.Errorf("planting probe numbers with %s: %w", device, err)
		}
		o.tests[device] = &tested{planted: numbers, reached: o.service.Holds(numbers) == len(numbers),
			first: map[evidence.Kind]evidence.Verdict{}}
	}
	return nil
}

// sold is what handsets of a model ran before the update.
func sold(device string) (*virtual.Image, error) {
	b, err := fixtures.BuildOf(device, fixtures.Unpatched)
	if err != nil {
		return nil, err
	}
	return lab.Image(b.SystemFiles())
}

// from has a model tested two hours after its rollout has started. The service keeps the numbers until the first
// test has shown that; then it deletes them, and the first model is tested again.
func (o *observers) from(t *telling, started time.Time, device string) {
	if !slices.Contains(t.plan.tested, device) {
		return
	}
	o.testAt(t, started.Add(2*time.Hour), device, func() {
		if device != t.plan.tested[0] {
			return
		}
		now := t.clock.Now()
		t.fleet.At(now.Add(4*time.Hour), func(ctx context.Context) error { return o.forget(ctx, t, device) })
		o.testAt(t, now.Add(6*time.Hour), device, func() {})
	})
}

// testAt has a model tested at a time, or as soon after it as the feed can be read; then follows.
func (o *observers) testAt(t *telling, at time.Time, device string, then func()) {
	t.fleet.At(at, func(ctx context.Context) error {
		err := o.test(ctx, t, device)
		if errors.Is(err, errNoFeed) && t.plan.outage != nil {
			o.testAt(t, t.clock.Now().Add(time.Hour), device, then)
			return nil
		}
		if err == nil {
			then()
		}
		return err
	})
}

// errNoFeed says that observers could not read the feed.
var errNoFeed = errors.New("the feed could not be read")

// test has each observer take the package from the feed, do all three tests, and hand in what was signed.
func (o *observers) test(ctx context.Context, t *telling, device string) error {
	is, before := o.tests[device], o.service.Truth()
	l := lab.Lab{Service: o.service.Remote(), Now: t.clock.Now}
	var err error
	if l.Build, err = lab.Fetch(t.clock.Now(), t.site.url, t.people.root, device, "stable"); err != nil {
		return fmt.Errorf("the observers cannot test %s: %w: %w", device, errNoFeed, err)
	}
	if l.Sold, err = sold(device); err != nil {
		return err
	}
	found := map[evidence.Kind]evidence.Verdict{}
	for _, hand := range o.hands {
		results, err := l.All(ctx, is.planted)
		if err != nil {
			return fmt.Errorf("%s tests %s: %w", hand.Public().Name, device, err)
		}
		for _, r := range results {
			text, _, err := evidence.Seal(evidence.Said{Observation: &r.Observation}, hand)
			if err != nil {
				return err
			}
			if _, err := t.site.api.Evidence().Add(ctx, text); err != nil {
				return fmt.Errorf("the statement of %s on %s: %w", hand.Public().Name, device, err)
			}
			o.added++
			found[r.Kind] = r.Verdict
		}
	}
	after := o.service.Truth()
	is.clear, is.secret = is.clear+after.Clear-before.Clear, is.secret+after.Encrypted-before.Encrypted
	var words []string
	for _, kind := range evidence.Kinds() {
		is.first[kind] = cmp.Or(is.first[kind], found[kind])
		words = append(words, fmt.Sprintf("%s %s", kind, pastOf[found[kind]]))
	}
	t.news.say("%-15s tested by %d observers: %s", device, len(o.hands), strings.Join(words, ", "))
	return nil
}

var pastOf = map[evidence.Verdict]string{evidence.Confirms: "confirmed", evidence.Refutes: "REFUTED",
	evidence.Inconclusive: "inconclusive"}

// forget looks at what the page says while the service keeps the numbers, and has it delete them.
func (o *observers) forget(ctx context.Context, t *telling, device string) error {
	is := o.tests[device]
	held := o.service.Holds(is.planted)
	for asked := time.Now(); is.shown != evidence.Refuted && time.Since(asked) < time.Minute; time.Sleep(pageAge / 10) {
		checks, err := t.site.checks(ctx, device)
		if err != nil {
			return err
		}
		for _, c := range checks {
			if c.Kind == evidence.Retention {
				is.shown = c.Standing
			}
		}
	}
	if err := o.service.Remote().Forget(ctx); err != nil {
		return err
	}
	t.news.say("The service kept %d of %d probe numbers; the page says: retention %s. Its maker deletes what it holds.", held,
		len(is.planted), is.shown)
	return nil
}
