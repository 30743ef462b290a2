// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"net/http"

	"landed/manifests/tufrepo"
	"landed/server/auth"
	"landed/server/fleet"
	"landed/server/render"
)

func (c *Console) answerChange(w http.ResponseWriter, r *http.Request, status int, change fleet.Change) error {
	progress, err := c.Rooms.Releases.Progress(r.Context(), change.ID)
	if err != nil {
		return err
	}
	return render.JSON(w, status, changeToWire(change, progress))
}

func (c *Console) change(r *http.Request) (change fleet.Change, err error) {
	err = c.Store.View(r.Context(), func(tx fleet.Tx) error {
		change, err = tx.Changes().Get(r.Context(), r.PathValue("id"))
		return err
	})
	return change, err
}

// listChanges lists those that wait for signatures.
func (c *Console) listChanges(w http.ResponseWriter, r *http.Request) error {
	var open []fleet.Change
	err := c.Store.View(r.Context(), func(tx fleet.Tx) (err error) {
		open, err = tx.Changes().Open(r.Context())
		return err
	})
	if err != nil {
		return err
	}
	all := []changeWire{}
	for _, one := range open {
		progress, err := c.Rooms.Releases.Progress(r.Context(), one.ID)
		if err != nil {
			return err
		}
		all = append(all, changeToWire(one, progress))
	}
	return render.JSON(w, http.StatusOK, map[string]any{"changes": all})
}

func (c *Console) showChange(w http.ResponseWriter, r *http.Request) error {
	change, err := c.change(r)
	if err != nil {
		return err
	}
	return c.answerChange(w, r, http.StatusOK, change)
}

func (c *Console) dropChange(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, "reason")
	if err != nil {
		return err
	}
	if err := c.Rooms.Releases.DropChange(r.Context(), r.PathValue("id"), auth.Actor(r.Context()), q.Get("reason")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// request hands out the bundle for the signers, byte for byte as it was staged.
func (c *Console) request(w http.ResponseWriter, r *http.Request) error {
	change, err := c.change(r)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=\"request-%s.json\"", change.ID))
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(change.Request)
	return nil
}

// response takes what a signer sent back, and publishes at the threshold.
func (c *Console) response(w http.ResponseWriter, r *http.Request) error {
	text, err := body(w, r)
	if err != nil {
		return err
	}
	response, err := tufrepo.ParseResponse(text)
	if err != nil {
		return &fleet.Error{Kind: fleet.Invalid, Code: "response", Msg: err.Error()}
	}
	if _, err := c.Rooms.Releases.AddSignatures(r.Context(), r.PathValue("id"), response, auth.Actor(r.Context())); err != nil {
		return err
	}
	return c.showChange(w, r)
}
