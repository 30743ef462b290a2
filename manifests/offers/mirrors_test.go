// SPDX-License-Identifier: Apache-2.0

package offers

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCheckMirror(t *testing.T) {
	for base, want := range map[string]string{ // "" is good
		"https://cdn.example":                             "",
		"https://cdn.example/tuf/targets":                 "",
		"https://cdn.example:8443/a/b-c_d~e.f":            "",
		"https://192.0.2.7/x":                             "",
		"https://[2001:db8::1]:444/x":                     "",
		"http://127.0.0.1:8080/tuf/targets":               "",
		"http://127.9.9.9/x":                              "",
		"http://localhost/x":                              "",
		"http://[::1]:80/x":                               "",
		"":                                                "wanted https",
		"http://cdn.example":                              "http is for loopback alone",
		"http://127.0.0.1.cdn.example":                    "http is for loopback alone",
		"http://10.0.0.1/x":                               "http is for loopback alone",
		"ftp://cdn.example/x":                             "wanted https",
		"cdn.example/x":                                   "wanted https",
		"//cdn.example/x":                                 "wanted https",
		"https://":                                        "wanted https",
		"https:///x":                                      "wanted https",
		"https://cdn.example/":                            "no slash",
		"https://cdn.example/a//b":                        "no slash",
		"https://cdn.example/../x":                        "wanted https",
		"https://cdn.example/a/./x":                       "wanted https",
		"https://user@cdn.example/x":                      "wanted https",
		"https://user:pass@cdn.example/x":                 "wanted https",
		"https://cdn.example/x?handset=7":                 "wanted https",
		"https://cdn.example/x#7":                         "wanted https",
		"https://cdn.example/%2e%2e":                      "wanted https",
		"https://cdn.example/a b":                         "wanted https",
		"https://cdn.example/x\n":                         "wanted https",
		"https://cdn.example\\x":                          "wanted https",
		"https://cdn.example:port/x":                      "wanted https",
		"https://[::1/x":                                  "wanted https",
		"HTTPS://cdn.example/x":                           "wanted https",
		"https://cdn.example/" + strings.Repeat("x", 200): "at most 200",
	} {
		err := CheckMirror(base)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, wanted %q", base, err, want)
		}
	}
}

// Publishers refuse what handsets would pass over, all at once.
func TestMirrorsOfADocument(t *testing.T) {
	const good, other = "https://cdn.example/tuf/targets", "https://other.example"
	for name, c := range map[string]struct {
		mirrors, usable []string
		faults          []string
	}{
		"none":              {nil, nil, nil},
		"one":               {[]string{good}, []string{good}, nil},
		"in their order":    {[]string{other, good}, []string{other, good}, nil},
		"twice":             {[]string{good, good}, []string{good}, []string{"stands twice"}},
		"one of the future": {[]string{"ipfs://x", good}, []string{good}, []string{`"ipfs://x"`}},
		"too many": {[]string{good, other, other + "/1", other + "/2"}, []string{good, other, other + "/1"},
			[]string{"4 mirrors, wanted at most 3"}},
		"several faults": {[]string{"http://x.example", "y"}, nil, []string{`"http://x.example"`, `"y"`}},
	} {
		doc := example()
		doc.Mirrors = c.mirrors
		err := doc.Validate()
		for _, fault := range c.faults {
			if err == nil || !strings.Contains(err.Error(), fault) {
				t.Errorf("%s: %v, wanted %q", name, err, fault)
			}
		}
		if len(c.faults) == 0 && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := ParseStrict(doc.Bytes()); (err == nil) != (len(c.faults) == 0) {
			t.Errorf("%s: a publisher reads it: %v", name, err)
		}
		read, err := Parse(doc.Bytes())
		if err != nil || !slices.Equal(read.Mirrors, c.usable) || len(read.Offers) != 1 {
			t.Errorf("%s: a handset takes %q, %v; wanted %q", name, read.Mirrors, err, c.usable)
		}
	}
	for name, text := range map[string]string{"a text": `"https://cdn.example"`, "a list of numbers": `[7]`, "an object": `{}`} {
		doc := strings.Replace(string(example().Bytes()), `"model"`, `"mirrors": `+text+`, "model"`, 1)
		if _, err := Parse([]byte(doc)); err == nil {
			t.Errorf("mirrors that are %s were taken", name)
		}
	}
}

// TestGoldenDocuments: a document is written byte for byte as it was when its version was new, and read as then. The
// first is older than mirrors: what has none is written as it always was.
func TestGoldenDocuments(t *testing.T) {
	with := example()
	with.Mirrors, with.Epoch = []string{"https://cdn.example/tuf/targets", "https://other.example"}, 7
	for file, doc := range map[string]Document{"document.json": example(), "document-mirrors.json": with} {
		text, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(text), string(doc.Bytes())); diff != "" {
			t.Errorf("%s is written otherwise (-recorded +written):\n%s", file, diff)
		}
		for kind, parse := range map[string]func([]byte) (Document, error){"a handset": Parse, "a publisher": ParseStrict} {
			read, err := parse(text)
			for i := range read.Offers {
				read.Offers[i].RawCustom = nil
			}
			if diff := cmp.Diff(doc, read); err != nil || diff != "" {
				t.Errorf("%s is read otherwise by %s: %v\n%s", file, kind, err, diff)
			}
		}
	}
}

func FuzzCheckMirror(f *testing.F) {
	for _, s := range []string{"https://cdn.example/a", "http://[::1]:80", "https://a@b/c", "https://x?y", "http://127.1/x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, base string) {
		if CheckMirror(base) == nil && (strings.ContainsAny(base, "?#@%\\ \t\r\n") || strings.HasSuffix(base, "/") || len(base) > maxMirrorURL ||
			strings.Contains(base, "..") && strings.Contains(base, "/../")) {
			t.Errorf("%q was taken", base)
		}
	})
}
