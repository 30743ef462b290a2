// SPDX-License-Identifier: Apache-2.0

package web

import (
	"slices"
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	n := NewNegotiator("en", "zh-Hans", "zh-Hant")
	for _, tt := range []struct {
		headers []string
		want    string
	}{
		{nil, "en"}, {[]string{""}, "en"}, {[]string{"*"}, "en"}, {[]string{"fr-FR, de"}, "en"},
		{[]string{"zh-CN"}, "zh-Hans"}, {[]string{"zh-SG"}, "zh-Hans"}, {[]string{"zh"}, "zh-Hans"}, {[]string{"ZH-hans-cn"}, "zh-Hans"},
		{[]string{"zh-TW"}, "zh-Hant"}, {[]string{"zh-HK"}, "zh-Hant"}, {[]string{"zh-MO"}, "zh-Hant"}, {[]string{"zh-Hant"}, "zh-Hant"},
		{[]string{"en-GB,en;q=0.9,zh-TW;q=0.8"}, "en"}, {[]string{"en;q=0.2,zh-TW;q=0.8"}, "zh-Hant"},
		{[]string{"en;q=0.2", "zh-TW;q=0.8"}, "zh-Hant"}, {[]string{"zh-CN;q=0, en;q=0.3"}, "en"}, {[]string{"zh-CN;q=0"}, "en"},
		{[]string{"fr, , ;;, zh-TW;q=0.1"}, "zh-Hant"}, {[]string{"zh-TW;q=much, zh-CN;q=0.1"}, "zh-Hans"},
		{[]string{strings.Repeat("fr,", 400) + "zh-TW"}, "en"}, // more than anybody asks for
	} {
		if got := n.Choose(tt.headers); got != tt.want {
			t.Errorf("%.60q: %s, wanted %s", tt.headers, got, tt.want)
		}
	}
	if got := NewNegotiator("zh-Hant", "en").Choose([]string{"fr"}); got != "zh-Hant" {
		t.Errorf("who asks for none of them gets %s", got)
	}
}

func FuzzChoose(f *testing.F) {
	f.Add("zh-TW,zh;q=0.9,en;q=0.8", "zh-CN")
	f.Add("*;q=0", ";;q=,")
	n := NewNegotiator("en", "zh-Hans", "zh-Hant")
	f.Fuzz(func(t *testing.T, one, two string) {
		if got := n.Choose([]string{one, two}); !slices.Contains(n.tags, got) {
			t.Errorf("got %q", got)
		}
	})
}

func TestLinks(t *testing.T) {
	for _, tt := range []struct {
		links       Links
		path, whole string
	}{
		{Links{}, "/", "/"}, {Links{}, "/models/x", "/models/x"},
		{Links{Base: "/landed"}, "/", "/landed/"}, {Links{"/landed", "zh-Hans"}, "/?a=b#c", "/landed/zh-Hans/?a=b#c"},
		{Links{Language: "zh-Hans"}, "/releases", "/zh-Hans/releases"},
	} {
		if got := tt.links.To(tt.path); got != tt.whole {
			t.Errorf("%v: %s became %s", tt.links, tt.path, got)
		}
		if got := tt.links.Local(tt.whole); got != tt.path {
			t.Errorf("%v: %s was %s", tt.links, tt.whole, got)
		}
	}
	for from, to := range map[string]string{"/landedx/y": "/landedx/y", "/landed": "/", "/models/landed": "/models/landed"} {
		if got := (Links{Base: "/landed"}).Local(from); got != to {
			t.Errorf("%s became %s", from, got)
		}
	}
	if got := (Links{Language: "en"}).link("/releases", "a b/c", 7); got != "/en/releases/a%20b%2Fc/7" {
		t.Errorf("got %s", got)
	}
}
