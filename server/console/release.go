// SPDX-License-Identifier: Apache-2.0

package console

import (
	"net/http"

	"landed/server/auth"
	"landed/server/fleet"
	"landed/server/render"
)

func (c *Console) createRelease(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Source   string   `json:"source"`   // the release as YAML
		Packages []string `json:"packages"` // SHA-256 of each
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	release, err := c.Rooms.Releases.Create(r.Context(), []byte(in.Source), in.Packages, auth.Actor(r.Context()))
	if err != nil {
		return err
	}
	return render.JSON(w, http.StatusCreated, releaseToWire(release))
}

func (c *Console) listReleases(w http.ResponseWriter, r *http.Request) error {
	all := []releaseWire{}
	err := c.Store.View(r.Context(), func(tx fleet.Tx) error {
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

func (c *Console) showRelease(w http.ResponseWriter, r *http.Request) error {
	var release fleet.Release
	err := c.Store.View(r.Context(), func(tx fleet.Tx) (err error) {
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

// dropRelease gives up what is not published; ?reason= goes into the audit trail.
func (c *Console) dropRelease(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, "reason")
	if err != nil {
		return err
	}
	if err := c.Rooms.Releases.Drop(r.Context(), r.PathValue("name"), auth.Actor(r.Context()),
		q.Get("reason")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (c *Console) stage(w http.ResponseWriter, r *http.Request) error {
	change, err := c.Rooms.Releases.Stage(r.Context(), r.PathValue("name"), auth.Actor(r.Context()))
	if err != nil {
		return err
	}
	return c.answerChange(w, r, http.StatusCreated, change)
}
