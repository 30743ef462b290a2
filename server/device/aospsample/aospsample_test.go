// SPDX-License-Identifier: Apache-2.0

package aospsample

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"landed/manifests"
	"landed/manifests/otapkg"
	"landed/manifests/release"
	"landed/server/device/everybody"
	"landed/server/fleet"
)

// vectors is the folder of files that AOSP made: $LANDED_VECTORS, or shared/vectors beside or above the module.
func vectors(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("LANDED_VECTORS")
	for at, _ := os.Getwd(); dir == "" && at != filepath.Dir(at); at = filepath.Dir(at) {
		if try := filepath.Join(at, "..", "shared", "vectors"); exists(try) {
			dir = try
		}
	}
	if dir = filepath.Join(dir, "aosp"); !exists(dir) {
		t.Skip("AOSP's files are not here: set LANDED_VECTORS to the folder that holds aosp/update_config_002_stream.json")
	}
	return dir
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// TestAgainstAOSP: of AOSP's own package, the config has the fields and the offsets of AOSP's own config.
func TestAgainstAOSP(t *testing.T) {
	dir := vectors(t)
	zip, err := os.Open(filepath.Join(dir, "ota_002_package.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer zip.Close()
	info, err := zip.Stat()
	if err != nil {
		t.Fatal(err)
	}
	facts, _, err := otapkg.Inspect(zip, info.Size(), otapkg.Policy{Name: "ota_002_package.zip"})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(facts)
	if err != nil {
		t.Fatal(err)
	}
	b := everybody.Of(manifests.Model{Device: "nuwa"}, fleet.Package{SHA256: facts.SHA256, Size: facts.Size, Name: "ota_002_package.zip",
		Model: "nuwa", Variant: "nuwa", Channel: "stable", Family: "ab", Facts: text}, release.Clients{}, "https://ota.example")
	files := Files([]everybody.Build{b})
	if faults := Faults(b); len(faults) > 0 || len(files) != 1 {
		t.Fatalf("%v, %d files", faults, len(files))
	}
	theirs, err := os.ReadFile(filepath.Join(dir, "update_config_002_stream.json"))
	if err != nil {
		t.Fatal(err)
	}
	read := func(text []byte) map[string]any {
		var v map[string]any
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatal(err)
		}
		delete(v, "__") // a remark of their tool
		return v
	}
	ours, want := read([]byte(files[0].Text)), read(theirs)
	if got, wanted := ours["ab_config"].(map[string]any)["property_files"], want["ab_config"].(map[string]any)["property_files"]; !reflect.DeepEqual(got, wanted) {
		t.Errorf("property_files are\n%v, wanted\n%v", got, wanted)
	}
	sameShape(t, "", ours, want)
}

// sameShape holds that two objects have the same members, of the same kinds.
func sameShape(t *testing.T, at string, a, b map[string]any) {
	t.Helper()
	for name, x := range b {
		y, is := a[name]
		if !is || reflect.TypeOf(x) != reflect.TypeOf(y) {
			t.Errorf("%s.%s: ours is %T, theirs %T", at, name, y, x)
			continue
		}
		if inner, is := x.(map[string]any); is {
			sameShape(t, at+"."+name, y.(map[string]any), inner)
		}
	}
	for name := range a {
		if _, is := b[name]; !is {
			t.Errorf("%s.%s: AOSP has no such member", at, name)
		}
	}
}
