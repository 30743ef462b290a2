// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"landed/manifests"
	"landed/manifests/effect/probe"
	"landed/manifests/offers"
	"landed/manifests/tufrepo"
)

// forgerFeed is what the forger has read of the public feed: all that it knows.
type forgerFeed struct {
	read     time.Time // when
	snapshot int64     // its version
	release  string    // that it aims at: what is offered, else the newest that is signed; "" for none
	variant  string
	build    manifests.Build
	ask      probe.Ask
	offered  bool // a rollout of it goes on
	salt     string
	share    int
}

// look reads the feed, as anybody can, and verifies nothing of it.
func (f *Forger) look(ctx context.Context, now time.Time) error {
	role := manifests.Model{Device: f.cfg.Model}.Role()
	timestamp, err := f.metadata(ctx, tufrepo.Timestamp, 0)
	if err != nil {
		return fmt.Errorf("forger: %w: %w", errNoFeed, err)
	}
	version := timestamp.Files[tufrepo.Snapshot].Version
	if version == f.feed.snapshot {
		f.feed.read = now
		return nil
	}
	signed, offered, err := f.roles(ctx, role, version)
	if err != nil {
		return fmt.Errorf("forger: %w: %w", errNoFeed, err)
	}
	aim, found := f.cfg.newest(signed)
	next := forgerFeed{read: now, snapshot: version}
	if doc, err := f.offers(ctx, role, offered); err != nil {
		return fmt.Errorf("forger: %w: %w", errNoFeed, err)
	} else if o := f.cfg.going(doc); o != nil {
		aim, found = o.Custom, true
		next.offered, next.salt, next.share = true, o.Salt, o.Share
	}
	if found {
		next.release, next.variant, next.build = aim.Release, aim.Variant, aim.Build
		if next.ask, err = f.asks(ctx, signed, aim); err != nil {
			return fmt.Errorf("forger: %w: %w", errNoFeed, err)
		}
	}
	f.feed = next
	return nil
}

// roles gives what the two roles of the model list.
func (f *Forger) roles(ctx context.Context, role string, version int64) (signed, offered []tufrepo.Target, err error) {
	snapshot, err := f.metadata(ctx, tufrepo.Snapshot, version)
	if err != nil {
		return nil, nil, err
	}
	for name, list := range map[string]*[]tufrepo.Target{role: &signed, tufrepo.OffersRole(role): &offered} {
		file, listed := snapshot.Files[name]
		if !listed {
			continue
		}
		info, err := f.metadata(ctx, name, file.Version)
		if err != nil {
			return nil, nil, err
		}
		*list = info.Targets
	}
	return signed, offered, nil
}

func (f *Forger) metadata(ctx context.Context, role string, version int64) (tufrepo.Info, error) {
	text, err := f.get(ctx, "/tuf/metadata/"+tufrepo.MetadataFile(role, version))
	if err != nil {
		return tufrepo.Info{}, err
	}
	return tufrepo.Read(text)
}

// newest is the newest build that is signed for the image and channel.
func (cfg ForgerConfig) newest(signed []tufrepo.Target) (newest manifests.Custom, found bool) {
	for _, t := range signed {
		custom, err := manifests.ParseCustom(t.Custom)
		if t.Custom == nil || err != nil || custom.Channel != cfg.Channel ||
			cfg.Variant != "" && custom.Variant != cfg.Variant || found && custom.Build.UTC <= newest.Build.UTC {
			continue
		}
		newest, found = custom, true
	}
	return newest, found
}

func (f *Forger) offers(ctx context.Context, role string, listed []tufrepo.Target) (offers.Document, error) {
	path := tufrepo.OffersPath(role, f.cfg.Channel)
	for _, t := range listed {
		if t.Path != path {
			continue
		}
		text, err := f.get(ctx, "/tuf/targets/"+tufrepo.StoredTarget(path, t.SHA256))
		if err != nil {
			return offers.Document{}, err
		}
		return offers.Parse(text)
	}
	return offers.Document{}, nil
}

// going is the newest offer whose rollout goes on; nil if there is none.
func (cfg ForgerConfig) going(doc offers.Document) (newest *offers.Offer) {
	for i, o := range doc.Offers {
		switch {
		case o.Needs != "", o.State == offers.StateHalted, o.Share == 0:
		case cfg.Variant != "" && o.Custom.Variant != cfg.Variant:
		case newest == nil || o.Custom.Build.UTC > newest.Custom.Build.UTC:
			newest = &doc.Offers[i]
		}
	}
	return newest
}

// asks is what the signed manifest of a release asks.
func (f *Forger) asks(ctx context.Context, signed []tufrepo.Target, aim manifests.Custom) (probe.Ask, error) {
	if aim.Release == f.feed.release && aim.Variant == f.feed.variant {
		return f.feed.ask, nil
	}
	for _, t := range signed {
		if t.SHA256 != aim.Manifest {
			continue
		}
		text, err := f.get(ctx, "/tuf/targets/"+tufrepo.StoredTarget(t.Path, t.SHA256))
		if err != nil {
			return probe.Ask{}, err
		}
		m, err := manifests.ReadManifest(text)
		return m.Ask, err
	}
	return probe.Ask{}, nil
}

func (f *Forger) get(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.cfg.URL+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: the server answers %d", path, resp.StatusCode)
	}
	return io.ReadAll(io.LimitReader(resp.Body, 4<<20))
}
