// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// SecondPerson is the code of the [*Error] of what was proposed and not done: its Status is 202, and Proposal names it.
const SecondPerson = "second_person"

// Proposal is what one person wants done, and a second person must want too.
type Proposal struct {
	ID        string          `json:"id"`
	Action    string          `json:"action"` // as in the audit trail
	Subject   string          `json:"subject"`
	Arguments json.RawMessage `json:"arguments,omitempty"`
	By        string          `json:"by"`
	Reason    string          `json:"reason"`
	At        time.Time       `json:"at"`
	Expires   time.Time       `json:"expires"`
}

// Proposals are those that wait.
type Proposals struct{ t *transport }

// List gives those that wait, oldest first.
func (p Proposals) List(ctx context.Context) ([]Proposal, error) {
	var a struct {
		Proposals []Proposal `json:"proposals"`
	}
	err := p.t.get(ctx, "/v1/proposals", &a)
	return a.Proposals, err
}

// Approve carries out what another person proposed. reason may be empty: that of the first person stands.
func (p Proposals) Approve(ctx context.Context, id, reason string) (Proposal, error) {
	in := struct {
		Reason string `json:"reason"`
	}{reason}
	var done Proposal
	err := p.t.post(ctx, "/v1/proposals/"+url.PathEscape(id)+"/approve", in, &done)
	return done, err
}

// Withdraw takes a proposal back.
func (p Proposals) Withdraw(ctx context.Context, id, reason string) error {
	q := url.Values{"reason": {reason}}
	return p.t.call(ctx, http.MethodDelete, "/v1/proposals/"+url.PathEscape(id)+"?"+q.Encode(), nil, nil)
}
