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

func TestWantsJSON(t *testing.T) {
	for _, tc := range []struct {
		header string
		want   bool
	}{
		{"", false},
		{"*/*", false},
		{"application/json", true},
		{"application/problem+json, */*;q=0.1", true},
		{"Application/JSON;q=0.5", true},
		{"application/json;q=0", false},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", false},
		{"text/html, application/json", false},
		{"text/html;q=0.3, application/json;q=0.4", true},
		{"application/jsonp", false},
	} {
		if got := WantsJSON([]string{tc.header}); got != tc.want {
			t.Errorf("%q: %t, wanted %t", tc.header, got, tc.want)
		}
	}
}

func FuzzAccept(f *testing.F) {
	for _, s := range []string{"application/json", "text/html;q=0.5, application/json;q=0", ";;q=,"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if WantsJSON([]string{header}) && !strings.Contains(strings.ToLower(header), "json") {
			t.Errorf("%q names no JSON", header)
		}
		if WantsJSON([]string{header, "text/html"}) && !WantsJSON([]string{header}) {
			t.Error("HTML made JSON wanted")
		}
	})
}
