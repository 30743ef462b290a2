// SPDX-License-Identifier: Apache-2.0

package rollouts

import (
	"context"
	"fmt"
	"path"
	"strings"
	"sync"

	"landed/manifests"
	"landed/manifests/offers"
	"landed/manifests/release"
	"landed/manifests/shelf"
	"landed/manifests/tufrepo"
	"landed/server/device/legacy"
	"landed/server/fleet"
	"landed/server/repo"
)

// others is what the updaters of others are given that follows from a document of offers.
type others struct {
	shelf.Document
	leftOut []string // what every handset is offered, and they are not told of, in words
	alarms  []string // of these, what somebody has to do something about
}

// others makes it; nil if there is nothing.
func (d drafts) others(ctx context.Context, tx fleet.Tx, model manifests.Model, doc offers.Document) (*others, error) {
	if len(model.Protocols) == 0 {
		return nil, nil
	}
	in := legacy.Input{Model: model, Models: d.cfg.Lineup.Catalogue(), Offers: doc, Base: d.cfg.Base, Packages: map[string][]fleet.Package{},
		Declared: map[string]map[string]release.Clients{}}
	for _, o := range doc.Offers {
		name := o.Custom.Release
		if _, read := in.Packages[name]; read {
			continue
		}
		packages, err := Packages(ctx, tx, fleet.Rollout{Release: name, Model: model.Device, Channel: doc.Channel})
		if fleet.Is(err, fleet.NotFound) {
			in.Packages[name] = nil // a restored database does not know it
			continue
		}
		if err != nil {
			return nil, err
		}
		stored, err := tx.Releases().Get(ctx, name)
		if err != nil {
			return nil, err
		}
		in.Packages[name] = packages
		if declared, err := release.ParsePublished(stored.Source); err == nil {
			in.Declared[name] = declared.Clients
		}
	}
	files, leftOut, ok := legacy.Document(in)
	if !ok && len(leftOut) == 0 {
		return nil, nil
	}
	return &others{files, leftOut, legacy.Alarms(in)}, nil
}

// told are the alarms that were raised last, by model and channel.
type told struct {
	mu   sync.Mutex
	last map[[2]string]string
}

// alarm says once, and again when it is another, what phones are told of nothing because they cannot be told apart.
func (d drafts) alarm(ctx context.Context, doc document) {
	var names []string
	if doc.others != nil {
		names = doc.others.alarms
	}
	key, text := [2]string{doc.Model, doc.Channel}, strings.Join(names, "\n")
	d.cfg.told.mu.Lock()
	again := d.cfg.told.last[key] == text
	d.cfg.told.last[key] = text
	d.cfg.told.mu.Unlock()
	if !again && text != "" {
		d.cfg.Log.ErrorContext(ctx, "phones that poll by the protocols of others are told of no package where two kinds of them ask by "+
			"one name", "model", doc.Model, "channel", doc.Channel, "names", names)
	}
}

// shelved is the target of what others are given, and if it differs from what is published; ok is false if there is none.
func (d drafts) shelved(
	ctx context.Context, s repo.State, role string, o *others,
) (t tufrepo.Target, changed, ok bool, err error) {
	if o == nil || len(o.Files) == 0 {
		return t, false, false, nil
	}
	if err := o.Validate(); err != nil {
		return t, false, false, fmt.Errorf("files for other updaters of %s on %s: %w", o.Model, o.Channel, err)
	}
	model, _ := tufrepo.ModelRole(role)
	text, where := o.Bytes(), shelf.Path(model, o.Channel)
	t, have := s.Target(role, where)
	if have && t.SHA256 == repo.Digest(text) {
		return t, false, true, nil
	}
	t, err = d.cfg.Repo.Keep(ctx, where, text)
	return t, true, true, err
}

// stopOthers makes what others are given again, where offers were stopped: what cannot be made again is taken away. kept
// are the targets of an offers role, stopped its changed documents.
func (d drafts) stopOthers(
	ctx context.Context, s repo.State, role string, stopped map[string]offers.Document,
) (targets []tufrepo.Target, changed bool, err error) {
	model, known := d.cfg.Lineup.Catalogue().ByRole(role)
	offersRole := tufrepo.OffersRole(role)
	for _, t := range s.Info(offersRole).Targets {
		if !shelf.Is(t.Path) {
			continue
		}
		doc, is := stopped[strings.TrimSuffix(path.Base(t.Path), shelf.Suffix)]
		if !is {
			targets = append(targets, t)
			continue
		}
		changed = true
		if !known {
			continue
		}
		var o *others
		if err := d.cfg.Store.View(ctx, func(tx fleet.Tx) (err error) {
			o, err = d.others(ctx, tx, model, doc)
			return err
		}); err != nil {
			return nil, false, err
		}
		t, _, ok, err := d.shelved(ctx, s, offersRole, o)
		if err != nil {
			return nil, false, err
		}
		if ok {
			targets = append(targets, t)
		}
	}
	return targets, changed, nil
}
