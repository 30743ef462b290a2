// SPDX-License-Identifier: Apache-2.0

package updaters

import (
	"fmt"
	"strings"
)

// AOSPSample reads a config as the parser of SystemUpdaterSample does, which wants other fields than the sample.json beside it.
// The app shows every config that it has, older or not: update_engine looks at the build time in the payload.
func AOSPSample(a Answer, _ Phone) (offers []Offer, found []Fault) {
	f, ok := a.begin("the config", noUpdate, noUpdate)
	if !ok {
		return nil, f
	}
	o := readObject("", a.Body)
	offer := Offer{Name: o.text("name"), URL: o.text("url"), Installs: true}
	kind := o.text("ab_install_type")
	switch {
	case kind == "NON_STREAMING" && !strings.HasPrefix(offer.URL, "file://"):
		o.fault("ab_install_type is NON_STREAMING, for which the package lies on the phone, at file://, and not at %.100q", offer.URL)
	case kind != "" && kind != "STREAMING" && kind != "NON_STREAMING":
		o.fault("ab_install_type is %.50q, wanted STREAMING", kind)
	case kind == "STREAMING" && offer.URL != "":
		if wrong := link(offer.URL); wrong != "" {
			o.fault("%s", wrong)
		}
	}
	if o.has("ab_config") {
		ab := readObject("ab_config.", o.members["ab_config"])
		ab.flag("force_switch_slot")
		ab.flag("verify_payload_metadata")
		for i, text := range ab.list("property_files") {
			part := readObject(fmt.Sprintf("ab_config.property_files[%d].", i), text)
			offer.Parts = append(offer.Parts, part.part("filename", 0))
			ab.wrong = append(ab.wrong, part.wrong...)
		}
		if kind == "STREAMING" {
			ab.parts(offer.Parts, 0)
		}
		o.wrong = append(o.wrong, ab.wrong...)
	} else if o.members != nil {
		o.fault("ab_config is missing")
	}
	if len(o.wrong) > 0 {
		f.add("the app does not read this config, and "+noUpdate, "%s", strings.Join(o.wrong, "; "))
		return nil, f
	}
	return []Offer{offer}, f
}
