// SPDX-License-Identifier: Apache-2.0

package rollouts

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"landed/manifests"
	"landed/manifests/offers"
	"landed/server/fleet"
	"landed/server/repo"
)

// ActionAsk is the action of an ask on the audit trail; its subject is "model.channel".
const ActionAsk = "fleet.ask"

// Ask is the wish that handsets say once more what they said last.
type Ask struct {
	Model      string // device or role name; "": every model
	Channel    string // "": every channel
	By, Reason string
	Again      bool // also what was asked less than fleet.AskedEvery ago
}

// AskState is what became of an ask.
type AskState string

// The states of an ask.
const (
	Asked        AskState = "asked"         // by a new epoch
	AskedAlready AskState = "asked_already" // the epoch of less than a day ago stands
	NoOffers     AskState = "no_offers"     // nothing was ever offered there, so no handset could read it
)

// AskedOf is what became of an ask of one model and channel. Of NoOffers only these two are known.
type AskedOf struct {
	fleet.Epoch
	State AskState
}

// Asker asks handsets again. It has no state of its own.
type Asker struct{ Rollouts *Rollouts }

// Ask raises the evidence epoch of models on channels and publishes that at once. Handsets spread their answers over the
// day after they saw it. It is stored and audited as a whole before anything is published; an error of the code
// [repo.NotPublished] says that it is.
func (a Asker) Ask(ctx context.Context, wish Ask) (all []AskedOf, err error) {
	if strings.TrimSpace(wish.Reason) == "" {
		return nil, fleet.Errorf(fleet.Invalid, "reason_missing", "a reason is wanted: it stays on the audit trail")
	}
	s, err := a.Rollouts.cfg.Repo.State(ctx)
	if err != nil {
		return nil, err
	}
	places, silent, err := a.askable(ctx, s, wish)
	if err != nil {
		return nil, err
	}
	now := a.Rollouts.cfg.Repo.Now()
	err = a.Rollouts.cfg.Store.Update(ctx, func(tx fleet.Tx) error {
		if err := fleet.RefuseUnnamed(ctx, tx); err != nil {
			return err
		}
		all = nil
		for _, at := range places {
			one, err := askOf(ctx, tx, at, wish, now)
			if err != nil {
				return err
			}
			all = append(all, one)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	all = append(all, silent...)
	if err := a.Rollouts.PublishOffers(context.WithoutCancel(ctx)); err != nil {
		return all, &fleet.Error{Kind: fleet.Pending, Code: repo.NotPublished, Err: err, Msg: fmt.Sprintf("the ask is stored and "+
			"on the audit trail, but not published: %s. The server tries again by itself; to ask again is safe", repo.Why(err))}
	}
	return all, nil
}

// askOf raises the epoch of one place, and notes it in the trail.
func askOf(ctx context.Context, tx fleet.Tx, at [2]string, wish Ask, now time.Time) (AskedOf, error) {
	was, err := tx.Epochs().Of(ctx, at[0], at[1])
	if err != nil || was.Fresh(now) && !wish.Again {
		return AskedOf{was, AskedAlready}, err
	}
	next := fleet.Epoch{Model: at[0], Channel: at[1], N: NextEpoch(was.N, now), At: now, By: wish.By, Reason: wish.Reason}
	if next.N > offers.MaxEpoch {
		return AskedOf{}, fleet.Errorf(fleet.Conflict, "epochs_used_up", "%s on %s was asked by the epoch %d, and handsets read "+
			"none above %d", at[0], at[1], was.N, offers.MaxEpoch)
	}
	if err := tx.Epochs().Put(ctx, next); err != nil {
		return AskedOf{}, err
	}
	return AskedOf{next, Asked}, tx.Audit().Append(ctx, fleet.AuditEntry{At: now, Actor: wish.By, Action: ActionAsk,
		Subject: at[0] + "." + at[1], Reason: fmt.Sprintf("epoch %d: %s", next.N, wish.Reason)})
}

// NextEpoch is the epoch by which to ask after was: the number of the day since 1970, or the next one if that is larger.
// So a database that was restored together with its feed still asks by a larger one than handsets have seen.
func NextEpoch(was int, now time.Time) int {
	return max(was+1, min(int(now.Unix()/86400), offers.MaxEpoch/2))
}

// askable are the model and channel of each offers document that the wish is about, in order; silent are those that it
// names and that have none.
func (a Asker) askable(ctx context.Context, s repo.State, wish Ask) (places [][2]string, silent []AskedOf, err error) {
	var named manifests.Model
	if wish.Model != "" {
		catalogue, ok := a.Rollouts.cfg.Lineup.Catalogue(), false
		if named, ok = catalogue.Model(wish.Model); !ok {
			named, ok = catalogue.ByRole(wish.Model)
		}
		if !ok {
			return nil, nil, fleet.Errorf(fleet.NotFound, "model_unknown", "there is no model %.60q; \"otactl model list\" has them",
				wish.Model)
		}
	}
	if wish.Channel != "" && !slices.Contains(a.Rollouts.cfg.Lineup.KnownChannels(), wish.Channel) {
		return nil, nil, fleet.Errorf(fleet.NotFound, "channel_unknown", "there is no channel %.60q; \"otactl channel list\" has "+
			"them", wish.Channel)
	}
	documents, err := draftsOf(a.Rollouts).all(ctx, s, nil)
	if err != nil {
		return nil, nil, err
	}
	for _, of := range documents {
		for _, d := range of {
			if (named.Device == "" || d.Model == named.Device) && (wish.Channel == "" || d.Channel == wish.Channel) {
				places = append(places, [2]string{d.Model, d.Channel})
			}
		}
	}
	slices.SortFunc(places, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	if len(places) == 0 {
		silent = []AskedOf{{fleet.Epoch{Model: named.Device, Channel: wish.Channel}, NoOffers}}
	}
	return places, silent, nil
}
