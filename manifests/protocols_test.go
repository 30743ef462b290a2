// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestProtocols(t *testing.T) {
	const file = "schema: 2\nmodels: [{device: nuwa, variants: [nuwa], profile: {family: ab}, protocols: [lineageos-v1, grapheneos]}]"
	c, err := ParseCatalogue([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	m, _ := c.Model("nuwa")
	if !m.Speaks(LineageOS1) || !m.Speaks(GrapheneOS) || m.Speaks(Custota) || SchemaOf(m) != 2 {
		t.Errorf("%+v", m)
	}
	text, err := json.Marshal(m)
	var stored Model
	if err != nil || json.Unmarshal(text, &stored) != nil || !reflect.DeepEqual(m, stored) {
		t.Errorf("stored and read again: %v, %+v", err, stored)
	}
	var old Model // as an older program stored it
	if err := json.Unmarshal([]byte(`{"device":"a","variants":["a"],"profile":{"family":"ab","legacy_recovery":false}}`), &old); err != nil ||
		len(old.Protocols) > 0 || SchemaOf(old) != 1 {
		t.Errorf("%v, %+v", err, old)
	}
	if text, _ := json.Marshal(old); strings.Contains(string(text), "protocols") {
		t.Errorf("a model without protocols is written otherwise than before: %s", text)
	}
	for change, wants := range map[[2]string]string{
		{"schema: 2", "schema: 1"}:     "schema 1 does not know",
		{"grapheneos", "omaha"}:        `"omaha" is not known`,
		{"grapheneos", "lineageos-v1"}: "stands twice",
		{"family: ab", "family: file"}: "know A/B packages alone",
	} {
		if _, err := ParseCatalogue([]byte(strings.Replace(file, change[0], change[1], 1))); err == nil || !strings.Contains(err.Error(), wants) {
			t.Errorf("%q: got %v, wanted words about %q", change[1], err, wants)
		}
	}
}
