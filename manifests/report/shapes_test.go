// SPDX-License-Identifier: Apache-2.0

package report

import (
	"regexp"
	"strings"
	"testing"
)

// shapes are the loops, each beside the expression that says the same.
var shapes = map[string]struct {
	loop func(string) bool
	want *regexp.Regexp
}{
	"word":    {word, regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,60}$`)},
	"channel": {channel, regexp.MustCompile(`^[a-z][a-z0-9-]{0,15}$`)},
	"fingerprint": {fingerprint, regexp.MustCompile(`^[A-Za-z0-9_.-]{1,40}/[A-Za-z0-9_.-]{1,40}/[A-Za-z0-9_-]{1,40}:` +
		`[A-Za-z0-9_.]{1,12}/[A-Za-z0-9_.-]{1,24}/[A-Za-z0-9_.-]{1,40}:[a-z]{1,12}/[a-z,-]{1,40}$`)},
	"many digits": {manyDigits, regexp.MustCompile(`[0-9]{10}`)},
}

func checkShapes(t *testing.T, s string) {
	t.Helper()
	for name, shape := range shapes {
		if got := shape.loop(s); got != shape.want.MatchString(s) {
			t.Errorf("%s of %q: %t", name, s, got)
		}
	}
}

const shapeOfABuild = "Xiaomi/armani/armani:4.3/JLS36C/JHCMIBH46.0:user/release-keys"

// TestShapes changes good strings at each place to each byte, makes each part too long, and leaves each out.
func TestShapes(t *testing.T) {
	for _, s := range []string{"", "a", shapeOfABuild, "armani_global-2", "stable", strings.Repeat("9", 10), "123456789x1234567890",
		strings.Repeat("a", 16), strings.Repeat("a", 17), strings.Repeat("A", 61), strings.Repeat("A", 62)} {
		checkShapes(t, s)
		for i := range len(s) {
			for c := range 256 {
				checkShapes(t, s[:i]+string([]byte{byte(c)})+s[i+1:])
			}
			checkShapes(t, s[:i]+s[i+1:])
			checkShapes(t, s[:i]+"\n"+s[i:])
		}
	}
	for _, part := range strings.FieldsFunc(shapeOfABuild, func(r rune) bool { return r == '/' || r == ':' }) {
		for n := range 43 {
			checkShapes(t, strings.Replace(shapeOfABuild, part, strings.Repeat("a", n), 1))
		}
	}
}

func FuzzShapes(f *testing.F) {
	f.Add(shapeOfABuild)
	f.Add("armani_global")
	f.Fuzz(func(t *testing.T, s string) { checkShapes(t, s) })
}
