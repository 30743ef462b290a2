// SPDX-License-Identifier: Apache-2.0

package lineup

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"landed/manifests"
	"landed/server/fleet"
)

// ListChannels reads the channels, by name.
func (l *Lineup) ListChannels(ctx context.Context) (all []fleet.Channel, err error) {
	err = l.cfg.Store.View(ctx, func(tx fleet.Tx) error {
		all, err = tx.Channels().List(ctx)
		return err
	})
	return all, err
}

// AddChannel adds a channel, or brings a retired one back; one that is in use stays as it is. reason may be empty.
func (l *Lineup) AddChannel(ctx context.Context, name, by, reason string) (c fleet.Channel, err error) {
	if !manifests.ValidChannel(name) {
		return c, fleet.Errorf(fleet.Invalid, "channel_name", "channel %.60q: wanted a lower-case letter, then letters, "+
			"digits and hyphens, at most 16 in all", name)
	}
	if err := checkReason(reason, true); err != nil {
		return c, err
	}
	err = l.cfg.Store.Update(ctx, func(tx fleet.Tx) error {
		reason := reason // it may be asked again
		c, err = tx.Channels().Get(ctx, name)
		switch {
		case err == nil && c.Retired.IsZero():
			return nil
		case err == nil:
			reason = strings.TrimSuffix(Returned+": "+reason, ": ")
		case !fleet.Is(err, fleet.NotFound):
			return err
		}
		c = fleet.Channel{Name: name, By: by, At: l.now()}
		if err := tx.Channels().Put(ctx, c); err != nil {
			return err
		}
		return tx.Audit().Append(ctx, fleet.AuditEntry{
			At: c.At, Actor: by, Action: "channel.add", Subject: name, Reason: reason,
		})
	})
	if err != nil {
		return c, err
	}
	return c, l.Refresh(ctx)
}

// RetireChannel takes a channel out of use: it takes no packages, releases and rollouts any more. Its handsets are still
// heard, and what went to all of them goes on being offered. It refuses a channel on which a rollout is on its way, which
// would be left half done, and the last channel. A retired channel again is no error.
func (l *Lineup) RetireChannel(ctx context.Context, name, by, reason string) error {
	if err := checkReason(reason, false); err != nil {
		return err
	}
	err := l.cfg.Store.Update(ctx, func(tx fleet.Tx) error {
		c, err := tx.Channels().Get(ctx, name)
		if err != nil || !c.Retired.IsZero() {
			return err
		}
		if err := mayRetire(ctx, tx, name); err != nil {
			return err
		}
		if err := tx.Channels().Retire(ctx, name, l.now()); err != nil {
			return err
		}
		return tx.Audit().Append(ctx, fleet.AuditEntry{
			At: l.now(), Actor: by, Action: "channel.retire", Subject: name, Reason: reason,
		})
	})
	if err != nil {
		return err
	}
	return l.Refresh(ctx)
}

// mayRetire refuses to retire a channel that is needed.
func mayRetire(ctx context.Context, tx fleet.Tx, name string) error {
	rollouts, err := tx.Rollouts().List(ctx)
	if err != nil {
		return err
	}
	var underWay []string
	for _, r := range rollouts {
		if r.Channel == name && (r.State == fleet.RolloutRunning || r.State == fleet.RolloutHeld) {
			underWay = append(underWay, fmt.Sprintf("%s (%s)", r.ID, r.State))
		}
	}
	if len(underWay) > 0 {
		return fleet.Errorf(fleet.Conflict, "channel_in_use", "channel %s is not retired, because rollouts are on their way "+
			"on it: %s. Halt them first, with a reason for the people whose handsets get no more updates "+
			"(otactl rollout halt ID --reason WHY)", name, strings.Join(underWay, ", "))
	}
	all, err := tx.Channels().List(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(c fleet.Channel) bool { return c.Name != name && c.Retired.IsZero() }) {
		return fleet.Errorf(fleet.Conflict, "channel_last", "channel %s is the last one in use; add another first "+
			"(otactl channel add NAME)", name)
	}
	return nil
}

// CheckChannelIn is [Lineup.CheckChannel] of what a transaction sees, so that no rollout begins on a channel while it is
// being retired. One that a restored database does not know is left to those who go on with what is published.
func (l *Lineup) CheckChannelIn(ctx context.Context, tx fleet.Tx, name string) error {
	switch c, err := tx.Channels().Get(ctx, name); {
	case fleet.Is(err, fleet.NotFound):
		return nil
	case err == nil && !c.Retired.IsZero():
		return channelRetired(name)
	default:
		return err
	}
}

func channelRetired(name string) error {
	return fleet.Errorf(fleet.Conflict, "channel_retired", "channel %s is retired: it takes no packages, releases and "+
		"rollouts any more. If that was a mistake, add it again (otactl channel add %[1]s)", name)
}
