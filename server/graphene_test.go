// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"testing"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
	"landed/manifests/otapkg"
	"landed/manifests/release"
	"landed/manifests/updaters"
	"landed/server/device/legacy"
	"landed/server/fleet"
	kit "landed/server/servertest"
)

// restated is a package whose text metadata says something else of the same length.
func restated(t *testing.T, zip []byte, old, with string) []byte {
	t.Helper()
	pkg := kit.OK(updaters.ReadPackage(bytes.NewReader(zip), int64(len(zip))))(t)
	for _, part := range pkg.Parts {
		if part.Name != "metadata" {
			continue
		}
		text := zip[part.Offset : part.Offset+part.Size]
		changed := bytes.Replace(text, []byte(old), []byte(with), 1)
		if len(old) != len(with) || bytes.Equal(text, changed) {
			t.Fatalf("%q cannot be changed to %q in\n%s", old, with, text)
		}
		sum := func(text []byte) []byte { return binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(text)) }
		all := bytes.ReplaceAll(bytes.Clone(zip), sum(text), sum(changed)) // in the header and in the directory
		copy(all[part.Offset:], changed)
		return all
	}
	t.Fatal("the package has no metadata")
	return nil
}

// TestGrapheneOSTakesWhatIsAccepted: GrapheneOS's app goes on with every package that a release for its phones may have.
func TestGrapheneOSTakesWhatIsAccepted(t *testing.T) {
	model, _ := manifests.DefaultCatalogue().Model("fuxi")
	model.Protocols = []manifests.Protocol{manifests.GrapheneOS}
	catalogue := kit.OK(manifests.NewCatalogue(model))(t)
	build := kit.OK(fixtures.BuildOf("fuxi", fixtures.Patched))(t)
	full := kit.OK(fixtures.Bytes(build, kit.OTAKey))(t)
	build.From = []string{"Xiaomi/fuxi_global/fuxi:16/BP2A.250605.031.A3/OS3.0.2.0.WMCMIXM:user/release-keys"}
	incremental := kit.OK(fixtures.Bytes(build, kit.OTAKey))(t)
	build.From, build.Also = nil, []string{"nuwa"}
	forTwo := kit.OK(fixtures.Bytes(build, kit.OTAKey))(t)
	for name, tt := range map[string]struct {
		zip      []byte
		accepted bool
	}{
		"as it is":                          {full, true},
		"an incremental":                    {incremental, true},
		"for two devices":                   {forTwo, false},
		"no word on where the payload lies": {restated(t, full, "ota-streaming-property-files", "xta-streaming-property-files"), false},
		"no type":                           {restated(t, full, "ota-type=AB", "xta-type=AB"), false},
		"another type":                      {restated(t, full, "ota-type=AB", "ota-type=AX"), false},
		"another device":                    {restated(t, full, "pre-device=fuxi", "pre-device=nuwa"), false},
		"no device":                         {restated(t, full, "pre-device=fuxi", "xre-device=fuxi"), false},
		"another time":                      {restated(t, full, fmt.Sprintf("timestamp=%d", build.UTC), fmt.Sprintf("timestamp=%d", build.UTC+1)), true},
	} {
		facts, _, err := otapkg.Inspect(bytes.NewReader(tt.zip), int64(len(tt.zip)), otapkg.Policy{Catalogue: catalogue})
		if err != nil {
			t.Fatal(err)
		}
		p := fleet.Package{SHA256: facts.SHA256, Size: facts.Size, Name: "a.zip", Model: "fuxi", Variant: "fuxi_global", Channel: "stable",
			Family: "ab", PreBuilds: facts.PreBuild, Facts: kit.OK(json.Marshal(facts))(t),
			Build: manifests.Build{Fingerprint: build.Fingerprint, Incremental: build.Incremental, UTC: facts.PostTimestamp}}
		faults := legacy.Faults(catalogue, release.Release{}, []fleet.Package{p}, nil, "")
		if (len(faults) == 0) != tt.accepted {
			t.Errorf("%s: %v, wanted it accepted: %v", name, faults, tt.accepted)
		}
		phone := updaters.Phone{Device: "fuxi", Channel: "stable", UTC: 1_700_000_000}
		if len(p.PreBuilds) > 0 {
			phone.Build, phone.Fingerprint = "OS3.0.2.0.WMCMIXM", p.PreBuilds[0]
		}
		line := fmt.Sprintf("%s %d fuxi stable\n", p.Build.Incremental, p.Build.UTC)
		offers, found := updaters.GrapheneOS(updaters.Answer{URL: "https://ota.example/fuxi-stable", Status: 200, Body: []byte(line)}, phone)
		if len(offers) == 0 || len(found) > 0 {
			t.Fatalf("%s: %q leads to %+v, %v", name, line, offers, found)
		}
		refused := offers[0].Against(kit.OK(updaters.ReadPackage(bytes.NewReader(tt.zip), int64(len(tt.zip))))(t))
		if len(faults) == 0 && len(refused) > 0 {
			t.Errorf("%s: accepted, and the app: %v", name, refused)
		}
		if !tt.accepted && len(refused) == 0 {
			t.Errorf("%s: refused, and the app takes it", name)
		}
	}
}
