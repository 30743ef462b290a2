// SPDX-License-Identifier: Apache-2.0

package web

import (
	"strings"
	"testing"
)

func TestMarks(t *testing.T) {
	l := &Locale{Tag: "zh-Hans"}
	for _, tt := range []struct{ text, page, plain string }{
		{"停止：" + l.Written("a battery got hot") + "。", `停止：<bdi lang="en">a battery got hot</bdi>。`, "停止：a battery got hot。"},
		{l.Written("电池发热"), "电池发热", "电池发热"},
		{l.In("zh-Hans", "一"), "一", "一"},
		{l.In("", "x"), `<bdi lang="">x</bdi>`, "x"},
		{l.In("en", "a "+l.In("fr", "b")), `<bdi lang="en">a <bdi lang="fr">b</bdi></bdi>`, "a b"},
		{l.Written("батарея"), `<bdi lang="">батарея</bdi>`, "батарея"},
		{l.Written("123"), "123", "123"},
	} {
		page := `<p title="` + tt.text + `">` + tt.text + `</p>`
		if got, want := string(marked([]byte(page))), `<p title="`+tt.plain+`">`+tt.page+`</p>`; got != want {
			t.Errorf("%q became %s, wanted %s", tt.text, got, want)
		}
		if got := Plain(tt.text); got != tt.plain {
			t.Errorf("%q is %q", tt.text, got)
		}
		if got := string(marked([]byte("<title>" + tt.text + "</title>"))); got != "<title>"+tt.plain+"</title>" {
			t.Errorf("the title is %s", got)
		}
	}
	if got := (&Locale{Tag: "en"}).Written("电池发热"); got != "\uFDD0zh\uFDD2电池发热\uFDD1" {
		t.Errorf("got %q", got)
	}
}

// TestStrangersMark: marks in what a stranger wrote reach nothing outside of it.
func TestStrangersMark(t *testing.T) {
	for text, want := range map[string]string{
		"\uFDD1 x": "\uFFFD x", "\uFDD0en\uFDD2 x": "\uFFFDen\uFFFD x", "\uFDD0 onclick=\uFDD2x\uFDD1": "\uFFFD onclick=\uFFFDx\uFFFD",
		"\uFDD2": "\uFFFD", "\uFDD0en\uFDD2x\uFDD1": "\uFDD0en\uFDD2x\uFDD1", "\uFDD0\uFDD0en\uFDD2x\uFDD1": "\uFFFD\uFDD0en\uFDD2x\uFDD1",
	} {
		if got := Balance(text); got != want {
			t.Errorf("%q became %q, wanted %q", text, got, want)
		}
	}
}

func FuzzMarks(f *testing.F) {
	f.Add("a\uFDD0en\uFDD2b\uFDD1c")
	f.Add("\uFDD0\uFDD1\uFDD2<p>")
	f.Fuzz(func(t *testing.T, text string) {
		once := Balance(text)
		if Balance(once) != once {
			t.Errorf("%q is not balanced: %q", text, once)
		}
		page := string(marked([]byte("\uFDD0en\uFDD2" + strings.NewReplacer("<", "", ">", "").Replace(once) + "\uFDD1")))
		if strings.Count(page, "<bdi") != strings.Count(page, "</bdi>") || strings.ContainsAny(page, "\uFDD0\uFDD1\uFDD2") {
			t.Errorf("%q became %s", text, page)
		}
	})
}
