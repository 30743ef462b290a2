// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"crypto/ed25519"
	"strings"
	"testing"
)

func TestReference(t *testing.T) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	ref := ReferenceOf(key.Public().(ed25519.PublicKey))
	if len(ref) != 24 || len(ref.String()) != 29 || strings.ReplaceAll(ref.String(), "-", "") != string(ref) {
		t.Errorf("reference %q is shown as %q", string(ref), ref)
	}
	for _, written := range []string{
		ref.String(), string(ref), strings.ToLower(ref.String()), " " + ref.String() + " ",
		strings.ReplaceAll(ref.String(), "0", "O"), strings.ReplaceAll(ref.String(), "1", "l"), strings.ReplaceAll(ref.String(), "1", "i"),
		strings.ReplaceAll(ref.String(), "-", " "),
	} {
		if got, err := ParseReference(written); err != nil || got != ref {
			t.Errorf("%q reads as %q, %v; wanted %q", written, got, err, ref)
		}
	}
	for _, bad := range []string{"", "ABCD", ref.String() + "0", "U" + string(ref)[1:], "<script>", string(ref)[:23] + "é",
		string(ref)[:23] + "\n"} {
		if got, err := ParseReference(bad); err == nil {
			t.Errorf("%q reads as %q", bad, got)
		} else if bad != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("the refusal repeats %q", bad)
		}
	}
}

// FuzzParseReference: what reads is shown as what reads as the same.
func FuzzParseReference(f *testing.F) {
	f.Add("0123-4567-89AB-CDEF-GHJK-MNPQ")
	f.Add("oil ") // letters that stand for digits
	f.Fuzz(func(t *testing.T, s string) {
		ref, err := ParseReference(s)
		if err != nil {
			return
		}
		if again, err := ParseReference(ref.String()); err != nil || again != ref {
			t.Fatalf("%q reads as %q, which reads as %q, %v", s, ref, again, err)
		}
	})
}
