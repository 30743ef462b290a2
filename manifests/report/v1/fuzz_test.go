// SPDX-License-Identifier: Apache-2.0

package v1

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func FuzzParse(f *testing.F) {
	f.Add(example().Bytes())
	f.Fuzz(func(t *testing.T, body []byte) {
		b, err := Parse(body)
		if err != nil {
			return
		}
		again, err := Parse(b.Bytes())
		if diff := cmp.Diff(b, again); err != nil || diff != "" {
			t.Fatalf("does not survive marshalling: %v %s", err, diff)
		}
	})
}

// FuzzRead compares read with encoding/json, whose word counts: read takes a body if, and only if, it is what a report
// marshals to, and reads the same report.
func FuzzRead(f *testing.F) {
	for _, b := range forms() {
		f.Add(b.Bytes())
	}
	for _, body := range []string{``, `{}`, `null`, `:{:{:{`, `[{[{},{},{`, `{"schema":01}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, ok := read(body)
		want, err := Parse(body)
		if err == nil && bytes.Equal(body, want.Bytes()) != ok {
			t.Fatalf("ok is %t", ok)
		}
		if !ok {
			return
		}
		var plain Body
		if err := json.Unmarshal(body, &plain); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(plain, got); diff != "" {
			t.Fatal(diff)
		}
	})
}
