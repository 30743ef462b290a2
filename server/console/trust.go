// SPDX-License-Identifier: Apache-2.0

package console

import (
	"net/http"
	"time"

	"landed/manifests/tufrepo"
	"landed/server/auth"
	"landed/server/fleet"
	"landed/server/render"
	"landed/server/repo"
	"landed/server/trust"
)

// trustAPI takes in what the signers agreed on, and tells whose signatures run out.
type trustAPI struct {
	trust *trust.Trust
	repo  *repo.Repo
}

func (a trustAPI) doors() []Door {
	return []Door{
		{"POST", "/trust", admin, a.take},
		{"GET", "/trust", support, a.show},
	}
}

// take imports a bundle of root and targets.
func (a trustAPI) take(w http.ResponseWriter, r *http.Request) error {
	text, err := body(w, r)
	if err != nil {
		return err
	}
	bundle, err := tufrepo.ParseBundle(text)
	if err != nil {
		return &fleet.Error{Kind: fleet.Invalid, Code: "bundle", Msg: err.Error()}
	}
	words, err := a.trust.Import(r.Context(), bundle, auth.Actor(r.Context()))
	if err != nil {
		return err
	}
	return render.JSON(w, http.StatusOK, map[string]any{"changed": orEmpty(words)})
}

type trustRoleWire struct {
	Role     string    `json:"role"`
	Version  int64     `json:"version"`
	Expires  time.Time `json:"expires"`
	Need     int       `json:"need"`      // signatures
	Holders  []string  `json:"holders"`   // who may sign: names, or the first 12 digits of key ids
	SignedBy []string  `json:"signed_by"` // who signed what is published
}

// show tells when each role expires, and who signs those that people sign.
func (a trustAPI) show(w http.ResponseWriter, r *http.Request) error {
	expires, err := a.repo.Expiring(r.Context())
	if err != nil {
		return err
	}
	status, err := a.trust.Status(r.Context())
	if err != nil {
		return err
	}
	roles := []trustRoleWire{}
	for _, one := range status {
		roles = append(roles, trustRoleWire(one))
	}
	return render.JSON(w, http.StatusOK, map[string]any{"expires": expires, "roles": roles})
}
