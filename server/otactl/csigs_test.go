// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	fixtures "landed/firmware-fixtures"
	"landed/manifests/csig"
	"landed/manifests/release"
	"landed/server/otactl/client"
)

// TestWithCsigs: a csig goes to each model that has its package, once; what cannot be told apart here is left to the server.
func TestWithCsigs(t *testing.T) {
	digest := strings.Repeat("0a", 32)
	info := csig.Info{Version: csig.Version, VBMetaDigest: strings.Repeat("b1", 32)}
	for i, name := range []string{csig.MetadataPB, csig.Payload, csig.PayloadMetadata, csig.Properties} {
		info.Files = append(info.Files, csig.File{Name: name, Offset: int64(i) + 1, Size: 1, Digest: digest})
	}
	key := fixtures.TestKey()
	file := func(info csig.Info) string {
		t.Helper()
		der, err := csig.Sign(info, key.Private, key.Cert)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(t.TempDir(), "a.csig")
		if err := os.WriteFile(name, der, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	plain := file(info)
	info.VBMetaDigest = ""
	partial := file(info)
	full := func(model string) client.Package {
		return client.Package{Name: "full.zip", Model: model, Payload: digest}
	}
	inc := client.Package{Name: "inc.zip", Model: "nuwa", Payload: digest, PreBuilds: []string{"x"}}
	old := full("nuwa")
	old.Payload = ""
	const source = "schema: 3\nrelease: june\ncounter: 1\nnotes: {en: x}\n"
	for name, tt := range map[string]struct {
		typed  []string
		bound  []client.Package
		models []string
		wants  string // words of the error
	}{
		"nothing":                 {nil, []client.Package{full("nuwa")}, nil, ""},
		"one package, two models": {[]string{plain}, []client.Package{full("nuwa"), full("fuxi")}, []string{"nuwa", "fuxi"}, ""},
		"two images, one payload": {[]string{plain}, []client.Package{full("nuwa"), full("nuwa")}, []string{"nuwa"}, ""},
		"full and incremental":    {[]string{plain, partial + "=" + plain}, []client.Package{full("nuwa"), inc}, []string{"nuwa"}, ""},
		"one from two builds":     {[]string{partial + "=" + plain, partial + "=" + digest}, []client.Package{inc}, nil, "stands there already"},
		"an incremental alone":    {[]string{plain}, []client.Package{inc}, nil, "say from which build: --csig " + plain + "=SOURCE"},
		"a full one from":         {[]string{plain + "=" + plain}, []client.Package{full("nuwa")}, nil, "starts from no build"},
		"an older server":         {[]string{plain}, []client.Package{old}, nil, "does not say which payload.bin"},
		"another package":         {[]string{plain}, []client.Package{{Name: "x", Payload: strings.Repeat("1", 64)}}, nil, "none of the 1 package"},
	} {
		text, err := withCsigs([]byte(source), tt.typed, tt.bound)
		if (err == nil) != (tt.wants == "") || err != nil && !strings.Contains(err.Error(), tt.wants) {
			t.Errorf("%s: %v, wanted words about %q", name, err, tt.wants)
			continue
		}
		if err != nil {
			continue
		}
		r, err := release.Parse(text)
		if err != nil || len(r.Clients) != len(tt.models) {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
		for _, model := range tt.models {
			if want := len(tt.typed); len(r.Clients[model].Custota) != want {
				t.Errorf("%s: %d csigs for %s, wanted %d", name, len(r.Clients[model].Custota), model, want)
			}
		}
	}
}
