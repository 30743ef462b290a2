// SPDX-License-Identifier: Apache-2.0

package offers

import (
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"testing"
)

// TestDrawVectors pins the draw: other implementations must agree.
func TestDrawVectors(t *testing.T) {
	tests := []struct {
		s, salt string
		want    int
	}{
		{"0123456789abcdef", "00000000000000000000000000000000", 4872},
		{"0123456789abcdef", "000102030405060708090a0b0c0d0e0f", 5696},
		{"", "ffffffffffffffffffffffffffffffff", 4777},
	}
	for _, tt := range tests {
		if got := Draw([]byte(tt.s), tt.salt); got != tt.want {
			t.Errorf("Draw(%q, %s) = %d, wanted %d", tt.s, tt.salt, got, tt.want)
		}
	}
}

// TestDrawSecretVectors pins s and its commitment. They were computed with OpenSSL: printf %s RELEASE | openssl dgst
// -sha256 -hmac 0123456789abcdef, the first 32 digits; and xxd -r -p | openssl dgst -sha256 of those.
func TestDrawSecretVectors(t *testing.T) {
	for _, tt := range []struct{ release, s, commit string }{
		{"miui-cloud-messaging-opt-in", "f994f0bab5facdab700c62756a446a34", "abde6c3a54dd1d08e8e497652e4657aa7c5521947a65007c13b622d941f91972"},
		{"", "496dc93fa2d26eae500ec0bc37a12270", "60742a0d97e787c562a734a1f84ed63e1b9cfec558468abc7973c063c67cb7d9"},
	} {
		s := DrawSecret([]byte("0123456789abcdef"), tt.release)
		if got := hex.EncodeToString(s); got != tt.s || Commitment(s) != tt.commit {
			t.Errorf("%q: s is %s, committed to by %s; wanted %s, %s", tt.release, got, Commitment(s), tt.s, tt.commit)
		}
		if !Opens(tt.commit, tt.s) {
			t.Errorf("%q: s does not open its commitment", tt.release)
		}
	}
}

func TestOpens(t *testing.T) {
	s := DrawSecret([]byte("a handset"), "one")
	commit, draw := Commitment(s), hex.EncodeToString(s)
	other := hex.EncodeToString(DrawSecret([]byte("a handset"), "two"))
	for name, tt := range map[string]struct {
		commit, draw string
		want         bool
	}{
		"itself":            {commit, draw, true},
		"another release":   {commit, other, false},
		"nothing":           {commit, "", false},
		"no commitment":     {"", draw, false},
		"neither":           {"", "", false},
		"cut":               {commit, draw[:30], false},
		"longer":            {commit, draw + "00", false},
		"no digits":         {commit, strings.Repeat("x", 32), false},
		"commitment itself": {commit, commit, false},
	} {
		if got := Opens(tt.commit, tt.draw); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
	// SHA-256 of other lengths is no commitment, though it is one of its bytes.
	if short := Commitment([]byte("short")); Opens(short, hex.EncodeToString([]byte("short"))) {
		t.Error("five bytes open a commitment")
	}
}

func TestDrawIsEven(t *testing.T) {
	const n = 20_000
	var tenths [10]int
	for i := range n {
		tenths[Draw(DrawSecret(fmt.Appendf(nil, "%d", i), "opt-in"), example().Offers[0].Salt)/1000]++
	}
	for i, got := range tenths {
		if got < n/10*9/10 || got > n/10*11/10 {
			t.Errorf("tenth %d holds %d of %d", i, got, n)
		}
	}
}

// TestDrawsOfOneHandsetAreUnlinked: under one salt, the draws of one handset for one release say nothing of those for
// the next, and are even over releases. Were they the same, or did they move together, a handset that is first once
// would always be, and whoever has seen one would know the other.
func TestDrawsOfOneHandsetAreUnlinked(t *testing.T) {
	const n = 20_000
	salt := example().Offers[0].Salt
	draw := func(secret []byte, release string) float64 { return float64(Draw(DrawSecret(secret, release), salt)) }
	var x, y, xx, yy, xy float64
	for i := range n {
		secret := fmt.Appendf(nil, "handset %d", i)
		a, b := draw(secret, "one"), draw(secret, "two")
		x, y, xx, yy, xy = x+a, y+b, xx+a*a, yy+b*b, xy+a*b
	}
	r := (n*xy - x*y) / math.Sqrt((n*xx-x*x)*(n*yy-y*y))
	if limit := 4 / math.Sqrt(n); math.Abs(r) > limit { // four standard deviations of none
		t.Errorf("the draws for two releases correlate by %.4f, at most %.4f was wanted", r, limit)
	}
	var tenths [10]int
	for i := range n {
		tenths[int(draw([]byte("one handset"), fmt.Sprint("release-", i)))/1000]++
	}
	for i, got := range tenths {
		if got < n/10*9/10 || got > n/10*11/10 {
			t.Errorf("of one handset, tenth %d holds %d of %d", i, got, n)
		}
	}
}

// TestDecideDrawsForTheRelease: of two releases under one salt, each with its own s.
func TestDecideDrawsForTheRelease(t *testing.T) {
	d, h := example(), handset()
	one := Decide(d, h).Draw
	d.Offers[0].Custom.Release = "next"
	next := Decide(d, h).Draw
	if want := Draw(DrawSecret(h.Secret, "next"), d.Offers[0].Salt); next != want || next == one {
		t.Errorf("drew %d for one release and %d for the next, wanted %d", one, next, want)
	}
}
