// SPDX-License-Identifier: Apache-2.0

package rollouts

import (
	"context"
	"fmt"
	"sync"

	"landed/manifests/offers"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/repo"
)

// Standing is a rollout as it may be shown: what is stored, held against what handsets are told.
type Standing struct {
	State   fleet.RolloutState // that of the rollout, or [fleet.RolloutHalting]
	Missing string             // what the served feed does not say yet, in words; "" if it says all
}

// Standing holds r against the served feed. A rollout is not called halted before its handsets are told so.
func (rs *Rollouts) Standing(ctx context.Context, r fleet.Rollout) Standing {
	said, whole := rs.served.state(ctx, rs, r)
	if whole && (said == "" || said == offers.State(r.State)) {
		return Standing{State: r.State}
	}
	is := Standing{State: r.State, Missing: "the feed folder was not written since the server started"}
	if r.State == fleet.RolloutHalted {
		is.State = fleet.RolloutHalting
	}
	if whole {
		is.Missing = fmt.Sprintf("the served offers of %s on %s still say %s", r.Model, r.Channel, said)
	}
	if err := rs.cfg.Repo.Failing(); err != nil {
		is.Missing += ": " + repo.Why(err)
	}
	return is
}

// Halting lists the rollouts that are halted and whose handsets are not told so yet.
func (rs *Rollouts) Halting(ctx context.Context) (ids []string, err error) {
	err = rs.cfg.Store.View(ctx, func(tx fleet.Tx) error {
		all, err := tx.Rollouts().List(ctx)
		for _, r := range all {
			if r.State == fleet.RolloutHalted && rs.Standing(ctx, r).State == fleet.RolloutHalting {
				ids = append(ids, r.ID)
			}
		}
		return err
	})
	return ids, err
}

// servedOffers reads what the served offers say. What was read is kept, one document for each model and channel.
type servedOffers struct {
	mu   sync.Mutex
	kept map[string]said // by path
}

// said is what a document says of rollouts, by id.
type said struct {
	sha256 string
	states map[string]offers.State
}

// state is what the served offers say of r, "" if they do not offer it; whole is false if that cannot be told.
func (o *servedOffers) state(ctx context.Context, rs *Rollouts, r fleet.Rollout) (state offers.State, whole bool) {
	s, ok := rs.cfg.Repo.Served()
	model, known := rs.cfg.Lineup.Catalogue().Model(r.Model)
	if !ok || !known {
		return "", !known
	}
	role := model.Role()
	t, listed := s.Target(tufrepo.OffersRole(role), tufrepo.OffersPath(role, r.Channel))
	if !listed || !s.Delegates(role) {
		return "", true // no handset is offered anything
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if have := o.kept[t.Path]; have.sha256 == t.SHA256 {
		return have.states[r.ID], true
	}
	text, err := rs.cfg.Repo.Document(ctx, t)
	if err != nil {
		return "", false
	}
	d, err := offers.Parse(text)
	if err != nil {
		return "", false
	}
	now := said{t.SHA256, map[string]offers.State{}}
	for _, offer := range d.Offers {
		now.states[offer.Rollout] = offer.State
	}
	if o.kept == nil {
		o.kept = map[string]said{}
	}
	o.kept[t.Path] = now
	return now.states[r.ID], true
}
