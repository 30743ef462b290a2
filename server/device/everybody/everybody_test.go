// SPDX-License-Identifier: Apache-2.0

package everybody

import (
	"strings"
	"testing"
)

func TestSource(t *testing.T) {
	for _, tt := range []struct {
		from []string
		want string
	}{
		{[]string{"Xiaomi/fuxi/fuxi:13/TKQ1.221114.001/V14.0.18.0.TMCCNXM:user/release-keys"}, "V14.0.18.0.TMCCNXM"},
		{nil, ""}, {[]string{"a/b/c:13/X/1:user/k", "a/b/c:13/X/2:user/k"}, ""}, {[]string{"no fingerprint"}, ""},
		{[]string{"a/b/c:13/1:user/k"}, ""}, {[]string{"a/b/c:13/X/.hidden:user/k"}, ""}, {[]string{"a/b/c:13/X/a b:user/k"}, ""},
		{[]string{"a/b/c:13/X/:user/k"}, ""}, {[]string{"a/b/c:13/X/..:user/k"}, ""}, {[]string{"a:b:c:d"}, ""},
	} {
		if got, ok := (Build{From: tt.from}).Source(); ok != (tt.want != "") || ok && got != tt.want {
			t.Errorf("%q: %q, %v", tt.from, got, ok)
		}
	}
}

func FuzzSource(f *testing.F) {
	f.Add("Xiaomi/fuxi/fuxi:13/TKQ1.221114.001/V14.0.18.0.TMCCNXM:user/release-keys")
	f.Fuzz(func(t *testing.T, fingerprint string) {
		label, ok := Build{From: []string{fingerprint}}.Source()
		if ok && (!InName(label) || strings.ContainsAny(label, "/\\ \n\x00") || label == "." || label == "..") {
			t.Fatalf("%q gives %q", fingerprint, label)
		}
	})
}
