// SPDX-License-Identifier: Apache-2.0

package fixtures

import (
	"bytes"
	"testing"

	"landed/internal/race"
)

// TestHostileIsDeterministic: each case can be written, twice to the same bytes, and no two cases are the same file.
func TestHostileIsDeterministic(t *testing.T) {
	if race.Detector {
		t.Skip("one goroutine for minutes: told without the race detector")
	}
	good := map[string]bool{}
	everyBuild(t, func(t *testing.T, b Build) { good[string(mustBytes(t, b, TestKey()))] = true })
	files := map[string]string{}
	names := map[string]bool{}
	for _, c := range Hostile() {
		if names[c.Name] || len(c.Want) == 0 || c.Why == "" {
			t.Errorf("%s: a case needs a name of its own, a code and a reason", c.Name)
		}
		names[c.Name] = true
		var one, two bytes.Buffer
		if err := c.Write(&one, TestKey()); err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		if err := c.Write(&two, TestKey()); err != nil || !bytes.Equal(one.Bytes(), two.Bytes()) {
			t.Errorf("%s: two runs differ (%v)", c.Name, err)
		}
		if other := files[one.String()]; other != "" && c.File == "" {
			t.Errorf("%s is the same file as %s", c.Name, other)
		}
		files[one.String()] = c.Name
		if good[one.String()] && c.File == "" && c.Name != "dev-other-model" {
			t.Errorf("%s is a good package", c.Name)
		}
	}
}
