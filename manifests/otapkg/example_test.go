// SPDX-License-Identifier: Apache-2.0

package otapkg_test

import (
	"bytes"
	"fmt"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
	"landed/manifests/otapkg"
)

// A package is inspected against what the caller knows. Whatever is wrong with it is a finding, and all
// findings come at once; the error is only ever one of the reader.
func ExampleInspect() {
	build, err := fixtures.BuildOf("armani", fixtures.Patched)
	if err != nil {
		panic(err)
	}
	zip, err := fixtures.Bytes(build, fixtures.TestKey())
	if err != nil {
		panic(err)
	}
	pins, err := otapkg.ParsePins(fixtures.TestKey().CertPEM())
	if err != nil {
		panic(err)
	}
	policy := otapkg.Policy{
		Catalogue: manifests.DefaultCatalogue(), Model: "cancro", Channel: "stable",
		Pins: pins,
		Now:  time.Date(2014, 8, 20, 0, 0, 0, 0, time.UTC),
	}
	facts, findings, err := otapkg.Inspect(bytes.NewReader(zip), int64(len(zip)), policy)
	if err != nil {
		panic(err)
	}
	fmt.Println(facts.PostBuild[0])
	for _, f := range findings {
		fmt.Println(f.Level, f.Code, f.Message)
	}
	fmt.Println("refused:", findings.Refused())
	// Output:
	// Xiaomi/armani/armani:4.3/JLS36C/JHCMIBH46.0:user/release-keys
	// refuse DEV-MODEL The package is for `armani`, expected is one for `cancro`.
	// refused: true
}
