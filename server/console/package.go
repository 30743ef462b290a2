// SPDX-License-Identifier: Apache-2.0

package console

import (
	"net/http"

	"landed/server/auth"
	"landed/server/fleet"
	"landed/server/publish"
	"landed/server/render"
)

// upload takes the raw bytes of one package; ?name= is its file name, ?channel= defaults to
// stable. 201 with the package, 422 with every finding.
func (c *Console) upload(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	in := publish.Incoming{Name: q.Get("name"), Channel: q.Get("channel"), By: auth.Actor(r.Context()), Size: r.ContentLength}
	if in.Channel == "" {
		in.Channel = "stable"
	}
	if r.ContentLength > c.MaxUpload {
		return fleet.Errorf(fleet.TooLarge, "too_large", "the package has %d bytes; this server takes at most %d", r.ContentLength, c.MaxUpload)
	}
	pkg, err := c.Publish.Upload(r.Context(), in, http.MaxBytesReader(w, r.Body, c.MaxUpload))
	if err != nil {
		return err
	}
	answer := packageToWire(pkg)
	answer.Facts = pkg.Facts
	return render.JSON(w, http.StatusCreated, answer)
}

func (c *Console) listPackages(w http.ResponseWriter, r *http.Request) error {
	all := []packageWire{}
	err := c.Store.View(r.Context(), func(tx fleet.Tx) error {
		packages, err := tx.Packages().List(r.Context())
		for _, p := range packages {
			all = append(all, packageToWire(p))
		}
		return err
	})
	if err != nil {
		return err
	}
	return render.JSON(w, http.StatusOK, map[string]any{"packages": all})
}
