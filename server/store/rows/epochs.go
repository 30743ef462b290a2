// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"context"
	"errors"

	"landed/server/fleet"
)

type epochs struct{ q Querier }

const epochColumns = `model, channel, epoch, at, by, reason`

// Put implements fleet.Epochs.
func (s epochs) Put(ctx context.Context, e fleet.Epoch) error {
	n, err := s.q.Exec(ctx, `INSERT INTO epochs (`+epochColumns+`) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (model, channel) DO UPDATE SET epoch = excluded.epoch, at = excluded.at, by = excluded.by,
		reason = excluded.reason WHERE excluded.epoch > epochs.epoch`, e.Model, e.Channel, e.N, millis(e.At), e.By, e.Reason)
	if err != nil {
		return err
	}
	if n == 0 {
		return fleet.Errorf(fleet.Conflict, "epoch_falls", "%s on %s was asked by the epoch %d or a larger one; wanted one above "+
			"it, for handsets pass over any other", e.Model, e.Channel, e.N)
	}
	return record(ctx, s.q, "epochs", e.Model+" "+e.Channel)
}

// Of implements fleet.Epochs.
func (s epochs) Of(ctx context.Context, model, channel string) (e fleet.Epoch, err error) {
	err = s.q.Row(ctx, epochFields(&e), `SELECT `+epochColumns+` FROM epochs WHERE model = $1 AND channel = $2`, model, channel)
	if errors.Is(err, ErrNoRows) {
		return fleet.Epoch{Model: model, Channel: channel}, nil
	}
	return e, err
}

// List implements fleet.Epochs.
func (s epochs) List(ctx context.Context) ([]fleet.Epoch, error) {
	rows, err := s.q.Query(ctx, `SELECT `+epochColumns+` FROM epochs ORDER BY model, channel`)
	return Collect(rows, err, func(scan func(...any) error) (e fleet.Epoch, err error) {
		return e, scan(epochFields(&e)...)
	})
}

func epochFields(e *fleet.Epoch) []any {
	return []any{&e.Model, &e.Channel, &e.N, asTime{&e.At}, &e.By, &e.Reason}
}
