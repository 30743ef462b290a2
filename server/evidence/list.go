// SPDX-License-Identifier: Apache-2.0

package evidence

import (
	"context"
	"fmt"

	"landed/manifests/evidence"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// Listed is a stored statement with what became of it.
type Listed struct {
	fleet.Statement
	Said      evidence.Said
	Holder    string               // name of who signed it; "" if it is not known
	Counts    bool                 // the published targets names the signer for it, and nobody took it back
	Withdrawn *evidence.Withdrawal // who may took it back
}

// List lists the statements about a model, or all if it is "", as they came.
func List(ctx context.Context, tx fleet.Tx, device string) (all []Listed, err error) {
	info, err := targets(ctx, tx)
	if err != nil {
		return nil, err
	}
	names, err := tx.Holders().All(ctx)
	if err != nil {
		return nil, err
	}
	stored, err := tx.Statements().List(ctx)
	if device != "" {
		stored, err = tx.Statements().OfModel(ctx, device)
	}
	if err != nil {
		return nil, err
	}
	parsed := map[string][]evidence.Statement{} // by model
	for _, one := range stored {
		s, err := evidence.Parse(one.Envelope)
		if err != nil {
			return nil, fmt.Errorf("the stored statement %s cannot be read: %w", one.ID, err)
		}
		parsed[one.Model] = append(parsed[one.Model], s)
		all = append(all, Listed{Statement: one, Said: s.Said, Holder: names[one.Signer]})
	}
	for i := range all {
		all[i].stand(parsed[all[i].Model], info)
	}
	return all, nil
}

// stand says if a statement counts, beside all about its model.
func (l *Listed) stand(all []evidence.Statement, info tufrepo.Info) {
	keys, witnesses := info.OutsidersOf(tufrepo.Observers).Keys, info.WitnessesFor(roleOf(l.Model))
	if l.Kind == fleet.StatementVoucher {
		for _, v := range evidence.Vouchers(all, witnesses, l.Model) {
			if v.ID == l.ID {
				l.Counts, l.Withdrawn = v.Withdrawn == nil, v.Withdrawn
			}
		}
		return
	}
	if l.Kind == fleet.StatementWithdrawal {
		keys = append(keys[:len(keys):len(keys)], witnesses...)
	}
	for _, s := range all {
		if s.ID == l.ID {
			l.Counts = s.SignedBy(keys)
		}
	}
	if w, ok := evidence.Withdrawals(all, keys)[l.ID][l.Signer]; ok && l.Kind == fleet.StatementObservation {
		l.Counts, l.Withdrawn = false, &w
	}
}
