// SPDX-License-Identifier: Apache-2.0

package release

import (
	"strings"
	"testing"
)

// TestDeclareCsigs: they stand where they are read from, beside all that was there; comments stay, and twice is once.
func TestDeclareCsigs(t *testing.T) {
	full, inc := Csig{Csig: signedFor(t, digitsB1)}, Csig{Csig: signedFor(t, ""), From: strings.Repeat("c2", 32)}
	for name, source := range map[string]string{
		"as in the guide": clientsSource,
		"no clients":      "schema: 3\nrelease: june-fix\ncounter: 2\nnotes: {en: fixes} # of June\n",
		"an empty model":  "schema: 3\nrelease: june-fix\ncounter: 2\nnotes: {en: fixes}\nclients:\n  nuwa:\n",
		"another model":   "schema: 3\nrelease: june-fix\ncounter: 2\nnotes: {en: fixes}\nclients: {fuxi: {romtype: nightly}}\n",
	} {
		once, err := DeclareCsigs([]byte(source), map[string][]Csig{"nuwa": {full, inc}})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		twice, err := DeclareCsigs(once, map[string][]Csig{"nuwa": {inc, full}})
		if err != nil || string(twice) != string(once) {
			t.Errorf("%s: declared again it is another: %v\n%s", name, err, twice)
		}
		before, err1 := Parse([]byte(source))
		r, err2 := Parse(once)
		if err1 != nil || err2 != nil {
			t.Fatalf("%s: %v, %v\n%s", name, err1, err2, once)
		}
		c := r.Clients["nuwa"]
		if len(c.Custota) != 2 || c.Custota[0] != full || c.Custota[1] != inc || c.ROMType != before.Clients["nuwa"].ROMType ||
			r.Clients["fuxi"].ROMType != before.Clients["fuxi"].ROMType || r.Notes["en"] != "fixes" ||
			strings.Contains(source, "# of June") != strings.Contains(string(once), "# of June") {
			t.Errorf("%s:\n%s", name, once)
		}
	}
	declared, err := DeclareCsigs([]byte(clientsSource), map[string][]Csig{"nuwa": {inc}})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ source, want string }{
		"no mapping":     {"- x", "no release in YAML"},
		"no YAML":        {"a: [", "declare csigs"},
		"a list":         {"clients: [nuwa]", "write it out"},
		"an alias":       {"a: &a {}\nclients: *a\n", "write it out"},
		"another source": {string(declared), "stands there already"},
		"empty":          {"", "the file is empty"},
		"two documents":  {clientsSource + "---\na: b\n", "only the first would be read"},
	} {
		if _, err := DeclareCsigs([]byte(tt.source), map[string][]Csig{"nuwa": {{Csig: inc.Csig}}}); err == nil ||
			!strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, wanted words about %q", name, err, tt.want)
		}
	}
}

func FuzzDeclareCsigs(f *testing.F) {
	f.Add(clientsSource, "x", "")
	f.Add("clients: {fuxi: {custota: [{csig: x}]}}", "x", "y")
	f.Fuzz(func(t *testing.T, source, csig, from string) {
		_, _ = DeclareCsigs([]byte(source), map[string][]Csig{"fuxi": {{csig, from}}})
	})
}

var digitsB1 = strings.Repeat("b1", 32)
