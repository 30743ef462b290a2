// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"

	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/settle"
)

// Histories are all that is kept of installations, for whoever counts them again.
func Histories(ctx context.Context, tx fleet.ReportsTx, refs ...report.Reference) ([]settle.History, error) {
	return historiesOf(ctx, tx, refs...)
}

// ControlOf is all that people decided of who counts. settled is false while that is not applied to every installation yet.
func ControlOf(ctx context.Context, tx fleet.Tx) (by settle.Control, settled bool, err error) {
	if by, err = loadControl(ctx, tx); err != nil {
		return by, false, err
	}
	mark, err := reckonedTo(ctx, tx)
	return by, mark == by.Mark(), err
}
