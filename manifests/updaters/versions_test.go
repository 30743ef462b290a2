// SPDX-License-Identifier: Apache-2.0

package updaters

import (
	"fmt"
	"strings"
	"testing"
)

// TestVersions: which builds each form of the LineageOS Updater shows and installs, by the version and API level that run.
func TestVersions(t *testing.T) {
	const hidden, shown, installs = "hidden", "shown", "installs"
	for _, tt := range []struct {
		offered, runs string
		sdk           int // that runs, 0 if it is not known; 36 is offered
		v1, v2        string
		fault         bool // of what is offered, to whomever
	}{
		{"22.2", "22.2", 0, installs, installs, false},
		{"22.3", "22.2", 0, installs, installs, false},
		{"22.1", "22.2", 0, hidden, hidden, false},
		{"23.0", "22.2", 0, shown, hidden, false}, // of another major version
		{"22.10", "22.9", 0, hidden, installs, false},
		{"22.2.1-x", "22.2", 0, installs, installs, false}, // what is behind two numbers is not read
		{"22.2", "22", 0, shown, hidden, false},
		{"22", "22", 0, shown, hidden, true},
		{"22.2-beta", "22.2-beta", 0, shown, hidden, true},
		{"nightly", "", 0, shown, hidden, true},
		{"22.2", "", 0, installs, installs, false},
		{"22.2", "", 36, installs, installs, false},
		{"22.2", "22.2", 35, installs, shown, false}, // it would be another Android
		{"22.2", "22.2", 37, installs, hidden, false},
	} {
		p := Phone{Device: "nuwa", Kind: "nightly", Version: tt.runs, SDK: tt.sdk}
		for form, read := range map[string]struct {
			reader
			body, want string
		}{"v1": {LineageOS1, `{"response":[` + entry1 + `]}`, tt.v1}, "v2": {LineageOS2, "[" + build2json + "]", tt.v2}} {
			body := strings.ReplaceAll(read.body, `"version":"22.2"`, fmt.Sprintf(`"version":%q`, tt.offered))
			offers, found := read.reader(Answer{URL: "https://ota.example/x", Status: 200, Type: "application/json", Body: []byte(body)}, p)
			got := hidden
			if len(offers) == 1 {
				if got = shown; offers[0].Installs {
					got = installs
				}
			}
			byText := form == "v1" && tt.offered == "22.10" // a phone never sees it, though it is later: that is a fault too
			if got != read.want || len(found) > 0 != (tt.fault || byText) {
				t.Errorf("%s offers %q to a phone of %q, SDK %d: %s, wanted %s; %v", form, tt.offered, tt.runs, tt.sdk, got, read.want, found)
			}
		}
	}
}
