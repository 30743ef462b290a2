// SPDX-License-Identifier: Apache-2.0

package release

import (
	"encoding/base64"
	"reflect"
	"strings"
	"testing"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
	"landed/manifests/csig"
)

const clientsSource = `schema: 3
release: june-fix
counter: 2
notes: {en: fixes}
clients:
  nuwa: {romtype: nightly, version: "22.2", patch_level: "2026-06-01", sdk: 35, devices: {nuwa_global: nuwa_eea}}
`

// TestClients: they are read, written, signed with the notes, and come back from there; without them all is as it was.
func TestClients(t *testing.T) {
	r, err := Parse([]byte(clientsSource))
	want := Clients{ROMType: "nightly", Version: "22.2", PatchLevel: "2026-06-01", SDK: 35,
		Devices: map[string]string{"nuwa_global": "nuwa_eea"}}
	if err != nil || !reflect.DeepEqual(r.Clients["nuwa"], want) || want.Device("nuwa", "nuwa_global") != "nuwa_eea" ||
		want.Device("nuwa", "nuwa") != "nuwa" {
		t.Fatalf("%+v, %v", r, err)
	}
	text, err := r.YAML()
	again, err2 := ParsePublished(text)
	if err != nil || err2 != nil || !reflect.DeepEqual(r, again) {
		t.Errorf("written and read again: %v, %v, %+v", err, err2, again)
	}
	notes, err := ParseNotes(r.NotesDocument().Bytes())
	if err != nil || notes.Schema != 2 || !reflect.DeepEqual(notes.Clients, r.Clients) {
		t.Errorf("in the notes: %v, %+v", err, notes)
	}
	back, err := Restore(manifests.Manifest{Schema: 2, Release: r.Name, Counter: 2}, nil, r.NotesDocument().Bytes())
	if err != nil || !reflect.DeepEqual(back.Clients, r.Clients) || back.Schema != 3 {
		t.Errorf("restored: %v, %+v", err, back)
	}
	plain, err := Parse([]byte("schema: 3\nrelease: plain\ncounter: 1\nnotes: {en: x}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := plain.YAML(); !strings.HasPrefix(string(text), "schema: 2\n") || plain.NotesDocument().Schema != 1 ||
		strings.Contains(string(plain.NotesDocument().Bytes()), "clients") {
		t.Errorf("without clients older programs cannot read it: %s", text)
	}
}

// signedFor is what a maker declares for Custota: a csig by the key that everybody has.
func signedFor(t *testing.T, vbmeta string) string {
	t.Helper()
	info := csig.Info{Version: csig.Version, VBMetaDigest: vbmeta}
	for i, name := range []string{csig.MetadataPB, csig.Payload, csig.PayloadMetadata, csig.Properties} {
		info.Files = append(info.Files, csig.File{Name: name, Offset: int64(i) + 1, Size: 1, Digest: strings.Repeat("0a", 32)})
	}
	key := fixtures.TestKey()
	der, err := csig.Sign(info, key.Private, key.Cert)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

// TestCustota: csigs are signed with the notes, and a broken one is refused before that.
func TestCustota(t *testing.T) {
	from := strings.Repeat("b1", 32)
	full, inc := signedFor(t, strings.Repeat("c2", 32)), signedFor(t, "")
	source := "schema: 3\nrelease: june-fix\ncounter: 2\nnotes: {en: fixes}\nclients:\n  nuwa:\n    custota:\n      - csig: " + full +
		"\n      - csig: " + inc + "\n        from: " + from + "\n"
	r, err := Parse([]byte(source))
	if err != nil {
		t.Fatal(err)
	}
	notes, err := ParseNotes(r.NotesDocument().Bytes())
	if err != nil || !reflect.DeepEqual(notes.Clients["nuwa"].Custota, []Csig{{full, ""}, {inc, from}}) {
		t.Errorf("in the notes: %v, %+v", err, notes)
	}
	for change, wants := range map[[2]string]string{
		{full, full[4:]}: "entry 1: csig",
		{full, "x"}:      "wanted base64",
		{inc, ""}:        "entry 2: csig",
		{from, "B1"}:     "wanted a vbmeta digest",
		{inc, full}:      "starts from no build",
		{"csig: " + full, "csig: " + inc + "\n        from: " + from}:                  "stands twice",
		{"    custota:\n", "    custota:\n" + strings.Repeat("      - csig: x\n", 20)}: "at most 16",
		{"from:", "form:"}: "form",
	} {
		_, err := Parse([]byte(strings.Replace(source, change[0], change[1], 1)))
		if err == nil || !strings.Contains(err.Error(), wants) {
			t.Errorf("%.40q: got %v, wanted words about %q", change[1], err, wants)
		}
	}
}

func TestClientsRefused(t *testing.T) {
	for change, wants := range map[[2]string]string{
		{"schema: 3", "schema: 2"}:                     "schema 2 does not know them",
		{"romtype: nightly", "romtype: a/b"}:           "clients.nuwa.romtype",
		{`version: "22.2"`, `version: "../22"`}:        "clients.nuwa.version",
		{`"2026-06-01"`, `"2026-6-1"`}:                 "clients.nuwa.patch_level",
		{`"2026-06-01"`, `"2026-02-31"`}:               "clients.nuwa.patch_level",
		{"sdk: 35", "sdk: -1"}:                         "clients.nuwa.sdk",
		{"nuwa_global: nuwa_eea", "nuwa_global: ../x"}: "clients.nuwa.devices",
		{"  nuwa:", "  7:"}:                            "is not a device name",
		{"sdk: 35", "sdk: 35, changelog: x"}:           "changelog",
	} {
		_, err := Parse([]byte(strings.Replace(clientsSource, change[0], change[1], 1)))
		if err == nil || !strings.Contains(err.Error(), wants) {
			t.Errorf("%q: got %v, wanted words about %q", change[1], err, wants)
		}
	}
	if _, err := ParseNotes([]byte(`{"schema":1,"release":"a","notes":{"en":"x"},"clients":{"nuwa":{}}}`)); err == nil {
		t.Error("notes of schema 1 have clients")
	}
	if _, err := ParseNotes([]byte(`{"schema":3,"release":"a","notes":{"en":"x"}}`)); err == nil {
		t.Error("notes of a later program are read")
	}
}
