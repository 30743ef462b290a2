// SPDX-License-Identifier: Apache-2.0

package verdict

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"landed/manifests"
	"landed/server/fleet"
)

func TestRuleOf(t *testing.T) {
	release := func(name string, counter int64, feature int, builds ...string) Published {
		p := Published{Release: manifests.Release{Name: name, Counter: counter, Effect: manifests.Effect{Name: "e", Feature: feature}}}
		for _, b := range builds {
			p.Packages = append(p.Packages, fleet.Package{Model: b[:1], Variant: b[:1], Build: manifests.Build{Fingerprint: b}})
		}
		return p
	}
	published := []Published{
		release("first", 1, 1, "a1", "b1"), release("second", 2, 1, "a2"), release("without", 3, 0, "a3"), release("third", 4, 2, "a4", "c4"),
	}
	tests := []struct {
		release, model string
		want           []string
		ok             bool
	}{
		{"first", "a", []string{"a1", "a2", "a4"}, true},
		{"first", "b", []string{"b1"}, true},
		{"second", "a", []string{"a2", "a4"}, true},
		{"second", "b", nil, false},
		{"first", "c", []string{"c4"}, false},
		{"third", "c", []string{"c4"}, true},
		{"never", "a", nil, false},
	}
	for _, tt := range tests {
		rule, ok := RuleOf(tt.release, tt.model, published)
		var got []string
		for _, b := range rule.Builds {
			got = append(got, b.Fingerprint)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" || ok != tt.ok {
			t.Errorf("%s on %s: ok %v, %s", tt.release, tt.model, ok, diff)
		}
	}
}
