// SPDX-License-Identifier: Apache-2.0

package rollouts

import (
	"context"
	"log/slog"
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
	faults  []string // the same, for what a person has to mend
}

// others makes it; nil if there is nothing.
func (d drafts) others(ctx context.Context, tx fleet.Tx, model manifests.Model, doc offers.Document) (*others, error) {
	if len(model.Protocols) == 0 {
		return nil, nil
	}
	in := legacy.Input{Model: model, Offers: doc, Base: d.cfg.Base, Packages: map[string][]fleet.Package{},
		Declared: map[string]map[string]release.Clients{}}
	for _, o := range doc.Offers {
		name := o.Custom.Release
		if _, read := in.Packages[name]; read {
			continue
		}
		packages, declared, err := declaredWith(ctx, tx, fleet.Rollout{Release: name, Model: model.Device, Channel: doc.Channel})
		if fleet.Is(err, fleet.NotFound) {
			in.Packages[name] = nil // a restored database does not know it
			continue
		}
		if err != nil {
			return nil, err
		}
		in.Packages[name], in.Declared[name] = packages, declared
	}
	files, leftOut, _ := legacy.Document(in)
	files, collided := legacy.Apart(files)
	if len(files.Files)+len(leftOut)+len(collided) == 0 {
		return nil, nil
	}
	return &others{files, leftOut, collided}, nil
}

// declaredWith are the packages of a rollout, and what its release declares for phones with other updaters, by model.
func declaredWith(ctx context.Context, tx fleet.Tx, r fleet.Rollout) ([]fleet.Package, map[string]release.Clients, error) {
	packages, err := Packages(ctx, tx, r)
	if err != nil {
		return nil, nil, err
	}
	stored, err := tx.Releases().Get(ctx, r.Release)
	if err != nil {
		return nil, nil, err
	}
	declared, err := release.ParsePublished(stored.Source)
	if err != nil {
		return packages, nil, nil // it was taken up from a feed
	}
	return packages, declared.Clients, nil
}

// shelved is the target of what others are given, and if it differs from what is published; ok is false if there is none. What
// is wrong with it is told, and keeps nobody's offers from being published: it is left out then, and tried again.
func (d drafts) shelved(
	ctx context.Context, s repo.State, role string, o *others,
) (t tufrepo.Target, changed, ok bool) {
	if o == nil || len(o.Files) == 0 {
		return t, false, false
	}
	model, _ := tufrepo.ModelRole(role)
	text, where := o.Bytes(), shelf.Path(model, o.Channel)
	t, have := s.Target(role, where)
	if have && t.SHA256 == repo.Digest(text) {
		d.again(ctx, t, text)
		return t, false, true
	}
	_, err := shelf.Parse(text)
	if err == nil {
		t, err = d.cfg.Repo.Keep(ctx, where, text)
	}
	if err != nil {
		o.faults = append(o.faults, "nothing at all is given away: "+fleet.InOneLine(err))
		return t, false, false
	}
	return t, true, true
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
		if t, _, ok := d.shelved(ctx, s, offersRole, o); ok {
			targets = append(targets, t)
		}
		d.told.leftOut(ctx, d.cfg.Log, doc.Model, doc.Channel, o)
	}
	return targets, changed, nil
}

// told is what people were told of that phones with other updaters are not, by model and channel: each time something else.
type told struct {
	mu   sync.Mutex
	last map[[2]string]string
}

// leftOut tells it of a document, once for as long as it stays so.
func (a *told) leftOut(ctx context.Context, log *slog.Logger, model, channel string, o *others) {
	place, now := [2]string{model, channel}, ""
	if o != nil {
		now = strings.Join(append(o.faults, o.leftOut...), "\n")
	}
	a.mu.Lock()
	same := a.last[place] == now
	if a.last == nil {
		a.last = map[[2]string]string{}
	}
	a.last[place] = now
	a.mu.Unlock()
	if same || o == nil {
		return
	}
	if len(o.faults) > 0 {
		log.ErrorContext(ctx, "phones that poll by the protocols of others are not told of what every handset is offered; everything "+
			"else is published", "model", model, "channel", channel, "faults", o.faults)
	}
	if len(o.leftOut) > 0 {
		log.WarnContext(ctx, "phones that poll by the protocols of others are not told of some packages that every handset is "+
			"offered", "model", model, "channel", channel, "left_out", o.leftOut)
	}
}
