// SPDX-License-Identifier: Apache-2.0

package console

import (
	"io"
	"net/http"
	"strings"
	"time"

	"landed/server/auth"
	"landed/server/fleet"
	"landed/server/library"
	"landed/server/render"
)

// upload takes the raw bytes of one package; ?name= is its file name, ?channel= defaults to
// stable. 201 with the package, 200 if these bytes are here already, 422 with every finding.
func (c *Console) upload(w http.ResponseWriter, r *http.Request) error {
	pkg, err := c.takeIn(w, r)
	if err != nil {
		linger(w, r)
		return err
	}
	return answerPackage(w, pkg)
}

// answerPackage is 201 with a new package, 200 with one that is here already.
func answerPackage(w http.ResponseWriter, pkg library.Uploaded) error {
	answer := packageToWire(pkg.Package)
	answer.Facts, answer.Known = pkg.Facts, pkg.Known
	for _, other := range pkg.Also {
		answer.Also = append(answer.Also, packageToWire(other))
	}
	status := http.StatusCreated
	if pkg.Known {
		status = http.StatusOK
	}
	return render.JSON(w, status, answer)
}

// promotePackage takes the bytes of a package to another channel: {"to", "model", "reason"}, the last two may be
// missing. 201 with the package, 200 if it is there already, 422 with every finding.
func (c *Console) promotePackage(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		To     string `json:"to"`
		Model  string `json:"model"`
		Reason string `json:"reason"`
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	pkg, err := c.Rooms.Library.Promote(r.Context(), library.Promotion{
		Package: r.PathValue("sha256"), Model: in.Model, To: in.To, By: auth.Actor(r.Context()), Reason: in.Reason,
	})
	if err != nil {
		return err
	}
	return answerPackage(w, pkg)
}

func (c *Console) takeIn(w http.ResponseWriter, r *http.Request) (library.Uploaded, error) {
	q, err := query(r, "name", "channel")
	if err != nil {
		return library.Uploaded{}, err
	}
	if kind := r.Header.Get("Content-Type"); strings.HasPrefix(strings.ToLower(kind), "multipart/") {
		return library.Uploaded{}, fleet.Errorf(fleet.Invalid, "content_type", "the body is a form (%s); "+
			"send the bytes of the package as they are, as application/octet-stream", kind)
	}
	if r.ContentLength > c.MaxUpload {
		return library.Uploaded{}, fleet.Errorf(fleet.TooLarge, "too_large", "the package has %d bytes; "+
			"this server takes at most %d", r.ContentLength, c.MaxUpload)
	}
	in := library.Incoming{Name: q.Get("name"), Channel: q.Get("channel"), By: auth.Actor(r.Context()),
		Size: r.ContentLength}
	if in.Channel == "" {
		in.Channel = "stable"
	}
	return c.Rooms.Library.Upload(r.Context(), in, http.MaxBytesReader(w, r.Body, c.MaxUpload))
}

// linger reads for a while what is still coming, and throws it away. To close the connection on somebody who is
// sending resets it, and the answer that says why is lost.
func linger(w http.ResponseWriter, r *http.Request) {
	if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(lingerFor)); err != nil {
		return // no connection to speak of
	}
	_, _ = io.Copy(io.Discard, r.Body)
}

const lingerFor = 5 * time.Second

// removePackage takes out a package that no release names; ?model= and ?channel= say which, if several have
// these bytes; ?reason= goes into the audit trail.
func (c *Console) removePackage(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, "reason", "model", "channel")
	if err != nil {
		return err
	}
	ref := fleet.PackageRef{SHA256: r.PathValue("sha256"), Model: q.Get("model"), Channel: q.Get("channel")}
	if _, err := c.Rooms.Library.Remove(r.Context(), ref.String(), auth.Actor(r.Context()),
		q.Get("reason")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
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
