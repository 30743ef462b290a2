// SPDX-License-Identifier: Apache-2.0

package ceremony

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	fixtures "landed/firmware-fixtures"
	"landed/manifests/tufrepo"
)

// TestReviewOfAnIncremental: an incremental stands under the manifest of its full package, and has to lead to its build.
func TestReviewOfAnIncremental(t *testing.T) {
	const source = "Xiaomi/armani/armani:4.3/JLS36C/JHCMIBF38.0:user/release-keys"
	for _, c := range []struct {
		name   string
		change func(*fixtures.Build)
		want   Code // "" for a request that may be signed
		words  string
	}{
		{"of the same build", func(b *fixtures.Build) { b.From = []string{source} }, "", ""},
		{"a second full package", func(b *fixtures.Build) { b.Config.Migration = "ask" }, FactsDiffer, "is a full package"},
		{"of another build", func(b *fixtures.Build) {
			b.From = []string{source}
			b.Fingerprint, b.Incremental = strings.Replace(b.Fingerprint, "H46", "H47", 1), "JHCMIBH47.0"
		}, FactsDiffer, "build afterwards"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newOrg(t, "armani")
			r := newRelease(t, h, fixtures.Patched)
			b := must(fixtures.BuildOf("armani", fixtures.Patched))
			c.change(&b)
			content := must(fixtures.Bytes(b, fixtures.TestKey()))
			r.write(t, "small.zip", content)
			path := tufrepo.PackagePath("armani", "small")
			custom := must(json.Marshal(r.manifest.Custom(hash(r.manifest.Bytes()))))
			r.stage(append(r.targets(), tufrepo.Target{Path: path, Length: int64(len(content)), SHA256: hash(content), Custom: custom}))
			r.request.Packages = append(r.request.Packages, tufrepo.RequestPackage{Path: path, Name: "small.zip", SHA256: hash(content),
				Length: int64(len(content)), Model: "armani", Variant: r.manifest.Variant, Channel: "stable"})
			s := r.review(t)
			if c.want == "" {
				if s.Refused() || len(s.Problems) != 1 || s.Problems[0].Code != TargetsUnknown {
					t.Errorf("problems: %+v", s.Problems)
				}
				return
			}
			if !slices.ContainsFunc(s.Problems, func(p Problem) bool { return p.Refuse && p.Code == c.want && strings.Contains(p.Words, c.words) }) {
				t.Errorf("problems: %+v", s.Problems)
			}
		})
	}
}
