// SPDX-License-Identifier: Apache-2.0

package everybody

import (
	"encoding/base64"
	"strings"
	"testing"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
	"landed/manifests/csig"
	"landed/manifests/otapkg"
	"landed/manifests/release"
)

func TestSource(t *testing.T) {
	for _, tt := range []struct {
		from []string
		want string
	}{
		{[]string{"Xiaomi/fuxi/fuxi:13/TKQ1.221114.001/V14.0.18.0.TMCCNXM:user/release-keys"}, "V14.0.18.0.TMCCNXM"},
		{nil, ""}, {[]string{"a/b/c:13/X/1:user/k", "a/b/c:13/X/2:user/k"}, ""}, {[]string{"no fingerprint"}, ""},
		{[]string{"a/b/c:13/1:user/k"}, ""}, {[]string{"a/b/c:13/X/.hidden:user/k"}, ""}, {[]string{"a/b/c:13/X/a b:user/k"}, ""},
		{[]string{"a/b/c:13/X/:user/k"}, ""}, {[]string{"a/b/c:13/X/..:user/k"}, ""}, {[]string{"a:b:c:d"}, ""},
	} {
		if got, ok := (Build{From: tt.from}).Source(); ok != (tt.want != "") || ok && got != tt.want {
			t.Errorf("%q: %q, %v", tt.from, got, ok)
		}
	}
}

func FuzzSource(f *testing.F) {
	f.Add("Xiaomi/fuxi/fuxi:13/TKQ1.221114.001/V14.0.18.0.TMCCNXM:user/release-keys")
	f.Fuzz(func(t *testing.T, fingerprint string) {
		label, ok := Build{From: []string{fingerprint}}.Source()
		if ok && (!InName(label) || strings.ContainsAny(label, "/\\ \n\x00") || label == "." || label == "..") {
			t.Fatalf("%q gives %q", fingerprint, label)
		}
	})
}

// TestOnePerDevice: whatever an older release let happen, phones that ask for one name are told of one build, the newest.
func TestOnePerDevice(t *testing.T) {
	of := func(device, variant string, utc int64, from ...string) Build {
		return Build{Device: device, Variant: variant, From: from, Build: manifests.Build{UTC: utc}}
	}
	got := Fulls([]Build{of("b", "x", 1), of("a", "y", 1), of("a", "x", 1), of("a", "z", 0), of("a", "x", 9, "old"), of("b", "y", 2)})
	if len(got) != 2 || got[0].Device != "a" || got[0].Variant != "x" || got[1].Variant != "y" {
		t.Errorf("%+v", got)
	}
}

// TestCsigOfSeveral: an incremental that writes everything has the payload of the full package; each gets the csig that has
// its parts where it has them. One that fits nowhere is kept, so that what is wrong with it can be told.
func TestCsigOfSeveral(t *testing.T) {
	digest := strings.Repeat("0a", 32)
	signed := func(at int64) release.Csig {
		info := csig.Info{Version: csig.Version}
		for i, name := range []string{csig.MetadataPB, csig.PayloadMetadata, csig.Payload, csig.Properties} {
			info.Files = append(info.Files, csig.File{Name: name, Offset: at + int64(i), Size: 1, Digest: digest})
		}
		key := fixtures.TestKey()
		der, err := csig.Sign(info, key.Private, key.Cert)
		if err != nil {
			t.Fatal(err)
		}
		return release.Csig{Csig: base64.StdEncoding.EncodeToString(der)}
	}
	c := release.Clients{Custota: []release.Csig{signed(10), signed(20)}}
	for at, want := range map[int64]int64{10: 10, 20: 20, 30: 10} {
		got := csigOf(digest, []otapkg.PropertyFile{{Name: csig.Payload, Offset: at + 2, Size: 1}}, c)
		if f, _ := got.Info.File(csig.MetadataPB); f.Offset != want {
			t.Errorf("the package with its payload at %d gets the csig with metadata.pb at %d", at+2, f.Offset)
		}
	}
	if got := csigOf(strings.Repeat("0b", 32), nil, c); got != nil {
		t.Errorf("another payload gets %+v", got)
	}
}
