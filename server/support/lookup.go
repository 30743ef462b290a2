// SPDX-License-Identifier: Apache-2.0

package support

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"landed/manifests"
	"landed/manifests/report"
	"landed/server/fleet"
)

// envelope hands out one report as it was signed.
func (s *Support) envelope(w http.ResponseWriter, r *http.Request) {
	guard(w.Header())
	ref, err := reference(r)
	var found fleet.StoredReport
	if err == nil {
		err = s.view.View(r.Context(), func(tx fleet.Tx) (err error) {
			found, err = tx.Reports().Get(r.Context(), ref, r.PathValue("id"))
			return err
		})
		if fleet.Is(err, fleet.NotFound) {
			err = fleet.Errorf(fleet.NotFound, "report_unknown",
				"this installation has sent no report of that id; its page lists those that it sent")
		}
	}
	if err != nil {
		s.refuse(w, r, false, err)
		return
	}
	w.Header().Set("Content-Disposition", `attachment; filename="report-`+string(ref)+"-"+found.ID+`.dsse.json"`)
	w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	send(w, http.StatusOK, "application/json", found.Envelope)
}

// lookUp takes what was typed into the form to the page of that installation.
func (s *Support) lookUp(w http.ResponseWriter, r *http.Request) {
	guard(w.Header())
	typed := r.URL.Query().Get("ref")
	if strings.TrimSpace(typed) == "" {
		http.Redirect(w, r, "/#lookup", http.StatusSeeOther)
		return
	}
	ref, err := report.ParseReference(strings.TrimSpace(typed))
	if err != nil && s.namesModel(typed) { // typed into the wrong box
		http.Redirect(w, r, asked{Find: askedOf(url.Values{"find": {typed}}).Find}.Path(), http.StatusSeeOther)
		return
	}
	if err != nil {
		r.SetPathValue("ref", typed) // so that the form shows what to mend
		s.refuse(w, r, false, badReference(err))
		return
	}
	http.Redirect(w, r, "/installations/"+ref.String(), http.StatusSeeOther)
}

// namesModel says if what was typed is the name or a number of a model.
func (s *Support) namesModel(typed string) bool {
	a := askedOf(url.Values{"find": {typed}})
	return a.Find != "" && slices.ContainsFunc(s.catalogue().Models(), func(m manifests.Model) bool {
		return a.finds(Model{Model: m.Device, Product: m.Product, Numbers: m.Numbers})
	})
}

func reference(r *http.Request) (report.Reference, error) {
	ref, err := report.ParseReference(r.PathValue("ref"))
	if err != nil {
		return "", badReference(err)
	}
	return ref, nil
}

// badReference is "not found" on purpose: nothing can be there.
func badReference(err error) error {
	return fleet.Errorf(fleet.NotFound, "reference_unreadable", "%v", err)
}

func unknownInstallation(err error) error {
	if fleet.Is(err, fleet.NotFound) {
		return fleet.Errorf(fleet.NotFound, "installation_unknown", "no handset has reported under this reference; "+
			"compare it with the handset's screen, and remember that a factory reset makes a new one")
	}
	return err
}
