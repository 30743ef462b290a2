// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	fixtures "landed/firmware-fixtures"
	"landed/manifests/csig"
	"landed/manifests/otapkg"
)

// mkpackage MODEL FILE writes a package of a model, signed by the key that everybody has; mkpackage show FILE.csig prints
// what a csig says.
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
	if args[0] == "check" { // check PACKAGE FILE.csig
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
