// SPDX-License-Identifier: Apache-2.0

package console

import (
	"net/http"

	"landed/server/auth"
	"landed/server/fleet"
	"landed/server/render"
)

func (c *Console) listTokens(w http.ResponseWriter, r *http.Request) error {
	all := []tokenWire{}
	err := c.Store.View(r.Context(), func(tx fleet.Tx) error {
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

func (c *Console) addToken(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Name string     `json:"name"`
		Role fleet.Role `json:"role"`
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	secret, t, err := auth.NewToken(in.Name, in.Role, c.Now())
	if err != nil {
		return err
	}
	if err := auth.Add(r.Context(), c.Store, t, auth.Actor(r.Context())); err != nil {
		return err
	}
	return render.JSON(w, http.StatusCreated, tokenWire{t.Name, t.Role, t.At, secret})
}

// deleteToken withdraws a token, but never the last admin's: nobody could make another.
func (c *Console) deleteToken(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	err := c.Store.Update(r.Context(), func(tx fleet.Tx) error {
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
		return tx.Audit().Append(r.Context(), fleet.AuditEntry{At: c.Now().UTC(), Actor: auth.Actor(r.Context()),
			Action: "token.delete", Subject: name})
	})
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
