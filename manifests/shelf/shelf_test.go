// SPDX-License-Identifier: Apache-2.0

package shelf

import (
	"strings"
	"testing"

	"landed/manifests"
)

func good() Document {
	return New("nuwa", "stable", []File{
		{Path: "lineageos/stable/api/v1/nuwa/nightly.json", Type: JSON, Text: "{}\n"},
		{Path: "grapheneos/nuwa-ota_update-1.zip", Type: Package,
			Target: &manifests.Package{Path: "builds/nuwa/a.zip", Length: 5, SHA256: strings.Repeat("ab", 32)}},
	})
}

func TestDocument(t *testing.T) {
	d, err := Parse(good().Bytes())
	if err != nil || len(d.Files) != 2 || d.Files[0].Target == nil || string(d.Bytes()) != string(good().Bytes()) {
		t.Fatalf("%+v, %v", d, err)
	}
	for name, tt := range map[string]struct {
		change func(*Document)
		wants  string
	}{
		"later":              {func(d *Document) { d.Schema = 2 }, "schema is 2"},
		"no model":           {func(d *Document) { d.Model = "../x" }, "no device name"},
		"no channel":         {func(d *Document) { d.Channel = "a.b" }, "channel"},
		"climbs":             {func(d *Document) { d.Files[0].Path = "grapheneos/../../x" }, "path"},
		"absolute":           {func(d *Document) { d.Files[0].Path = "/etc/x" }, "path"},
		"one segment":        {func(d *Document) { d.Files[0].Path = "x" }, "path"},
		"hidden":             {func(d *Document) { d.Files[0].Path = "a/.x" }, "path"},
		"long":               {func(d *Document) { d.Files[0].Path = "a/" + strings.Repeat("x", 400) }, "path"},
		"twice":              {func(d *Document) { d.Files[1].Path = d.Files[0].Path }, "each path once"},
		"out of order":       {func(d *Document) { d.Files[0], d.Files[1] = d.Files[1], d.Files[0] }, "in order"},
		"a page":             {func(d *Document) { d.Files[0].Type = "text/html" }, "content type"},
		"neither":            {func(d *Document) { d.Files[0].Target = nil }, "a text of up to"},
		"both":               {func(d *Document) { d.Files[0].Text = "x" }, "a text of up to"},
		"too long":           {func(d *Document) { d.Files[1].Text = strings.Repeat("x", maxText+1) }, "a text of up to"},
		"of another model":   {func(d *Document) { d.Files[0].Target.Path = "builds/fuxi/a.zip" }, "no build of nuwa"},
		"an offers document": {func(d *Document) { d.Files[0].Target.Path = "offers/nuwa/stable.json" }, "no build of nuwa"},
		"text and data":      {func(d *Document) { d.Files[1].Data = []byte{0xff} }, "or data"},
		"data as text":       {func(d *Document) { d.Files[1].Text, d.Files[1].Data = "", []byte{0xff} }, "wanted data for"},
		"text as data":       {func(d *Document) { d.Files[1].Type = Binary }, "wanted data for"},
		"no digest":          {func(d *Document) { d.Files[0].Target.SHA256 = "x" }, "64 hex digits"},
	} {
		t.Run(name, func(t *testing.T) {
			d := good()
			tt.change(&d)
			if _, err := Parse(d.Bytes()); err == nil || name != "no model" && !strings.Contains(err.Error(), tt.wants) {
				t.Errorf("got %v, wanted words about %q", err, tt.wants)
			}
		})
	}
	data := New("nuwa", "stable", []File{{Path: "custota/a.csig", Type: Binary, Data: []byte{0x30, 0xff}}})
	if d, err := Parse(data.Bytes()); err != nil || d.Files[0].Content() != "\x30\xff" {
		t.Errorf("%+v, %v", d, err)
	}
	if !Is(Path("nuwa", "stable")) || Is("offers/nuwa/stable.json") {
		t.Error("an offers document is taken for this one, or this for that")
	}
}

func TestSame(t *testing.T) {
	text, target := File{Path: "a/b", Type: JSON, Text: "x"}, File{Path: "a/b", Type: Package, Target: &manifests.Package{Path: "p", SHA256: "1"}}
	promoted, other := target, target
	promoted.Target, other.Target = &manifests.Package{Path: "q", SHA256: "1"}, &manifests.Package{Path: "p", SHA256: "2"}
	for _, tt := range []struct {
		a, b File
		same bool
	}{
		{text, text, true}, {text, File{Path: "a/b", Type: JSON, Text: "y"}, false}, {text, File{Path: "a/b", Type: Text, Text: "x"}, false},
		{target, promoted, true}, {target, other, false}, {text, target, false}, {target, text, false},
	} {
		if got := tt.a.Same(tt.b); got != tt.same {
			t.Errorf("%+v and %+v: same %v", tt.a, tt.b, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(good().Bytes())
	f.Add([]byte(`{"schema":1,"model":"a","channel":"b","files":[{"path":"a/b","type":"text/plain; charset=utf-8","text":"x"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := Parse(text)
		if err != nil {
			return
		}
		for _, file := range d.Files {
			if strings.Contains(file.Path, "..") && strings.Contains("/"+file.Path+"/", "/../") || strings.HasPrefix(file.Path, "/") {
				t.Fatalf("a path that climbs: %q", file.Path)
			}
		}
		again, err := Parse(d.Bytes())
		if err != nil || string(again.Bytes()) != string(d.Bytes()) {
			t.Fatalf("what was read does not read as it was written: %v", err)
		}
	})
}
