// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// TestCompact: what is left out is found again, also where it was not left out.
func TestCompact(t *testing.T) {
	whole := []Probe{{Name: "a", Kind: KindBool}, {Name: "b", Kind: KindInt, Max: 3}, {Name: "c", Kind: KindInt, Buckets: []int64{0, 1}},
		{Name: "d", Kind: KindEnum, Values: []string{"x", "y"}}}
	text, err := json.Marshal(Compact(whole))
	if err != nil || strings.Contains(string(text), "kind") {
		t.Errorf("%s, %v", text, err)
	}
	var read []Probe
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	if got := Expand(read); !reflect.DeepEqual(got, whole) {
		t.Errorf("got %+v", got)
	}
	if got := Expand(whole); !reflect.DeepEqual(got, whole) || whole[0].Kind != KindBool {
		t.Errorf("got %+v", got)
	}
	odd := []Probe{{Name: "later", Kind: "set", Max: 3}}
	if got := Expand(Compact(odd)); !reflect.DeepEqual(got, odd) {
		t.Errorf("a kind of its own became %+v", got)
	}
}
