// SPDX-License-Identifier: Apache-2.0

package lineup

import (
	"context"

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

// AddChannel adds a channel; one that is here stays as it is. reason may be empty.
func (l *Lineup) AddChannel(ctx context.Context, name, by, reason string) (c fleet.Channel, err error) {
	if !manifests.ValidChannel(name) {
		return c, fleet.Errorf(fleet.Invalid, "channel_name", "channel %.60q: wanted a lower-case letter, then letters, "+
			"digits and hyphens, at most 16 in all", name)
	}
	if err := checkReason(reason, true); err != nil {
		return c, err
	}
	err = l.cfg.Store.Update(ctx, func(tx fleet.Tx) error {
		if c, err = tx.Channels().Get(ctx, name); err == nil || !fleet.Is(err, fleet.NotFound) {
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
