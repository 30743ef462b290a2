// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"landed/manifests"
)

// Inspect reads the package of size bytes in r and returns everything that is known and found about it.
// The error is only ever one of r; whatever is wrong with the package is a finding.
//
// Directory, headers and small entries are read first; then the file is read once more from its first byte
// to its last, and all digests are computed in that sweep, while compressed entries are unpacked beside it.
func Inspect(r io.ReaderAt, size int64, p Policy) (Facts, Findings, error) {
	in := &inspection{src: source{r, size}, p: p, name: parseFileName(p.Name)}
	in.facts.Size = size
	for _, step := range []func() error{in.readArchive, in.readMetadata, in.readContent, in.readBytes} {
		if err := step(); err != nil {
			return Facts{}, nil, err
		}
	}
	if in.a != nil {
		in.judge()
		in.fs = in.a.holdBack(in.fs)
	}
	return in.facts, in.fs, nil
}

// inspection is the state of one Inspect. What could not be read stays nil.
type inspection struct {
	src   source
	p     Policy
	name  fileName
	facts Facts
	fs    Findings

	a            *Archive
	contentSound bool // what the directory says of the content can be held against it
	meta         metadata
	prop         buildProp // of system/build.prop
	sig          *signature
	otacert      []byte
	payload      *Payload     // payload.bin
	payloads     []*payloadOf // payload.bin first
	script       *ScriptFacts
	readable     bool // the script is

	signedSum []byte // of what the whole-file signature signs
}

func (in *inspection) readArchive() (err error) {
	if ok, _ := path.Match("*_images_*.tgz", path.Base(in.p.Name)); ok {
		in.fs.add(fastboot(show(in.p.Name)))
	}
	a, found, err := ReadArchive(in.src.r, in.src.size)
	for _, f := range found {
		if f.Code != ZipFastboot || !in.fs.Has(ZipFastboot) {
			in.fs = append(in.fs, f)
		}
	}
	if a != nil {
		in.a, in.contentSound = a, addressable(found)
		in.facts.Entries = len(a.entries)
		in.sig = a.readSignature(&in.fs)
	}
	return err
}

func (in *inspection) readMetadata() error {
	if in.a == nil {
		return nil
	}
	text, ok, err := in.a.small(nameMetadata, &in.fs)
	if err != nil {
		return err
	}
	in.meta = parseMetadata(text, &in.fs)
	judgeMetadata(in.meta, &in.fs)
	judgeFingerprints(in.meta, in.p, &in.fs)
	if !ok {
		return nil
	}
	pb, ok, err := in.a.small(nameMetadataPB, &in.fs)
	if err != nil || !ok {
		return err
	}
	other, bad := parseMetadataPB(pb)
	if bad != nil {
		in.fs.add(Finding{Code: MetaSplit, Found: bad.Error(), Wanted: "an OtaMetadata message",
			Fix: "Build the package again.", Message: fmt.Sprintf("metadata.pb cannot be read: %v.", bad)})
		return nil
	}
	judgeSplit(in.meta, other, &in.fs)
	return nil
}

// family detects how the package is built: by its entries, never by what it calls itself.
func (a *Archive) family() Family {
	if _, ok := a.Entry(namePayload); ok || a.lost[namePayload] {
		return AB
	}
	files := false
	for _, e := range a.entries {
		if strings.HasSuffix(e.Name, ".transfer.list") {
			return BlockBased
		}
		files = files || strings.HasPrefix(e.Name, "system/") || strings.HasPrefix(e.Name, "patch/")
	}
	if _, ok := a.Entry(nameScript); ok && files {
		return FileBased
	}
	return ""
}

func (in *inspection) readContent() (err error) {
	if in.a == nil {
		return nil
	}
	if in.otacert, _, err = in.a.small(nameOTACert, &in.fs); err != nil {
		return err
	}
	in.facts.Family = in.a.family()
	switch in.facts.Family {
	case AB:
		return in.readAB()
	case BlockBased:
		in.fs.add(Finding{Code: FamBlock, Found: "transfer lists", Wanted: "a file-based or an A/B package",
			Message: "This is a block-based package (Android 5 and later without A/B slots); they are not supported yet."})
	case "":
		in.fs.add(Finding{Code: FamUnknown, Found: "neither payload.bin, transfer lists, " +
			"nor updater-script with system/ or patch/", Wanted: "an OTA package", Fix: "Upload the OTA package itself.",
			Message: "The archive is no OTA package: it has neither payload.bin, transfer lists, " +
				"nor an updater-script with files under system/ or patch/."})
	}
	prop, _, err := in.a.small(nameBuildProp, &in.fs)
	if err != nil {
		return err
	}
	in.prop = parseBuildProp(prop)
	in.facts.Variant = in.prop.variant()
	text, ok, err := in.a.small(nameScript, &in.fs)
	if err == nil && ok {
		var s ScriptFacts
		s, in.readable = readScript(text)
		in.script = &s
	}
	return err
}

func (in *inspection) readAB() error {
	in.judgeStored()
	return in.readPayloads()
}

// judge compares what was read with itself and with the policy.
func (in *inspection) judge() {
	f, m := &in.facts, in.meta
	f.PreDevices, f.PreBuild, f.PostBuild = m.list("pre-device"), m.list("pre-build"), m.list("post-build")
	f.PostTimestamp, f.SDK, f.SPL = m.number("post-timestamp"), m["post-sdk-level"], m["post-security-patch-level"]
	f.Downgrade = m.yes("ota-downgrade") || m.yes("spl-downgrade") || in.says("SPL_DOWNGRADE", "1")
	f.Script = in.script
	f.Stated = &Stated{m["ota-type"], m["pre-build-incremental"], m["ota-streaming-property-files"] != ""}
	patches := (in.payload != nil && in.payload.anyOld()) || (in.script != nil && in.script.Patches > 0)
	f.Incremental = len(f.PreBuild) > 0 || patches || (in.payload != nil && in.payload.Delta())

	judgeDevices(f.PreDevices, in.p, &in.fs)
	models := in.p.models(f.PreDevices)
	in.judgeType(models)
	in.judgeRecovery(models)
	if in.sig != nil {
		legacy := slices.ContainsFunc(models, func(m manifests.Model) bool { return m.Profile.LegacyRecovery })
		f.Signer = in.sig.judge(in.signedSum, legacy, len(models) > 0, in.p, &in.fs)
		if in.otacert != nil {
			judgeOTACert(in.otacert, in.sig, &in.fs)
		}
	}
	judgeBuildProp(in.prop, f, &in.fs)
	judgeName(in.name, f, in.p, &in.fs)
	judgeVersions(f, m, patches, in.p, &in.fs)
	wipes := map[string]bool{"ota-wipe": m.yes("ota-wipe")}
	in.powerwashes(wipes)
	if f.Family == FileBased && in.script != nil {
		wipes["the script"] = in.script.FormatsData
		judgeGuards(in.script, in.readable, f.PreDevices, in.p.Catalogue, &in.fs)
		judgeScript(in.script, &in.fs)
	}
	f.Wipe = judgeWipe(wipes, &in.fs)
	in.judgeStreaming()
	in.judgePayloads()
}
