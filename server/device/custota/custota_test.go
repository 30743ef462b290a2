// SPDX-License-Identifier: Apache-2.0

package custota

import (
	"errors"
	"strings"
	"testing"

	"landed/manifests"
	"landed/manifests/csig"
	"landed/manifests/otapkg"
	"landed/manifests/shelf"
	"landed/manifests/updaters"
	"landed/server/device/everybody"
)

func build(device, sha string, from string) everybody.Build {
	b := everybody.Build{Build: manifests.Build{Fingerprint: "x", UTC: 1}, Variant: device, Channel: "stable", Device: device,
		Package: manifests.Package{Path: "builds/" + device + "/" + sha[:4] + ".zip", SHA256: sha}, URL: "https://ota.example/" + sha,
		Csig: &everybody.Csig{DER: []byte(sha), From: from}}
	if from != "" {
		b.From = []string{"a/fingerprint"}
	}
	return b
}

func TestFiles(t *testing.T) {
	full, inc := strings.Repeat("a", 64), strings.Repeat("b", 64)
	from := strings.Repeat("c", 64)
	files := Files([]everybody.Build{build("nuwa", inc, from), build("nuwa", full, ""), build("fuxi", strings.Repeat("d", 64), "")})
	d := shelf.New("nuwa", "stable", files)
	if err := d.Validate(); err != nil || len(d.Files) != 5 {
		t.Fatalf("%d files, %v", len(d.Files), err)
	}
	text, have := "", map[string]bool{}
	for _, f := range d.Files {
		have["https://ota.example/legacy/"+f.Path] = f.Type == shelf.Binary
		if f.Path == Path("stable", "nuwa") {
			text = f.Text
		}
	}
	const entered = "https://ota.example/legacy/custota/stable"
	for vbmeta, sha := range map[string]string{"": full, from: inc, strings.ToUpper(from): full} {
		answer := updaters.Answer{URL: entered + "/nuwa.json", Status: 200, Body: []byte(text)}
		offers, found := updaters.Custota(answer, updaters.Phone{Device: "nuwa", Base: entered, VBMeta: vbmeta})
		if len(found) > 0 || len(offers) != 1 || offers[0].URL != "https://ota.example/"+sha || !have[offers[0].Csig] ||
			!strings.Contains(offers[0].Csig, sha) {
			t.Errorf("a phone that runs %q: %+v, %v", vbmeta, offers, found)
		}
	}
}

func TestNothingIsHalf(t *testing.T) {
	b := build("nuwa", strings.Repeat("a", 64), "")
	b.Csig = nil
	if faults := errors.Join(Faults(b)...); faults == nil || !strings.Contains(faults.Error(), "it is not known where") {
		t.Errorf("%v", faults)
	}
	b.Payload, b.SignedBy = strings.Repeat("1", 64), strings.Repeat("2", 64)
	for _, name := range []string{csig.PayloadMetadata, csig.Payload, csig.Properties} {
		b.Properties = append(b.Properties, otapkg.PropertyFile{Name: name, Offset: 1, Size: 1})
	}
	if faults := errors.Join(Faults(b)...); faults == nil || !strings.Contains(faults.Error(), "has no csig of aaaa.zip") {
		t.Errorf("%v", faults)
	}
	b.Csig = &everybody.Csig{By: b.SignedBy, From: "x"}
	if faults := errors.Join(Faults(b)...); faults == nil || !strings.Contains(faults.Error(), "starts from no build") {
		t.Errorf("%v", faults)
	}
	b.Csig.From, b.SPL, b.For = "", "2026-06-01", []string{"nuwa"}
	if faults := Faults(b); len(faults) > 0 {
		t.Errorf("%v", faults)
	}
}
