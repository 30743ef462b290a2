// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// maxPayloads of one package. AOSP writes one more than payload.bin: secondary/payload.bin, for the other slot
// (ota_from_target_files --include_secondary).
const maxPayloads = 4

// payloadOf is one payload of an A/B package while it is inspected: payload.bin, or one in a folder of its own.
type payloadOf struct {
	name  string            // of its entry
	at    int64             // of its first byte in the package
	props map[string]string // of the payload_properties.txt beside it; nil if there is none
	read  *Payload          // nil if it cannot be read

	metaSigs, wholeSigs [][]byte // its signatures
	file, signed        *stream
	data                *dataSums // nil if its operations were refused
	facts               *PayloadFacts
}

func (o *payloadOf) main() bool { return o.name == namePayload }

// findings hands on what was found about the payload, and says of one that is not payload.bin which it is.
func (o *payloadOf) findings(fs *Findings, found Findings) {
	for _, f := range found {
		if !o.main() {
			f.Message = show(o.name) + ": " + f.Message
		}
		fs.add(f)
	}
}

// readPayloads reads payload.bin and every other payload with the properties beside it: a client hands each of them to
// update_engine.
func (in *inspection) readPayloads() error {
	names := []string{namePayload}
	for _, e := range in.a.entries {
		if dir, base := path.Split(e.Name); dir != "" && base == namePayload {
			names = append(names, e.Name)
		} else if _, beside := in.a.Entry(dir + namePayload); dir != "" && base == nameProperties && !beside {
			in.fs.add(Finding{Code: ABHash, Found: show(e.Name), Wanted: "the payload of which it speaks",
				Fix:     "Build the package again.",
				Message: fmt.Sprintf("%s speaks of a payload.bin in its folder, and there is none.", show(e.Name))})
		}
	}
	if len(names) > maxPayloads {
		in.fs.add(Finding{Code: ABMagic, Found: fmt.Sprintf("%d payloads", len(names)),
			Wanted:  fmt.Sprintf("payload.bin and at most %d others", maxPayloads-1),
			Message: fmt.Sprintf("The package has %d payloads; more than %d are not looked at.", len(names), maxPayloads)})
		names = names[:maxPayloads]
	}
	for _, name := range names {
		o := &payloadOf{name: name}
		in.payloads = append(in.payloads, o)
		if err := in.readPayload(o); err != nil {
			return err
		}
	}
	in.payload = in.payloads[0].read
	return nil
}

// says reports whether the properties of any payload give key this value.
func (in *inspection) says(key, value string) bool {
	return slices.ContainsFunc(in.payloads, func(o *payloadOf) bool { return o.props[key] == value })
}

// powerwashes adds to wipes which properties ask for user data to be erased. AOSP writes POWERWASH for payload.bin alone, so
// that another payload contradicts nothing by its silence.
func (in *inspection) powerwashes(wipes map[string]bool) {
	for _, o := range in.payloads {
		if asks := o.props["POWERWASH"] == "1"; o.main() && o.props != nil {
			wipes["POWERWASH"] = asks
		} else if asks {
			wipes["POWERWASH of "+show(o.name)] = true
		}
	}
}

func (in *inspection) readPayload(o *payloadOf) error {
	var found Findings
	defer func() { o.findings(&in.fs, found) }()
	text, ok, err := in.a.small(strings.TrimSuffix(o.name, namePayload)+nameProperties, &found)
	if err != nil {
		return err
	}
	if ok {
		o.props = parseProperties(text, &found)
	}
	e, _ := in.a.Entry(o.name)
	if !o.main() && !e.Stored {
		found.add(Finding{Code: ABStored, Found: "a compressed entry", Wanted: "a stored entry",
			Fix:     "Store it (zip -0), as the release tools do.",
			Message: "The payload is compressed; phones stream it by byte range and need it stored."})
	}
	p, bad, err := in.a.payload(e)
	if err != nil {
		return err
	}
	found = append(found, bad...)
	if o.read, o.at = p, e.Offset; p == nil {
		return nil
	}
	if !bad.Refused() {
		o.data = newDataSums(p, e.Offset)
	}
	o.metaSigs, o.wholeSigs, err = p.signatures(&found)
	return err
}

// consumers are the digests of the payload, for the sweep over the file.
func (o *payloadOf) consumers() []consumer {
	if o.read == nil {
		return nil
	}
	p := o.read
	o.file = sha256Of(0, byteRange{o.at, o.at + p.src.size})
	o.signed = sha256Of(o.at+p.metadataSize(), byteRange{o.at, o.at + p.metadataSize()})
	if o.wholeSigs != nil {
		o.signed.ranges = append(o.signed.ranges, byteRange{o.at + p.blobs(), o.at + p.blobs() + p.sigOffset})
	}
	if o.data == nil {
		return []consumer{o.file, o.signed}
	}
	return []consumer{o.file, o.signed, o.data}
}

// swept takes what the sweep has made of the payload.
func (in *inspection) swept(o *payloadOf) error {
	if o.read == nil {
		return nil
	}
	var found Findings
	if o.data != nil {
		if err := o.data.judge(&found); err != nil {
			return err
		}
	}
	o.findings(&in.fs, found)
	o.facts = o.read.facts(o.at, o.file.sum(), o.signed.atMark())
	if o.main() {
		in.facts.Payload, in.facts.Target = o.facts, o.read.target()
		return nil
	}
	o.facts.Entry = o.name
	in.facts.OtherPayloads = append(in.facts.OtherPayloads, o.facts)
	return nil
}
