// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"

	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/settle"
)

// historyOf loads what is kept of an installation.
func historyOf(ctx context.Context, tx fleet.ReportsTx, ref report.Reference) (settle.History, error) {
	all, err := historiesOf(ctx, tx, ref)
	if err != nil {
		return settle.History{}, err
	}
	return all[0], nil
}

func historiesOf(ctx context.Context, tx fleet.ReportsTx, refs ...report.Reference) ([]settle.History, error) {
	holding, err := tx.Cuts().Holding(ctx, refs...)
	if err != nil {
		return nil, err
	}
	all := make([]settle.History, len(refs))
	for n, ref := range refs {
		all[n].Ref = ref
		if all[n].Rows, err = tx.Reports().Arrived(ctx, ref); err != nil {
			return nil, err
		}
		if one, ok := holding[ref]; ok {
			all[n].Holds = &one
		}
	}
	return all, nil
}

// replayer has what is stored of installations come in again.
type replayer struct{ settle.Replayer }
