// SPDX-License-Identifier: Apache-2.0

package tufrepo

import "testing"

func TestSignedDigest(t *testing.T) {
	const want = "acdd9008c66a059e1154d8db94fce5e0bf09525fc433acb577e52a4da0238ece" // of {"_type":"timestamp","version":7}
	for text, same := range map[string]bool{
		`{"signatures":[],"signed":{"_type":"timestamp","version":7}}`:                   true,
		` { "signed" : {"version":7, "_type":"time\u0073tamp"}, "signatures":[{"a":1}]}`: true,
		`{"signed":{"_type":"timestamp","version":7},"x-mark":"handset 4711"}`:           true,
		`{"signed":{"_type":"timestamp","version":8}}`:                                   false,
		`{"signed":{"_type":"timestamp","version":7,"x":null}}`:                          false,
	} {
		got, err := SignedDigest([]byte(text))
		if err != nil || (got == want) != same {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{``, `[]`, `{}`, `{"signed":{"a":1.5}}`} {
		if got, err := SignedDigest([]byte(text)); err == nil {
			t.Errorf("%s: %s", text, got)
		}
	}
}
