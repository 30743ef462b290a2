// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	fixtures "landed/firmware-fixtures"
	"landed/manifests/csig"
	"landed/manifests/otapkg"
	"landed/manifests/release"
)

// mkpackage MODEL FILE writes a package of a model, signed by the key that everybody has; mkpackage show FILE.csig prints
// what a csig says; mkpackage check PACKAGE FILE.csig holds its places against where the parts lie.
func mkpackage(args []string) error {
	if args[0] == "show" {
		der, err := os.ReadFile(args[1])
		if err != nil {
			return err
		}
		info, cert, err := csig.Open(der)
		if err != nil {
			return err
		}
		text, err := json.MarshalIndent(info, "", " ")
		fmt.Printf("%s\n%s\n", cert.Subject, text)
		return err
	}
	if args[0] == "check" {
		zip, err := os.ReadFile(args[1])
		if err != nil {
			return err
		}
		der, err := os.ReadFile(args[2])
		if err != nil {
			return err
		}
		info, _, err := csig.Open(der)
		if err != nil {
			return err
		}
		facts, _, err := otapkg.Inspect(bytes.NewReader(zip), int64(len(zip)), otapkg.Policy{})
		if err != nil {
			return err
		}
		for i, f := range info.Files {
			if p := facts.Streaming[i]; p.Offset != f.Offset || p.Size != f.Size || p.Name != f.Name {
				return fmt.Errorf("part %d is %+v, and lies at %+v", i, f, p)
			}
		}
		if len(info.Files) != len(facts.Streaming) {
			return fmt.Errorf("%d parts, wanted %d", len(info.Files), len(facts.Streaming))
		}
		return nil
	}
	build, err := fixtures.BuildOf(args[0], fixtures.Patched)
	if err != nil {
		return err
	}
	zip, err := fixtures.Bytes(build, fixtures.TestKey())
	if err != nil {
		return err
	}
	return os.WriteFile(args[1], zip, 0o644)
}

// Signers see whose csig they sign for, and about which payload; one that cannot be read they see as that.
func TestCsigIsShown(t *testing.T) {
	info := csig.Info{Version: csig.Version, VBMetaDigest: strings.Repeat("c2", 32)}
	for i, name := range []string{csig.MetadataPB, csig.PayloadMetadata, csig.Properties, csig.Payload} {
		info.Files = append(info.Files, csig.File{Name: name, Offset: 1, Size: 1, Digest: strings.Repeat(fmt.Sprintf("0%x", i), 32)})
	}
	key := fixtures.TestKey()
	der, err := csig.Sign(info, key.Private, key.Cert)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	page{&terminal{out: &out}}.clients(map[string]release.Clients{"fuxi": {Custota: []release.Csig{
		{Csig: base64.StdEncoding.EncodeToString(der), From: strings.Repeat("b1", 32)}, {Csig: "x"}}}})
	text := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{"fixture OTA key", strings.Repeat("03", 32), strings.Repeat("c2", 32), strings.Repeat("b1", 32),
		"Custota: csig: wanted base64"} {
		if !strings.Contains(text, want) {
			t.Errorf("no word of %s in: %s", want, text)
		}
	}
}
