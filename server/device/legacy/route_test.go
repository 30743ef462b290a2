// SPDX-License-Identifier: Apache-2.0

package legacy

import (
	"strings"
	"testing"

	"landed/server/device/lineageos"
)

func TestRoute(t *testing.T) {
	for path, want := range map[string][2]string{ // file and what is answered without it
		"/api/v1/fuxi/nightly/x":                                 {"lineageos/stable/api/v1/fuxi/nightly.json", lineageos.None1},
		"/api/v1/fuxi/NIGHTLY/":                                  {"lineageos/stable/api/v1/fuxi/nightly.json", lineageos.None1},
		"/api/v1///x":                                            {"lineageos/stable/api/v1//.json", lineageos.None1},
		"/api/v2/devices/fuxi/builds":                            {"lineageos/stable/api/v2/devices/fuxi/builds.json", lineageos.None2},
		"/legacy/lineageos/beta/api/v1/fuxi/nightly/x":           {"lineageos/beta/api/v1/fuxi/nightly.json", lineageos.None1},
		"/legacy/lineageos/beta/api/v2/devices/fuxi/builds":      {"lineageos/beta/api/v2/devices/fuxi/builds.json", lineageos.None2},
		"/legacy/lineageos/beta/api/v1/fuxi/nightly.json":        {"lineageos/beta/api/v1/fuxi/nightly.json", ""},
		"/legacy/lineageos/beta/api/v2/devices/fuxi/builds.json": {"lineageos/beta/api/v2/devices/fuxi/builds.json", ""},
		"/legacy/aosp-sample/stable/fuxi.json":                   {"aosp-sample/stable/fuxi.json", ""},
		"/legacy/grapheneos/fuxi-beta":                           {"grapheneos/fuxi-beta", ""},
		"/fuxi-beta":                                             {"grapheneos/fuxi-beta", ""},
		"/fuxi-incremental-1-2.zip":                              {"grapheneos/fuxi-incremental-1-2.zip", ""},
	} {
		if file, none, ok := Route(path); !ok || file != want[0] || none != want[1] {
			t.Errorf("%s: %s, %q, %v; wanted %q", path, file, none, ok, want)
		}
	}
	for _, path := range []string{"/", "", "/api/v1/a/b/c/d", "/api/v2/devices/fuxi", "/models/fuxi", "/api/v3/x"} {
		if file, _, ok := Route(path); ok {
			t.Errorf("%s is %s", path, file)
		}
	}
}

func FuzzRoute(f *testing.F) {
	f.Add("/api/v1///x")
	f.Add("/legacy/lineageos//api/v2/devices//builds")
	f.Fuzz(func(t *testing.T, path string) {
		file, none, ok := Route(path)
		if !ok && (file != "" || none != "") {
			t.Fatalf("%q: no route, and %q, %q", path, file, none)
		}
		if none != "" && !strings.HasPrefix(file, lineageos.Root) {
			t.Fatalf("%q: %q has an answer of its own", path, file)
		}
	})
}
