// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"landed/manifests"
	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/published"
	"landed/server/support/naming"
	"landed/web"
)

// lookup is the forms into which a reference or the name of a model is typed. What is typed is posted: numbers of people are pasted by
// mistake, and an address is kept by browsers, proxies and logs.
type lookup struct {
	lineup   *lineup
	evidence *evidence
	links    web.Links
}

// longestForm is far more than both forms hold.
const longestForm = 8 << 10

// posted takes what was typed into either form to where it leads: the page of an installation, or the models that it names.
func (l lookup) posted(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, longestForm)
	if err := r.ParseForm(); err != nil {
		return fleet.Errorf(fleet.Invalid, "search_unreadable", "what was typed cannot be read: %v", err)
	}
	if ref := r.PostForm.Get("ref"); strings.TrimSpace(ref) != "" {
		return l.leads(w, r, ref)
	}
	typed := r.PostForm.Get("find")
	if ref, err := report.ParseReference(strings.TrimSpace(typed)); err == nil { // typed into the wrong box
		http.Redirect(w, r, l.links.To("/installations/"+ref.String()), http.StatusSeeOther)
		return nil
	}
	if naming.Personal(typed) {
		return errPersonal
	}
	http.Redirect(w, r, l.links.To(askedOf(r.PostForm).Path()), http.StatusSeeOther)
	return nil
}

// find is the form for references as older pages sent it, in the address.
func (l lookup) find(w http.ResponseWriter, r *http.Request) error {
	return l.leads(w, r, r.URL.Query().Get("ref"))
}

// home is a root without its slash.
func (l lookup) home(w http.ResponseWriter, r *http.Request) error {
	http.Redirect(w, r, l.links.To("/"), http.StatusSeeOther)
	return nil
}

const errPersonalCode = "search_personal"

// errPersonal repeats nothing of what was typed.
var errPersonal = fleet.Errorf(fleet.Invalid, errPersonalCode, "that is as long as a number of a phone or a SIM, or an address: nothing "+
	"is found by those, and nothing of it was kept")

// leads takes what was typed as a reference to the page of that installation.
func (l lookup) leads(w http.ResponseWriter, r *http.Request, typed string) error {
	if strings.TrimSpace(typed) == "" {
		http.Redirect(w, r, l.links.To("/#lookup"), http.StatusSeeOther)
		return nil
	}
	ref, err := report.ParseReference(strings.TrimSpace(typed))
	switch {
	case err == nil:
		http.Redirect(w, r, l.links.To("/installations/"+ref.String()), http.StatusSeeOther)
		return nil
	case naming.Personal(typed):
		return errPersonal
	case l.namesModel(r.Context(), typed): // typed into the wrong box
		http.Redirect(w, r, l.links.To(asked{Find: askedOf(url.Values{"find": {typed}}).Find}.Path()), http.StatusSeeOther)
		return nil
	}
	r.SetPathValue("ref", typed) // so that the form shows what to mend
	return badReference(err)
}

// namesModel says if what was typed is the name, a number or a build of a model. If what is published cannot be read just now, the
// builds are those that were known.
func (l lookup) namesModel(ctx context.Context, typed string) bool {
	_ = l.evidence.releases(ctx, func(fleet.Tx, published.Releases) error { return nil })
	q := naming.Read(typed)
	return strings.TrimSpace(typed) != "" && slices.ContainsFunc(l.lineup.catalogue().Models(), func(m manifests.Model) bool {
		known, ok := l.lineup.device(m.Device)
		return ok && known.names.Finds(q)
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
