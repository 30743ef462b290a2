// SPDX-License-Identifier: Apache-2.0

package ceremony_test

import (
	"fmt"
	"testing/fstest"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/internal/format"
	"landed/manifests"
	"landed/manifests/otapkg"
	"landed/manifests/release"
	"landed/manifests/tufrepo"
	"landed/signer/ceremony"
	"landed/signer/keys"
)

var now = time.Date(2014, 8, 12, 8, 0, 0, 0, time.UTC)

// A reviewer brings what they trust and their own copies of the packages; the request is believed in nothing.
func ExampleReview() {
	trusted := founded()
	request, copies := staged(trusted)
	pins, err := otapkg.ParsePins(fixtures.TestKey().CertPEM())
	if err != nil {
		panic(err)
	}
	review := func() {
		summary, err := ceremony.Review(ceremony.ReviewParams{
			Now: now, Request: request, Packages: copies, Catalogue: manifests.DefaultCatalogue(), Trusted: &trusted,
			OTAKeys: map[string][]otapkg.Pin{"stable": pins},
		})
		if err != nil {
			panic(err)
		}
		fmt.Println(summary.Title, "- refused:", summary.Refused())
		for _, p := range summary.Problems {
			fmt.Println(p.Code)
		}
	}
	review()
	copies["fix.zip"] = &fstest.MapFile{Data: packageOf(fixtures.Bad)} // what the build system made was another one
	review()
	// Output:
	// Ship the fix - refused: false
	// Ship the fix - refused: true
	// PACKAGE-OTHER
}

// founded is the trust after the ceremony of keys, with one model brought in.
func founded() tufrepo.Set {
	online := tufrepo.OnlineKeys{Schema: 1}
	for use, to := range map[string]*tufrepo.Key{
		tufrepo.Snapshot: &online.Snapshot, tufrepo.Timestamp: &online.Timestamp, ceremony.Offers: &online.Offers,
	} {
		*to = ok(keys.New(keys.Ed25519, "server", use)).Key()
	}
	names := []string{"ann", "bo", "cy"}
	bundle, top, err := ceremony.Init(ceremony.InitParams{
		Now: now, Online: online, Names: names, Algorithm: keys.Ed25519, Life: ceremony.DefaultLife(),
		Root: ceremony.Quorum{Threshold: 2, Keys: 3}, Targets: ceremony.Quorum{Threshold: 2, Keys: 3},
	})
	if err != nil {
		panic(err)
	}
	request, builds, err := ceremony.AddModels(ceremony.AddModelsParams{
		Now: now, Trusted: ok(bundle.Set()), Models: []string{"armani"}, Offers: online.Offers, Names: names,
		Quorum: ceremony.Quorum{Threshold: 2, Keys: 3}, Algorithm: keys.Ed25519, Life: ceremony.DefaultLife(),
	})
	if err != nil {
		panic(err)
	}
	var responses []tufrepo.Response
	for _, k := range []*keys.Key{top[3], top[4], builds[0], builds[1]} {
		key := ceremony.SigningKey{Signer: k, Ledger: ceremony.NewLedger()}
		responses = append(responses, ok(ceremony.Sign(request, now, key)))
	}
	bundle, _, err = ceremony.Assemble(request, now, responses...)
	if err != nil {
		panic(err)
	}
	return ok(bundle.Set())
}

// staged is what a server asks people to sign, and the package as the build system gave it to the reviewer.
func staged(trusted tufrepo.Set) (tufrepo.Request, fstest.MapFS) {
	build, zip, fix := ok(fixtures.BuildOf("armani", fixtures.Patched)), packageOf(fixtures.Patched), release.OptIn()
	model, _ := manifests.DefaultCatalogue().Model("armani")
	bound := []release.Bound{{
		Variant: build.Variant, Channel: "stable",
		Build: manifests.Build{Fingerprint: build.Fingerprint, Incremental: build.Incremental, UTC: build.UTC},
		Package: manifests.Package{
			Path: tufrepo.PackagePath("armani", "fix.zip"), Length: int64(len(zip)), SHA256: format.SHA256(zip),
		},
	}}
	signed := ok(fix.Bind(model, bound))
	role := ok(tufrepo.NewRole(2, now.AddDate(0, 3, 0), ok(signed.Targets(bound))))
	return tufrepo.Request{
		Schema: 1, ID: "example", Title: "Ship the fix", Created: now, Trusted: ok(trusted.Bundle()).Files,
		Summary:   tufrepo.Diff(trusted, trusted.With(map[string][]byte{"armani": role})),
		Roles:     []tufrepo.RequestRole{{Role: "armani", Metadata: role}},
		Manifests: signed.Files,
		Models:    []manifests.Model{model},
		Packages: []tufrepo.RequestPackage{{
			Path: bound[0].Package.Path, Name: "fix.zip", SHA256: bound[0].Package.SHA256, Length: bound[0].Package.Length,
			Model: model.Device, Variant: build.Variant, Channel: "stable",
		}},
	}, fstest.MapFS{"fix.zip": {Data: zip}}
}

func packageOf(kind fixtures.Kind) []byte {
	return ok(fixtures.Bytes(ok(fixtures.BuildOf("armani", kind)), fixtures.TestKey()))
}

func ok[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
