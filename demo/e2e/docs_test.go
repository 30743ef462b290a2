// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"strings"
	"testing"
)

// TestHaltedGuide: every command in the blocks of docs/operate/halted.md is run by its script, in the same order. A
// signer who is a person answers a question where the script says --yes.
func TestHaltedGuide(t *testing.T) {
	guide, err := os.ReadFile("../../docs/operate/halted.md")
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("testdata/script/corrected_release.txtar")
	if err != nil {
		t.Fatal(err)
	}
	rest := strings.ReplaceAll(string(script), " --yes", "")
	found, inside := 0, false
	for line := range strings.Lines(string(guide)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "```") {
			inside = line == "```sh"
			continue
		}
		if !inside || line == "" {
			continue
		}
		found++
		_, after, ok := strings.Cut(rest, "\nexec "+line+"\n")
		if !ok {
			t.Errorf("the script does not run, here in its order: %s", line)
			continue
		}
		rest = "\n" + after
	}
	if found < 9 {
		t.Errorf("only %d commands were found", found)
	}
}
