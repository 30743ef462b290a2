// SPDX-License-Identifier: Apache-2.0

package console

import (
	"encoding/json"
	"net/http"
	"time"

	"landed/server/auth"
	"landed/server/fleet"
	"landed/server/proposals"
	"landed/server/render"
)

// proposalAPI is about what waits for a second person. What is proposed is asked for at its own door.
type proposalAPI struct {
	desk  *proposals.Desk
	store fleet.Viewer
	now   func() time.Time
}

func (a proposalAPI) doors() []Door {
	return []Door{
		{"GET", "/proposals", support, a.list},
		{"POST", "/proposals/{id}/approve", engineer, a.approve},
		{"DELETE", "/proposals/{id}", engineer, a.withdraw},
	}
}

type proposalWire struct {
	ID        string          `json:"id"`
	Action    string          `json:"action"` // as in the audit trail
	Subject   string          `json:"subject"`
	Arguments json.RawMessage `json:"arguments,omitempty"`
	By        string          `json:"by"`
	Reason    string          `json:"reason"`
	At        time.Time       `json:"at"`
	Expires   time.Time       `json:"expires"`
}

func proposalToWire(p fleet.Proposal) proposalWire {
	w := proposalWire{ID: p.ID, Action: p.Action, Subject: p.Subject, By: p.By, Reason: p.Reason, At: p.At, Expires: p.Expires}
	if string(p.Arguments) != "null" {
		w.Arguments = p.Arguments
	}
	return w
}

func (a proposalAPI) list(w http.ResponseWriter, r *http.Request) error {
	all := []proposalWire{}
	err := a.store.View(r.Context(), func(tx fleet.Tx) error {
		waits, err := proposals.Waits(r.Context(), tx, "", a.now())
		for _, p := range waits {
			all = append(all, proposalToWire(p))
		}
		return err
	})
	if err != nil {
		return err
	}
	return render.JSON(w, http.StatusOK, map[string]any{"proposals": all})
}

// approve carries out what another person proposed.
func (a proposalAPI) approve(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Reason string `json:"reason"` // empty: that of the first person
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	p, err := a.desk.Approve(r.Context(), r.PathValue("id"), auth.Actor(r.Context()), in.Reason)
	if err != nil {
		return err
	}
	return render.JSON(w, http.StatusOK, proposalToWire(p))
}

func (a proposalAPI) withdraw(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, "reason")
	if err != nil {
		return err
	}
	if err := a.desk.Withdraw(r.Context(), r.PathValue("id"), auth.Actor(r.Context()), q.Get("reason")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
