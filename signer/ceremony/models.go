// SPDX-License-Identifier: Apache-2.0

package ceremony

import (
	"bytes"
	"encoding/json"

	"landed/manifests"
)

// chooseModels decides by which profiles packages are judged: those of the reviewer's own file; else those that the
// request carries; else the line-up that is built in. Where two of them differ, it says so.
func (r *review) chooseModels() {
	models := r.p.Request.Models
	theirs, err := manifests.NewCatalogue(models...)
	if len(models) > 0 && err != nil {
		r.problem(ModelDiffers, true, "The models in the request cannot be used: %v", err)
		theirs, models = nil, nil
	}
	r.Models = models
	switch {
	case r.p.Catalogue != nil:
		r.catalogue = r.p.Catalogue
		r.compareModels(models, r.p.Catalogue, true, "your own file")
	case len(models) > 0:
		r.catalogue = theirs
		r.compareModels(models, manifests.DefaultCatalogue(), false, "the line-up that is built in")
	default:
		r.catalogue = manifests.DefaultCatalogue()
		if len(r.p.Request.Packages)+len(r.p.Request.Manifests) > 0 {
			r.problem(ModelsDefault, false, "The request carries no profile of its models, as those of older servers do; "+
				"packages were judged by the line-up that is built in.")
		}
	}
}

// compareModels says where the request describes a model in another way. A model that only the request knows is shown,
// and is no difference; nor is by which protocols of others its phones poll, as no package is judged by that.
func (r *review) compareModels(models []manifests.Model, with *manifests.Catalogue, refuse bool, what string) {
	for _, m := range models {
		known, ok := with.Model(m.Device)
		if !ok {
			continue
		}
		m.Protocols, known.Protocols = nil, nil
		if found, wanted := inJSON(m), inJSON(known); !bytes.Equal(found, wanted) {
			r.problem(ModelDiffers, refuse, "The request describes %s as %s; %s has %s.", m.Device, found, what, wanted)
		}
	}
}

// inJSON is a value of closed fields, as it is compared and shown.
func inJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		return []byte(err.Error())
	}
	return text
}
