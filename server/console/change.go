// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"net/http"
	"time"

	"landed/manifests/tufrepo"
	"landed/server/auth"
	"landed/server/fleet"
	"landed/server/release"
	"landed/server/render"
)

// changeAPI is the way between the server and the signers: what is to be signed goes out, signatures come in.
type changeAPI struct {
	releases *release.Releases
	store    fleet.Viewer
}

func (a changeAPI) doors() []Door {
	return []Door{
		{"POST", "/releases/{name}/stage", engineer, a.stage},
		{"GET", "/changes", support, a.list},
		{"GET", "/changes/{id}", support, a.show},
		{"DELETE", "/changes/{id}", engineer, a.drop},
		{"GET", "/changes/{id}/request", engineer, a.request},
		{"POST", "/changes/{id}/response", engineer, a.response},
	}
}

type changeWire struct {
	ID      string            `json:"id"`
	Release string            `json:"release,omitempty"`
	State   fleet.ChangeState `json:"state"`
	Roles   []roleWire        `json:"roles"`
	Words   []string          `json:"words"` // the progress, for people
	At      time.Time         `json:"at"`
}

type roleWire struct {
	Role    string   `json:"role"`
	Version int64    `json:"version"`
	Have    int      `json:"have"`
	Need    int      `json:"need"`
	Signed  []string `json:"signed"`  // key ids
	Missing []string `json:"missing"` // key ids
	// People, by name, or by the first 12 digits of the key id where no name is known.
	SignedBy    []string `json:"signed_by"`
	MissingFrom []string `json:"missing_from"`
}

func changeToWire(c fleet.Change, p release.Progress) changeWire {
	w := changeWire{ID: c.ID, Release: c.Release, State: p.State, Roles: []roleWire{}, Words: p.Words(), At: c.At}
	byRole := map[string]tufrepo.Progress{}
	for _, one := range p.Roles {
		byRole[one.Role] = one
	}
	for _, r := range c.Roles {
		one := byRole[r.Role]
		w.Roles = append(w.Roles, roleWire{r.Role, r.Version, one.Have, one.Need, orEmpty(one.Signed), orEmpty(one.Missing),
			tufrepo.People(p.Names, one.Signed), tufrepo.People(p.Names, one.Missing)})
	}
	return w
}

func (a changeAPI) answer(w http.ResponseWriter, r *http.Request, status int, change fleet.Change) error {
	progress, err := a.releases.Progress(r.Context(), change.ID)
	if err != nil {
		return err
	}
	return render.JSON(w, status, changeToWire(change, progress))
}

func (a changeAPI) get(r *http.Request) (change fleet.Change, err error) {
	err = a.store.View(r.Context(), func(tx fleet.Tx) error {
		change, err = tx.Changes().Get(r.Context(), r.PathValue("id"))
		return err
	})
	return change, err
}

// stage makes of a release what is to be signed.
func (a changeAPI) stage(w http.ResponseWriter, r *http.Request) error {
	change, err := a.releases.Stage(r.Context(), r.PathValue("name"), auth.Actor(r.Context()))
	if err != nil {
		return err
	}
	return a.answer(w, r, http.StatusCreated, change)
}

// list gives those that wait for signatures.
func (a changeAPI) list(w http.ResponseWriter, r *http.Request) error {
	var open []fleet.Change
	err := a.store.View(r.Context(), func(tx fleet.Tx) (err error) {
		open, err = tx.Changes().Open(r.Context())
		return err
	})
	if err != nil {
		return err
	}
	all := []changeWire{}
	for _, one := range open {
		progress, err := a.releases.Progress(r.Context(), one.ID)
		if err != nil {
			return err
		}
		all = append(all, changeToWire(one, progress))
	}
	return render.JSON(w, http.StatusOK, map[string]any{"changes": all})
}

func (a changeAPI) show(w http.ResponseWriter, r *http.Request) error {
	change, err := a.get(r)
	if err != nil {
		return err
	}
	return a.answer(w, r, http.StatusOK, change)
}

func (a changeAPI) drop(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, "reason")
	if err != nil {
		return err
	}
	if err := a.releases.DropChange(r.Context(), r.PathValue("id"), auth.Actor(r.Context()), q.Get("reason")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// request hands out the bundle for the signers, byte for byte as it was staged.
func (a changeAPI) request(w http.ResponseWriter, r *http.Request) error {
	change, err := a.get(r)
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
func (a changeAPI) response(w http.ResponseWriter, r *http.Request) error {
	text, err := body(w, r)
	if err != nil {
		return err
	}
	response, err := tufrepo.ParseResponse(text)
	if err != nil {
		return &fleet.Error{Kind: fleet.Invalid, Code: "response", Msg: err.Error()}
	}
	if _, err := a.releases.AddSignatures(r.Context(), r.PathValue("id"), response, auth.Actor(r.Context())); err != nil {
		return err
	}
	return a.show(w, r)
}
