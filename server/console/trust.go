// SPDX-License-Identifier: Apache-2.0

package console

import (
	"net/http"

	"landed/manifests/tufrepo"
	"landed/server/auth"
	"landed/server/fleet"
	"landed/server/render"
)

func (c *Console) importTrust(w http.ResponseWriter, r *http.Request) error {
	text, err := body(w, r)
	if err != nil {
		return err
	}
	bundle, err := tufrepo.ParseBundle(text)
	if err != nil {
		return &fleet.Error{Kind: fleet.Invalid, Code: "bundle", Msg: err.Error()}
	}
	words, err := c.Rooms.Trust.Import(r.Context(), bundle, auth.Actor(r.Context()))
	if err != nil {
		return err
	}
	return render.JSON(w, http.StatusOK, map[string]any{"changed": orEmpty(words)})
}

// showTrust tells when each role expires.
func (c *Console) showTrust(w http.ResponseWriter, r *http.Request) error {
	expires, err := c.Rooms.Repo.Expiring(r.Context())
	if err != nil {
		return err
	}
	return render.JSON(w, http.StatusOK, map[string]any{"expires": expires})
}
