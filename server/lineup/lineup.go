// SPDX-License-Identifier: Apache-2.0

// Package lineup is the list of models and channels that a server serves, kept as data.
//
// Parties: release engineers add models from a file, and channels; every room asks what there is now. It promises that
// a new data folder, or one from before models were data, begins with the line-up that is built in; that what was
// published for a model keeps its meaning, as only numbers, names of packages and variants can be added to it; that each
// change is in the audit trail; and that a change is seen at once here, and at the next tick if another process made it.
// It refuses to forget a model: one that is retired takes nothing new, and its pages stay.
package lineup

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"landed/manifests"
	"landed/server/fleet"
)

// Author is who put the built-in line-up in.
const Author = "landed"

// Config is what a Lineup is given.
type Config struct {
	Store    fleet.Store
	Default  *manifests.Catalogue // of a folder without models; nil: the built-in one
	Now      func() time.Time
	ReadOnly bool // store nothing
	// Refuses, if set, says why a model must not get the protocols that it is described with; it is asked in the transaction
	// that adds it.
	Refuses func(context.Context, fleet.Tx, manifests.Model) ([]error, error)
}

// Lineup knows the models and channels of now. Its methods may be called from any number of goroutines.
type Lineup struct {
	cfg     Config
	current atomic.Pointer[view]
}

// view is what is stored, at one moment.
type view struct {
	catalogue *manifests.Catalogue // retired models too
	retired   map[string]bool      // by device
	channels  []string             // that are in use, by name
	known     []string             // retired channels too
}

// Open reads the line-up, and puts the default one into a store that has none.
func Open(ctx context.Context, c Config) (*Lineup, error) {
	if c.Default == nil {
		c.Default = manifests.DefaultCatalogue()
	}
	l := &Lineup{cfg: c}
	if !c.ReadOnly {
		if err := c.Store.Update(ctx, l.seed); err != nil {
			return nil, fmt.Errorf("put the default models and channels in: %w", err)
		}
	}
	return l, l.Refresh(ctx)
}

func (l *Lineup) now() time.Time { return l.cfg.Now().UTC() }

func (l *Lineup) seed(tx fleet.Tx) error {
	ctx, at := context.Background(), l.now()
	models, err := tx.Models().List(ctx)
	if err != nil {
		return err
	}
	if len(models) == 0 {
		for _, m := range l.cfg.Default.Models() {
			profile, err := json.Marshal(m)
			if err == nil {
				err = tx.Models().Put(ctx, fleet.Model{Device: m.Device, Profile: profile, By: Author, At: at})
			}
			if err != nil {
				return err
			}
		}
	}
	channels, err := tx.Channels().List(ctx)
	if err != nil || len(channels) > 0 {
		return err
	}
	for _, name := range manifests.Channels {
		if err := tx.Channels().Put(ctx, fleet.Channel{Name: name, By: Author, At: at}); err != nil {
			return err
		}
	}
	return nil
}

// Refresh reads what is stored now: another process may have changed it.
func (l *Lineup) Refresh(ctx context.Context) error {
	var models []fleet.Model
	v := view{retired: map[string]bool{}}
	err := l.cfg.Store.View(ctx, func(tx fleet.Tx) (err error) {
		if models, err = tx.Models().List(ctx); err != nil {
			return err
		}
		channels, err := tx.Channels().List(ctx)
		for _, c := range channels {
			v.known = append(v.known, c.Name)
			if c.Retired.IsZero() {
				v.channels = append(v.channels, c.Name)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	if len(v.channels) == 0 { // a folder that was never served, and is only looked at
		v.channels = slices.Sorted(slices.Values(manifests.Channels))
		v.known = v.channels
	}
	for _, m := range models {
		v.retired[m.Device] = !m.Retired.IsZero()
	}
	if v.catalogue, err = l.catalogue(models); err != nil {
		return err
	}
	l.current.Store(&v)
	return nil
}

// catalogue is that of stored models: the default ones in their order, then others as they came.
func (l *Lineup) catalogue(stored []fleet.Model) (*manifests.Catalogue, error) {
	if len(stored) == 0 {
		return l.cfg.Default, nil
	}
	place := map[string]int{}
	for i, m := range l.cfg.Default.Models() {
		place[m.Device] = i + 1
	}
	stored = slices.SortedStableFunc(slices.Values(stored), func(a, b fleet.Model) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(place[a.Device], place[b.Device]), cmp.Compare(a.Device, b.Device))
	})
	var all []manifests.Model
	for _, s := range stored {
		m, err := profileOf(s)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return manifests.NewCatalogue(all...)
}

// profileOf reads the profile of a stored model.
func profileOf(s fleet.Model) (m manifests.Model, err error) {
	if err = json.Unmarshal(s.Profile, &m); err != nil {
		err = fmt.Errorf("the stored model %s: %w", s.Device, err)
	}
	return m, err
}

// Catalogue is every model that was ever added, retired ones too.
func (l *Lineup) Catalogue() *manifests.Catalogue { return l.current.Load().catalogue }

// Channels are the names of the channels in use, in order.
func (l *Lineup) Channels() []string { return slices.Clone(l.current.Load().channels) }

// KnownChannels are the names of all channels, in order: the handsets of a retired one are still heard.
func (l *Lineup) KnownChannels() []string { return slices.Clone(l.current.Load().known) }

// HasChannel says if a channel is in use.
func (l *Lineup) HasChannel(name string) bool {
	return slices.Contains(l.current.Load().channels, name)
}

// CheckChannel refuses a channel that is not in use, and names those that are.
func (l *Lineup) CheckChannel(name string) error {
	if l.HasChannel(name) {
		return nil
	}
	if slices.Contains(l.current.Load().known, name) {
		return channelRetired(name)
	}
	return fleet.Errorf(fleet.Invalid, "channel", "channel %.40q is not known here; wanted %s, or add it first "+
		"(otactl channel add NAME)", name, inWords(l.Channels()))
}

// CheckServed refuses a model that is retired.
func (l *Lineup) CheckServed(device string) error {
	if !l.current.Load().retired[device] {
		return nil
	}
	return fleet.Errorf(fleet.Conflict, "model_retired", "the model %s is retired: it takes no packages and no releases "+
		"any more. If that was a mistake, add it again (otactl model add FILE)", device)
}

// inWords is "beta, lab or stable".
func inWords(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
