// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"context"

	"landed/server/fleet"
)

type proposals struct{ q Querier }

const proposalColumns = `id, action, subject, arguments, digest, revision, by, reason, at, expires`

// Put implements fleet.Proposals.
func (s proposals) Put(ctx context.Context, p fleet.Proposal) error {
	_, err := s.q.Try(ctx, `INSERT INTO proposals (`+proposalColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		p.ID, p.Action, p.Subject, bytes(p.Arguments), p.Digest, p.Revision, p.By, p.Reason, millis(p.At), millis(p.Expires))
	if err == nil {
		return record(ctx, s.q, "proposals", p.ID)
	}
	return conflict(err, "proposal_exists", "a proposal %s exists", p.ID)
}

// Get implements fleet.Proposals.
func (s proposals) Get(ctx context.Context, id string) (fleet.Proposal, error) {
	var p fleet.Proposal
	err := s.q.Row(ctx, proposalFields(&p), `SELECT `+proposalColumns+` FROM proposals WHERE id = $1`, id)
	return p, notFound(err, "proposal_unknown", "there is no proposal %s: it was carried out, withdrawn or has expired, "+
		"which the audit trail tells, or never was", id)
}

// List implements fleet.Proposals.
func (s proposals) List(ctx context.Context) ([]fleet.Proposal, error) {
	return s.list(ctx, `SELECT `+proposalColumns+` FROM proposals ORDER BY at, id`)
}

// OfSubject implements fleet.Proposals.
func (s proposals) OfSubject(ctx context.Context, subject string) ([]fleet.Proposal, error) {
	return s.list(ctx, `SELECT `+proposalColumns+` FROM proposals WHERE subject = $1 ORDER BY at, id`, subject)
}

func (s proposals) list(ctx context.Context, text string, args ...any) ([]fleet.Proposal, error) {
	rows, err := s.q.Query(ctx, text, args...)
	return Collect(rows, err, func(scan func(...any) error) (p fleet.Proposal, err error) {
		return p, scan(proposalFields(&p)...)
	})
}

// Remove implements fleet.Proposals.
func (s proposals) Remove(ctx context.Context, id string) error {
	n, err := s.q.Exec(ctx, `DELETE FROM proposals WHERE id = $1`, id)
	if err == nil && n == 0 {
		_, err = s.Get(ctx, id)
	}
	if err != nil {
		return err
	}
	return record(ctx, s.q, "proposals", id)
}

func proposalFields(p *fleet.Proposal) []any {
	return []any{&p.ID, &p.Action, &p.Subject, &p.Arguments, &p.Digest, &p.Revision, &p.By, &p.Reason, asTime{&p.At},
		asTime{&p.Expires}}
}
