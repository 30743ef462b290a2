// SPDX-License-Identifier: Apache-2.0

package fixtures_test

import (
	"bytes"
	"crypto/md5"
	"fmt"
	"slices"
	"testing"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
	"landed/manifests/otapkg"
)

// Inspected as a release of this day would be: after every fixture was built, before the year 2090.
var releaseDay = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// policy pins both certificates of the test key, as a maker does who has phones of both ages.
func policy(model, name string) otapkg.Policy {
	pins, err := otapkg.ParsePins(slices.Concat(fixtures.TestKey().CertPEM(), fixtures.TestKeySHA1().CertPEM()))
	if err != nil {
		panic(err)
	}
	return otapkg.Policy{Catalogue: manifests.DefaultCatalogue(), Model: model, Name: name, Channel: "stable", Now: releaseDay,
		Pins: pins}
}

// TestGoodPackagesInspectClean: no finding at all, and the facts are those of the build.
func TestGoodPackagesInspectClean(t *testing.T) {
	for _, m := range fixtures.Models() {
		for _, k := range fixtures.Kinds() {
			b, _ := fixtures.BuildOf(m, k)
			key := fixtures.TestKey()
			if m == "pisces" {
				key = fixtures.TestKeySHA1() // fine for a recovery of 2014
			}
			data, err := fixtures.Bytes(b, key)
			if err != nil {
				t.Fatal(err)
			}
			name := b.FileName(fmt.Sprintf("%x", md5.Sum(data)))
			facts, findings, err := otapkg.Inspect(bytes.NewReader(data), int64(len(data)), policy(m, name))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range findings {
				t.Errorf("%s %s: %s %s: %s", m, k, f.Level, f.Code, f.Message)
			}
			if !slices.Equal(facts.PostBuild, []string{b.Fingerprint}) || facts.PostTimestamp != b.UTC ||
				!slices.Equal(facts.PreDevices, []string{m}) {
				t.Errorf("%s %s: facts %+v", m, k, facts)
			}
		}
	}
}

// TestHostilePackagesFire: each case is found out by the check that it names.
func TestHostilePackagesFire(t *testing.T) {
	for _, c := range fixtures.Hostile() {
		var buf bytes.Buffer
		if err := c.Write(&buf, fixtures.TestKey()); err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		_, findings, err := otapkg.Inspect(bytes.NewReader(buf.Bytes()), int64(buf.Len()), policy(c.Model, c.File))
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
		var codes []string
		for _, f := range findings {
			codes = append(codes, string(f.Code))
		}
		for _, want := range c.Want {
			if !slices.Contains(codes, want) {
				t.Errorf("%s (%s): %v fired, wanted %s", c.Name, c.Why, codes, want)
			}
		}
	}
}

// TestPackagesOfToolsAreUnderstood: none is refused, and what is said of each is what its row says.
func TestPackagesOfToolsAreUnderstood(t *testing.T) {
	targets := map[string]string{}
	for _, c := range fixtures.ReleaseTools() {
		var buf bytes.Buffer
		if err := c.Write(&buf, fixtures.TestKey()); err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		facts, findings, err := otapkg.Inspect(bytes.NewReader(buf.Bytes()), int64(buf.Len()), policy(c.Model, ""))
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
		var codes []string
		for _, code := range findings.Codes() {
			codes = append(codes, string(code))
		}
		slices.Sort(codes)
		if findings.Refused() || !slices.Equal(codes, c.Want) {
			t.Errorf("%s (%s): %v, wanted %v: %v", c.Name, c.Tool, codes, c.Want, findings)
		}
		if p := facts.Payload; p == nil || p.SignedBy != facts.Signer.KeySHA256 || (c.Name == "secondary") != (len(facts.OtherPayloads) == 1) {
			t.Errorf("%s: payload %+v, others %v", c.Name, p, facts.OtherPayloads)
		}
		targets[c.Name] = facts.Target
	}
	for name, target := range targets {
		if want := targets["full"]; name == "partial" && target != "" || name != "partial" && (target != want || want == "") {
			t.Errorf("%s leads to %q, the full package to %q", name, target, want)
		}
	}
}
