// SPDX-License-Identifier: Apache-2.0

package support

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/published"
	"landed/server/support/naming"
	"landed/web"
)

// lookup is the forms into which a reference or the name of a model is typed. What is typed is posted, and goes nowhere from there: numbers
// of people are pasted by mistake, and an address is kept by browsers, proxies and logs. Into an address comes what was recognised, in
// the words of the catalogue or of what is published.
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
		return l.toInstallation(w, r, ref)
	}
	if strings.TrimSpace(typed) == "" {
		http.Redirect(w, r, l.links.To(askedOf(r.PostForm).Path()), http.StatusSeeOther)
		return nil
	}
	if done, err := l.toNamed(w, r, typed, r.PostForm); done || err != nil {
		return err
	}
	return fleet.Errorf(fleet.NotFound, errUnnamedCode, "no model, number, build or release goes by what was typed")
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

// errUnnamedCode is of what was typed and names nothing. It is repeated nowhere: what it is, nobody knows.
const errUnnamedCode = "search_unknown"

// errPersonal repeats nothing of what was typed.
var errPersonal = fleet.Errorf(fleet.Invalid, errPersonalCode, "that is as long as a number of a phone or a SIM, or an address: nothing "+
	"is found by those, and nothing of it was kept")

// private says that what was typed may be a number of a person, or of one handset, and is to be repeated nowhere.
func private(typed string) bool { return naming.Personal(typed) || naming.Equipment(typed) }

// leads takes what was typed as a reference to the page of that installation.
func (l lookup) leads(w http.ResponseWriter, r *http.Request, typed string) error {
	if strings.TrimSpace(typed) == "" {
		http.Redirect(w, r, l.links.To("/#lookup"), http.StatusSeeOther)
		return nil
	}
	ref, err := report.ParseReference(strings.TrimSpace(typed))
	if err == nil {
		return l.toInstallation(w, r, ref)
	}
	if done, err := l.toNamed(w, r, typed, url.Values{}); done || err != nil { // typed into the wrong box
		return err
	}
	r.SetPathValue("ref", typed) // so that the form shows what to mend
	return badReference(err)
}

// toInstallation leads to the page of an installation. One that looks like a number of a person is one if nobody has reported under it.
func (l lookup) toInstallation(w http.ResponseWriter, r *http.Request, ref report.Reference) error {
	if private(ref.String()) || private(string(ref)) {
		err := l.evidence.view.View(r.Context(), func(tx fleet.Tx) error {
			_, err := tx.Installations().Get(r.Context(), ref)
			return err
		})
		switch {
		case fleet.Is(err, fleet.NotFound):
			return errPersonal
		case err != nil:
			return err
		}
	}
	http.Redirect(w, r, l.links.To("/installations/"+ref.String()), http.StatusSeeOther)
	return nil
}

// toNamed leads to what was typed the name of: a release, or the models that go by it, in the order that of asks for. It says if there is
// any.
func (l lookup) toNamed(w http.ResponseWriter, r *http.Request, typed string, of url.Values) (done bool, err error) {
	if naming.Personal(typed) {
		return false, errPersonal
	}
	model, release := l.recognised(r.Context(), typed)
	switch {
	case release != "":
		http.Redirect(w, r, l.links.To("/releases/"+url.PathEscape(release)), http.StatusSeeOther)
	case model != "":
		a := askedOf(of)
		a.Find = askedOf(url.Values{"find": {model}}).Find
		http.Redirect(w, r, l.links.To(a.Path()), http.StatusSeeOther)
	case naming.Equipment(typed):
		return false, errPersonal
	default:
		return false, nil
	}
	return true, nil
}

// recognised is what was typed in words of ours: by what models are called that go by it (by which all of them are found, if there is
// such a name), or a release; "" if it names neither. If what is published cannot be read just now, builds are those that were known.
func (l lookup) recognised(ctx context.Context, typed string) (model, release string) {
	_ = l.evidence.releases(ctx, func(_ fleet.Tx, all published.Releases) error {
		for _, is := range all.Known() {
			if strings.EqualFold(is.Name, strings.TrimSpace(typed)) {
				release = is.Name
			}
		}
		return nil
	})
	found, called := l.found(typed)
	for _, name := range slices.Compact(called) {
		if also, _ := l.found(name); slices.Equal(also, found) {
			return name, release
		}
		model = cmp.Or(model, name)
	}
	return model, release
}

// found are the devices that go by what was typed, and by what each does.
func (l lookup) found(typed string) (devices, called []string) {
	q := naming.Read(typed)
	for _, m := range l.lineup.catalogue().Models() {
		if known, ok := l.lineup.device(m.Device); ok {
			if name := known.names.Named(q); name != "" {
				devices, called = append(devices, m.Device), append(called, name)
			}
		}
	}
	return devices, called
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
