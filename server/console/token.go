// SPDX-License-Identifier: Apache-2.0

package console

import (
	"net/http"
	"time"

	"landed/server/auth"
	"landed/server/fleet"
	"landed/server/render"
)

// tokenAPI makes and withdraws the tokens by which people and machines come in.
type tokenAPI struct {
	store fleet.Store
	now   func() time.Time
}

func (a tokenAPI) doors() []Door {
	return []Door{
		{"GET", "/tokens", admin, a.list},
		{"POST", "/tokens", admin, a.add},
		{"DELETE", "/tokens/{name}", admin, a.remove},
	}
}

type tokenWire struct {
	Name   string     `json:"name"`
	Role   fleet.Role `json:"role"`
	At     time.Time  `json:"at"`
	Secret string     `json:"token,omitempty"` // only in the answer that made it
}

func (a tokenAPI) list(w http.ResponseWriter, r *http.Request) error {
	all := []tokenWire{}
	err := a.store.View(r.Context(), func(tx fleet.Tx) error {
		tokens, err := tx.Tokens().List(r.Context())
		for _, t := range tokens {
			all = append(all, tokenWire{Name: t.Name, Role: t.Role, At: t.At})
		}
		return err
	})
	if err != nil {
		return err
	}
	return render.JSON(w, http.StatusOK, map[string]any{"tokens": all})
}

func (a tokenAPI) add(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Name string     `json:"name"`
		Role fleet.Role `json:"role"`
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	secret, t, err := auth.NewToken(in.Name, in.Role, a.now())
	if err != nil {
		return err
	}
	if err := auth.Add(r.Context(), a.store, t, auth.Actor(r.Context())); err != nil {
		return err
	}
	return render.JSON(w, http.StatusCreated, tokenWire{t.Name, t.Role, t.At, secret})
}

// remove withdraws a token, but never the last admin's: nobody could make another.
func (a tokenAPI) remove(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	err := a.store.Update(r.Context(), func(tx fleet.Tx) error {
		tokens, err := tx.Tokens().List(r.Context())
		if err != nil {
			return err
		}
		admins, isAdmin := 0, false
		for _, t := range tokens {
			if t.Role == fleet.RoleAdmin {
				admins++
				isAdmin = isAdmin || t.Name == name
			}
		}
		if isAdmin && admins == 1 {
			return fleet.Errorf(fleet.Conflict, "last_admin", "%s is the last admin; make another one first", name)
		}
		if err := tx.Tokens().Delete(r.Context(), name); err != nil {
			return err
		}
		return tx.Audit().Append(r.Context(), fleet.AuditEntry{At: a.now().UTC(), Actor: auth.Actor(r.Context()),
			Action: "token.delete", Subject: name})
	})
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
