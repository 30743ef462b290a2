// SPDX-License-Identifier: Apache-2.0

package render

import (
	"strings"
	"testing"
)

func TestWantsGzip(t *testing.T) {
	for _, tc := range []struct {
		headers []string
		want    bool
	}{
		{nil, false},
		{[]string{""}, false},
		{[]string{"gzip"}, true},
		{[]string{"GZip"}, true},
		{[]string{"x-gzip"}, true},
		{[]string{"gzip, deflate, br, zstd"}, true},
		{[]string{"br , gzip ; q=0.2"}, true},
		{[]string{"br", "gzip"}, true},
		{[]string{"*"}, true},
		{[]string{"identity;q=0.5, *;q=0.5"}, true},
		{[]string{"gzip;q=1.000"}, true},
		{[]string{"deflate, br"}, false},
		{[]string{"identity"}, false},
		{[]string{"gzip;q=0"}, false},
		{[]string{"gzip; Q=0.000"}, false},
		{[]string{"gzip;q=0, *"}, false},
		{[]string{"*;q=0"}, false},
		{[]string{"identity, gzip;q=0.5"}, false},
		{[]string{"gzip;q=0.5, identity;q=0.6"}, false},
		{[]string{"gzip;q=much"}, false},
		{[]string{"gzip;q=NaN"}, false},
		{[]string{"gzip;q=-1"}, false},
		{[]string{"gzip;level=9"}, false},
		{[]string{"gzipped"}, false},
		{[]string{"no gzip"}, false},
	} {
		if got := WantsGzip(tc.headers); got != tc.want {
			t.Errorf("%q: %t, wanted %t", tc.headers, got, tc.want)
		}
	}
}

func FuzzAcceptEncoding(f *testing.F) {
	for _, s := range []string{"gzip", "identity;q=0.5, *;q=0", ";;q=,", "x-gzip;q=1e0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if WantsGzip([]string{header}) && !strings.Contains(strings.ToLower(header), "gzip") && !strings.Contains(header, "*") {
			t.Errorf("%q names no gzip", header)
		}
		if WantsGzip([]string{header, "gzip;q=0.001, identity"}) && WantsGzip([]string{"identity"}) {
			t.Error("identity alone was taken for gzip")
		}
	})
}
