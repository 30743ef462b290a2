// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
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

// judgePayloads compares each payload with its properties, its signatures with the zip's, its times with the metadata.
func (in *inspection) judgePayloads() {
	for _, o := range in.payloads {
		if o.read == nil {
			continue
		}
		var found Findings
		judgeProperties(o.props, o.facts, &found)
		in.judgeSignatures(o, &found)
		in.judgeTimes(o, &found)
		if !o.main() {
			in.judgeOther(o, &found)
		}
		var boot []string
		for _, x := range o.facts.Partitions {
			if isBootloader(x.Name) {
				boot = append(boot, x.Name)
			}
		}
		if len(boot) > 0 {
			found.add(bootWrite([]string{strings.Join(boot, ", ")}))
		}
		o.findings(&in.fs, found)
	}
	if in.payload != nil && in.payload.Partial() {
		in.judgePartial()
	}
}

// judgeOther wants a payload beside payload.bin to be what AOSP makes of one: whole, for a slot that the phone is not
// switched to (build/tools/releasetools/ota_from_target_files.py, --include_secondary).
func (in *inspection) judgeOther(o *payloadOf, fs *Findings) {
	if o.read.Delta() {
		fs.add(Finding{Code: ABMinor, Found: "a delta", Wanted: "a full payload", Fix: "Build the package again.",
			Message: "A second payload is for a slot of which nobody knows what it holds, so it must be full; this one is a delta."})
	}
	if o.props != nil && o.props["SWITCH_SLOT_ON_REBOOT"] != "0" {
		fs.add(Finding{Code: ABKeys, Found: "no SWITCH_SLOT_ON_REBOOT=0", Wanted: "SWITCH_SLOT_ON_REBOOT=0",
			Fix:     "Build the package with --include_secondary, which writes it.",
			Message: "Its properties let the phone start the slot that this second payload writes, which holds no whole system."})
	}
}

// judgePartial says what a partial update writes. The rest of the system stays as it is, so that what a phone runs
// afterwards is known only if it is known what it ran before.
func (in *inspection) judgePartial() {
	var names []string
	for _, x := range in.facts.Payload.Partitions {
		names = append(names, x.Name)
	}
	what := strings.Join(names, ", ")
	f := Finding{Code: ABPartial, Found: "only " + what, Wanted: "all partitions of the build",
		Message: fmt.Sprintf("Updates only %s; all else stays as it is on the phone.", what)}
	if len(in.facts.PreBuild) == 0 {
		f.Level, f.Wanted = Refuse, "a source build (pre-build), or all partitions"
		f.Fix = "Build it with ota_from_target_files --incremental_from the build that it completes, or without --partial."
		f.Message = fmt.Sprintf("Updates only %s and does not say on top of which build: all else stays as it is on the phone, "+
			"so nobody can say what the phone runs afterwards.", what)
	}
	in.fs.add(f)
}

// judgeTimes wants max_timestamp, up to which update_engine lets a phone's own build time go, to be the build time of the
// metadata. A package that may move phones back carries the later one of both builds (ota_from_target_files.py).
func (in *inspection) judgeTimes(o *payloadOf, fs *Findings) {
	add := func(what, found, wanted, why string) {
		fs.add(Finding{Code: ABTime, Found: found, Wanted: wanted, Fix: "Build the package again.",
			Message: fmt.Sprintf("The payload says %s %s, metadata says %s%s.", what, found, wanted, why)})
	}
	at, most := in.facts.PostTimestamp, o.facts.MaxTimestamp
	switch back := in.meta.yes("ota-downgrade"); {
	case at == 0 || (most == 0 && o.read.partial): // a partial update has a time for each partition
	case most == 0:
		fs.add(Finding{Code: ABTime, Found: "no max_timestamp", Wanted: fmt.Sprint(at),
			Fix: "Build the package with ota_from_target_files, which passes the build time on.",
			Message: "The payload does not say when its system was built, so phones with Android 8 or later would take it " +
				"for older than their own and refuse it."})
	case back && most < at:
		add("build time", fmt.Sprint(most), fmt.Sprint(at), "; even one that moves phones back says that time or a later one")
	case !back && most != at:
		add("build time", fmt.Sprint(most), fmt.Sprint(at), "")
	}
	if spl := o.facts.SPL; spl != "" && in.facts.SPL != "" && spl != in.facts.SPL {
		add("patch level", show(spl), show(in.facts.SPL), "")
	}
}
