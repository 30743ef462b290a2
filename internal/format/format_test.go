// SPDX-License-Identifier: Apache-2.0

package format

import "testing"

func TestPercent(t *testing.T) {
	for hundredths, want := range map[int]string{
		0: "0 %", 1: "0.01 %", 150: "1.5 %", 1_250: "12.5 %", 10_000: "100 %", 333_333_300: "3333333 %", -50: "-0.5 %",
	} {
		if got := Percent(hundredths); got != want {
			t.Errorf("%d: got %q, wanted %q", hundredths, got, want)
		}
	}
}

// The second example of FIPS 180-2, appendix B.
func TestSHA256(t *testing.T) {
	const want = "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
	if got := SHA256([]byte("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")); got != want {
		t.Errorf("got %s", got)
	}
}
