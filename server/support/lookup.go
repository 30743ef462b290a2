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

// lookup is the form into which a reference is typed.
type lookup struct{ lineup *lineup }

// find takes what was typed into the form to the page of that installation.
func (l lookup) find(w http.ResponseWriter, r *http.Request) error {
	typed := r.URL.Query().Get("ref")
	if strings.TrimSpace(typed) == "" {
		http.Redirect(w, r, "/#lookup", http.StatusSeeOther)
		return nil
	}
	ref, err := report.ParseReference(strings.TrimSpace(typed))
	if err != nil && l.namesModel(typed) { // typed into the wrong box
		http.Redirect(w, r, asked{Find: askedOf(url.Values{"find": {typed}}).Find}.Path(), http.StatusSeeOther)
		return nil
	}
	if err != nil {
		r.SetPathValue("ref", typed) // so that the form shows what to mend
		return badReference(err)
	}
	http.Redirect(w, r, "/installations/"+ref.String(), http.StatusSeeOther)
	return nil
}

// namesModel says if what was typed is the name or a number of a model.
func (l lookup) namesModel(typed string) bool {
	a := askedOf(url.Values{"find": {typed}})
	return a.Find != "" && slices.ContainsFunc(l.lineup.catalogue().Models(), func(m manifests.Model) bool {
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
