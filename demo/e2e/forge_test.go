// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"landed/internal/format"
	"landed/manifests/tally"
)

// forge is "forge FOLDER KEY.pem OLD NEW": it changes a text on the front page of what verify-status saved, and signs the newest
// tally again, as whoever has the key can. Without OLD and NEW the tally says nothing of any page.
func forge(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 && len(args) != 4 {
		ts.Fatalf("usage: forge FOLDER KEY.pem [OLD NEW]")
	}
	dir := ts.MkAbs(args[0])
	key, err := stolenKey(ts.MkAbs(args[1]))
	ts.Check(err)
	file, err := os.ReadFile(filepath.Join(dir, "tally.json"))
	ts.Check(err)
	t, err := tally.Unsigned(file)
	ts.Check(err)
	if len(args) == 2 {
		t.Pages = []tally.Page{}
	} else {
		page := filepath.Join(dir, "status.json")
		text, err := os.ReadFile(page)
		ts.Check(err)
		changed := strings.Replace(string(text), args[2], args[3], 1)
		if changed == string(text) {
			ts.Fatalf("%s has no %q", page, args[2])
		}
		ts.Check(os.WriteFile(page, []byte(changed), 0o644))
		for n := range t.Pages {
			if p := &t.Pages[n]; p.Path == "status.json" {
				p.Size, p.SHA256 = int64(len(changed)), format.SHA256([]byte(changed))
			}
		}
	}
	signed, err := tally.Sign(t, key)
	ts.Check(err)
	for _, name := range []string{"tally.json", filepath.Join("tuf", "metadata", filepath.FromSlash(tally.Name(t.Number)))} {
		ts.Check(os.WriteFile(filepath.Join(dir, name), signed, 0o644))
	}
}
