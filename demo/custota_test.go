// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/rand"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
)

// TestCustotaBelievesTheMakerAlone: from a plain file server a phone installs what the maker signed, part by part, and then
// sees no update; a csig of somebody else is nothing to it, and neither is a package that was changed since.
func TestCustotaBelievesTheMakerAlone(t *testing.T) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	sold, err := fixtures.BuildOf(polledBy, fixtures.Unpatched)
	must(err)
	b, err := fixtures.BuildOf(polledBy, fixtures.Patched)
	must(err)
	thief, err := fixtures.NewKey(rand.Reader)
	must(err)
	maker := fixtures.TestKey()
	served, err := serveFiles()
	must(err)
	defer served.http.Close()
	for name, tt := range map[string]struct {
		signs   fixtures.Key
		changed bool
		wants   string // "" if it installs
	}{
		"the maker":   {maker, false, ""},
		"a thief":     {thief, false, "not signed by a key that phones trust"},
		"was changed": {maker, true, "the package was changed"},
	} {
		zip, err := fixtures.Bytes(b, maker)
		must(err)
		signed, err := (&site{otaKey: tt.signs}).csigOf(b)
		must(err)
		der, err := base64.StdEncoding.DecodeString(signed.Csig)
		must(err)
		if tt.changed {
			zip[len(zip)/2] ^= 1
		}
		dir := t.TempDir()
		for file, text := range map[string]string{
			"legacy/custota/stable/" + polledBy + ".json": `{"version":2,"full":{"location_ota":"/tuf/a.zip","location_csig":"a.csig"}}`,
			"legacy/custota/stable/a.csig":                string(der), "a.zip": string(zip),
		} {
			at := filepath.Join(dir, "feed", file)
			must(os.MkdirAll(filepath.Dir(at), 0o755))
			must(os.WriteFile(at, []byte(text), 0o644))
		}
		served.of(dir)
		now := time.Unix(b.UTC, 0)
		p, err := newPoller(manifests.Custota, served, maker.Cert, sold, now)
		must(err)
		offers, err := p.offered(t.Context())
		how := ""
		if err == nil {
			how, err = p.update(t.Context(), offers, now)
		}
		if (err == nil) != (tt.wants == "") || err != nil && !strings.Contains(err.Error(), tt.wants) {
			t.Errorf("%s: %v, wanted words about %q", name, err, tt.wants)
		}
		if runs := p.phone.Image().Fingerprint; (runs == b.Fingerprint) != (err == nil) {
			t.Errorf("%s: it runs %s, %s", name, runs, how)
		}
		if err == nil {
			if again, err := p.offered(t.Context()); len(again) > 0 || err != nil {
				t.Errorf("%s: it runs the build, and is offered %+v, %v", name, again, err)
			}
		}
	}
}
