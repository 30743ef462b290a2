// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"crypto"
	"fmt"
	"strings"

	"landed/manifests"
)

// judgeType wants ota-type and the models' profiles to agree with what the package is.
func (in *inspection) judgeType(models []manifests.Model) {
	add := func(found, wanted, why string) {
		in.fs.add(Finding{Code: MetaType, Found: found, Wanted: wanted,
			Fix: "Build the package for the model with its release tools.", Message: why})
	}
	family := in.facts.Family
	switch t, says := in.meta["ota-type"]; {
	case !says:
	case t == "BRICK":
		add("BRICK", "AB or BLOCK", "This package erases the device (BRICK).")
	case t == "AB" && family != AB:
		add("AB", "payload.bin", "ota-type=AB but there is no payload.bin.")
	case t == "BLOCK" && family == AB:
		add("BLOCK", "AB", "ota-type=BLOCK but there is a payload.bin.")
	case t == "BLOCK" && family != BlockBased:
		add("BLOCK", "transfer lists", "ota-type=BLOCK but there is no transfer list.")
	case t != "AB" && t != "BLOCK":
		add(show(t), "AB or BLOCK", fmt.Sprintf("ota-type=%s is no type that phones know.", show(t)))
	}
	for _, m := range models {
		if want := Family(m.Profile.Family); want != "" && family != "" && family != want {
			add(string(family), m.Profile.Family, fmt.Sprintf("%s installs %s packages; this one is %s.", m.Device,
				m.Profile.Family, family))
		}
	}
}

// judgeStreaming computes where clients find each entry, and compares with what the metadata states.
func (in *inspection) judgeStreaming() {
	files := in.a.propertyFiles(in.payload)
	required := map[string][]string{"ota-property-files": {"metadata"}}
	if in.facts.Family == AB {
		in.facts.Streaming = files
		required = map[string][]string{
			"ota-property-files":           {payloadMetadata, namePayload, nameProperties, "metadata"},
			"ota-streaming-property-files": {namePayload, nameProperties, "metadata"},
		}
	}
	for _, key := range []string{"ota-property-files", "ota-streaming-property-files"} {
		if stated := in.meta[key]; stated != "" {
			judgePropertyFiles(key, stated, files, required[key], &in.fs)
		}
	}
}

// judgePayload compares the payload with its properties, its signatures with the zip's, its times with the
// metadata.
func (in *inspection) judgePayload() {
	p := in.facts.Payload
	judgeProperties(in.props, p, &in.fs)
	var zipKey crypto.PublicKey
	if in.sig != nil {
		zipKey = in.sig.cert.PublicKey
	}
	p.SignedBy = judgePayloadSignatures(in.metaSigs, in.payloadSigs, in.metaSum, in.payloadSum, in.facts.Signer, zipKey,
		in.p.pinnedKeys(), &in.fs)
	add := func(what, found, wanted string) {
		in.fs.add(Finding{Code: ABTime, Found: found, Wanted: wanted, Fix: "Build the package again.",
			Message: fmt.Sprintf("The payload says %s %s, metadata says %s.", what, found, wanted)})
	}
	if p.MaxTimestamp == 0 && in.facts.PostTimestamp != 0 && !in.payload.partial {
		in.fs.add(Finding{Code: ABTime, Found: "no max_timestamp", Wanted: fmt.Sprint(in.facts.PostTimestamp),
			Fix: "Build the package with ota_from_target_files, which passes the build time on.",
			Message: "The payload does not say when its system was built, so phones with Android 8 or later would take it " +
				"for older than their own and refuse it."})
	}
	if at := in.facts.PostTimestamp; p.MaxTimestamp != 0 && at != 0 && p.MaxTimestamp != at {
		add("build time", fmt.Sprint(p.MaxTimestamp), fmt.Sprint(at))
	}
	if p.SPL != "" && in.facts.SPL != "" && p.SPL != in.facts.SPL {
		add("patch level", show(p.SPL), show(in.facts.SPL))
	}
	var boot []string
	for _, x := range p.Partitions {
		if isBootloader(x.Name) {
			boot = append(boot, x.Name)
		}
	}
	if len(boot) > 0 {
		in.fs.add(bootWrite([]string{strings.Join(boot, ", ")}))
	}
}
