// SPDX-License-Identifier: Apache-2.0

package custota

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"

	"landed/manifests"
	"landed/manifests/csig"
	"landed/manifests/otapkg"
	"landed/manifests/shelf"
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

// reads is what Custota makes of the JSON, from the facts of its reader (kotlinx.serialization, members that are not known
// passed over): the places of package and csig for a phone that runs a build of this vbmeta digest. A place is resolved
// against the address that people entered, with a slash at its end, and is http or https.
func reads(text, entered, vbmeta string) (ota, signed string, err error) {
	type location struct {
		OTA  *string `json:"location_ota"`
		Csig *string `json:"location_csig"`
	}
	var info struct {
		Version     *int                `json:"version"`
		Full        *location           `json:"full"`
		Incremental map[string]location `json:"incremental"`
	}
	if err := json.Unmarshal([]byte(text), &info); err != nil {
		return "", "", err
	}
	if info.Version == nil || *info.Version != 2 || info.Full == nil {
		return "", "", errors.New("only UpdateInfo version 2 is supported")
	}
	for _, l := range info.Incremental {
		if l.OTA == nil || l.Csig == nil {
			return "", "", errors.New("a place is missing")
		}
	}
	at, is := info.Incremental[vbmeta]
	if !is {
		at = *info.Full
	}
	if at.OTA == nil || at.Csig == nil {
		return "", "", errors.New("a place is missing")
	}
	base, err := url.Parse(strings.TrimSuffix(entered, "/") + "/")
	if err != nil {
		return "", "", err
	}
	for _, place := range []*string{at.OTA, at.Csig} {
		u, err := base.Parse(*place)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" {
			return "", "", errors.New("it resolves to an unsupported protocol")
		}
		*place = u.String()
	}
	return *at.OTA, *at.Csig, nil
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
		ota, signed, err := reads(text, entered, vbmeta)
		if err != nil || ota != "https://ota.example/"+sha || !have[signed] || !strings.Contains(signed, sha) {
			t.Errorf("a phone that runs %q: %s, %s, %v", vbmeta, ota, signed, err)
		}
	}
	for _, m := range [][2]string{{`"version": 2`, `"version": 1`}, {`"version": 2,`, ``}, {`"full"`, `"Full_"`}, {`"location_ota"`, `"ota"`},
		{`"location_csig"`, `"csig"`}, {"https:", "ftp:"}, {"{", "["}} {
		if _, _, err := reads(strings.Replace(text, m[0], m[1], 1), entered, ""); err == nil {
			t.Errorf("%s for %s: the phone takes it", m[1], m[0])
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
