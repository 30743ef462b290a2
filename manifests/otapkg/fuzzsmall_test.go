// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"crypto"
	"slices"
	"strings"
	"testing"

	fixtures "landed/firmware-fixtures"
)

// FuzzParsePins: what is accepted can be held against a signature.
func FuzzParsePins(f *testing.F) {
	f.Add(fixtures.TestKey().CertPEM())
	f.Add([]byte("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		pins, err := ParsePins(text)
		if err == nil && len(pins) == 0 {
			t.Fatal("accepted, and pins nothing")
		}
		for _, p := range pins {
			if p.Key == nil || p.Hash != crypto.SHA1 && p.Hash != crypto.SHA256 {
				t.Fatalf("accepted %+v", p)
			}
			if byKey, counts := p.sees(p.Hash, make([]byte, p.Hash.Size()), []byte("no signature")); byKey || counts {
				t.Fatal("nonsense counts as a signature")
			}
		}
	})
}

// FuzzBuildProp: only known properties are read, and what they say is told in text fit for people.
func FuzzBuildProp(f *testing.F) {
	f.Add("ro.build.date.utc=1407628800\nro.product.mod_device=armani_global\n", "miui_HM1SWC_JHCMIBH45.0_0123456789_4.3.zip")
	f.Add("ro.build.fingerprint=a\r\nro.build.fingerprint = b\x00", "../miui-ota-armani-1-2-0123456789-4.3.zip")
	f.Add("=\n==\n", "miui-blockota-a-b-c-0123456789-e")
	f.Fuzz(func(t *testing.T, text, name string) {
		p := parseBuildProp([]byte(text))
		for key := range p {
			if !slices.Contains([]string{systemVariant, systemFingerprint, systemTime}, key) {
				t.Fatalf("%q is read", key)
			}
		}
		if v := p.variant(); v != "" && !variantName.MatchString(v) {
			t.Fatalf("variant %q", v)
		}
		n := parseFileName(name)
		if n.md5 != "" && (!isMD5Part(n.md5) || !strings.Contains(name, n.md5)) {
			t.Fatalf("%q promises %q", name, n.md5)
		}
		var found Findings
		facts := &Facts{PostBuild: []string{"a/b/c:4.3/d/e:user/release-keys"}, PostTimestamp: 1, PreDevices: []string{"armani"}}
		judgeBuildProp(p, facts, &found)
		judgeName(n, facts, Policy{}, &found)
		for _, x := range found {
			if x.Found != strings.ToValidUTF8(x.Found, "") || strings.ContainsAny(x.Message+x.Found+x.Wanted, "\x00\x1b\n\u202e") {
				t.Fatalf("finding is not fit for people: %+v", x)
			}
		}
	})
}
