// SPDX-License-Identifier: Apache-2.0

package console

import (
	"net/http"
	"time"

	"landed/server/auth"
	"landed/server/fleet"
	"landed/server/release"
	"landed/server/render"
)

// releaseAPI declares releases.
type releaseAPI struct {
	releases *release.Releases
	store    fleet.Viewer
}

func (a releaseAPI) doors() []Door {
	return []Door{
		{"GET", "/releases", support, a.list},
		{"POST", "/releases", engineer, a.create},
		{"GET", "/releases/{name}", support, a.show},
		{"DELETE", "/releases/{name}", engineer, a.drop},
	}
}

type releaseWire struct {
	Name     string             `json:"name"`
	Counter  int64              `json:"counter"`
	State    fleet.ReleaseState `json:"state"`
	Packages []fleet.PackageRef `json:"packages"` // "SHA-256/model/channel"
	Change   string             `json:"change,omitempty"`
	Source   string             `json:"source,omitempty"` // only for one release
	By       string             `json:"by"`
	At       time.Time          `json:"at"`
}

func releaseToWire(r fleet.Release) releaseWire {
	return releaseWire{r.Name, r.Counter, r.State, r.Packages, r.Change, "", r.By, r.At}
}

func (a releaseAPI) create(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Source   string   `json:"source"`   // the release as YAML
		Packages []string `json:"packages"` // SHA-256 of each
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	release, err := a.releases.Create(r.Context(), []byte(in.Source), in.Packages, auth.Actor(r.Context()))
	if err != nil {
		return err
	}
	return render.JSON(w, http.StatusCreated, releaseToWire(release))
}

func (a releaseAPI) list(w http.ResponseWriter, r *http.Request) error {
	all := []releaseWire{}
	err := a.store.View(r.Context(), func(tx fleet.Tx) error {
		releases, err := tx.Releases().List(r.Context())
		for _, one := range releases {
			all = append(all, releaseToWire(one))
		}
		return err
	})
	if err != nil {
		return err
	}
	return render.JSON(w, http.StatusOK, map[string]any{"releases": all})
}

func (a releaseAPI) show(w http.ResponseWriter, r *http.Request) error {
	var release fleet.Release
	err := a.store.View(r.Context(), func(tx fleet.Tx) (err error) {
		release, err = tx.Releases().Get(r.Context(), r.PathValue("name"))
		return err
	})
	if err != nil {
		return err
	}
	answer := releaseToWire(release)
	answer.Source = string(release.Source)
	return render.JSON(w, http.StatusOK, answer)
}

// drop gives up what is not published; ?reason= goes into the audit trail.
func (a releaseAPI) drop(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, "reason")
	if err != nil {
		return err
	}
	if err := a.releases.Drop(r.Context(), r.PathValue("name"), auth.Actor(r.Context()),
		q.Get("reason")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
