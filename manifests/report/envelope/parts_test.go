// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"testing"
)

// TestSplit: an envelope in its one form comes apart and together again; whatever is not, is not taken apart.
func TestSplit(t *testing.T) {
	for _, v := range versions {
		text := v.seal(t, testKey(1))
		p, ok := Split(text)
		again, whole := p.Envelope()
		if !ok || !whole || !bytes.Equal(again, text) {
			t.Errorf("%s: it is not given back", v.payloadType)
			continue
		}
		want, _, err := Open(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.Report(); err != nil || got.ID != want.ID || got.Release != want.Release || got.Schema != p.Version {
			t.Errorf("%s: read as %+v, %v", v.payloadType, got, err)
		}
		if key, _ := p.Key(); !bytes.Equal(key, public(testKey(1))) {
			t.Errorf("%s: the key is %x", v.payloadType, key)
		}
		for at := range text { // no byte is let go of
			other := bytes.Clone(text)
			other[at] ^= 1
			if p, ok := Split(other); ok {
				if again, _ := p.Envelope(); !bytes.Equal(again, other) {
					t.Errorf("%s: with byte %d changed, another envelope is given back", v.payloadType, at)
				}
			}
		}
	}
	for name, text := range map[string][]byte{
		"nothing": nil, "too long": bytes.Repeat([]byte("x"), MaxBytes+1),
		"no key": pack("application/vnd.landed.report.v3+json", `{"schema":3}`, testKey(1), ""),
	} {
		if _, ok := Split(text); ok {
			t.Errorf("%s is taken apart", name)
		}
	}
}
