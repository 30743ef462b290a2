// SPDX-License-Identifier: Apache-2.0

package fixtures_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	fixtures "landed/firmware-fixtures"
	"landed/manifests/otapkg"
)

// TestTools holds a package of each tool and time against the inspector and, where it is installed, against unzip:
// exactly the codes of the table, and refused only if phones could not read it.
func TestTools(t *testing.T) {
	unzip, _ := exec.LookPath("unzip")
	for _, c := range fixtures.Tools() {
		t.Run(c.Name, func(t *testing.T) {
			var b bytes.Buffer
			if err := c.Write(&b, fixtures.TestKey()); err != nil {
				t.Fatal(err)
			}
			_, found, err := otapkg.Inspect(bytes.NewReader(b.Bytes()), int64(b.Len()), policy(c.Model, ""))
			if err != nil {
				t.Fatal(err)
			}
			want := make([]otapkg.Code, len(c.Want))
			for i, code := range c.Want {
				want[i] = otapkg.Code(code)
			}
			got := found.Codes()
			slices.Sort(want)
			slices.Sort(got)
			if diff := cmp.Diff(want, slices.Clip(got), cmp.Comparer(sameCodes)); diff != "" || found.Refused() != c.Refused {
				t.Errorf("%s: refused %v, findings (-want +got):\n%s%v", c.Tool, found.Refused(), diff, found)
			}
			if unzip == "" {
				return
			}
			file := filepath.Join(t.TempDir(), "package.zip")
			if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command(unzip, "-tqq", file).CombinedOutput(); err != nil {
				t.Errorf("unzip -t: %v\n%s", err, out)
			}
		})
	}
}

func sameCodes(a, b []otapkg.Code) bool { return slices.Equal(a, b) }

func TestToolsAreAllDifferent(t *testing.T) {
	seen := map[string]string{}
	for _, c := range fixtures.Tools() {
		var b, again bytes.Buffer
		if err := c.Write(&b, fixtures.TestKey()); err != nil {
			t.Fatal(err)
		}
		if err := c.Write(&again, fixtures.TestKey()); err != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
			t.Errorf("%s: two runs differ (%v)", c.Name, err)
		}
		if other := seen[b.String()]; other != "" {
			t.Errorf("%s is the same file as %s", c.Name, other)
		}
		seen[b.String()] = c.Name
		if found, err := fixtures.ToolOf(c.Name); err != nil || found.Tool != c.Tool {
			t.Errorf("%s is not found by its name: %v", c.Name, err)
		}
	}
}

func TestSignArchiveWantsRoomForTheSignature(t *testing.T) {
	for _, archive := range []string{"", "x", "PK\x05\x06 with a comment\x01\x00"} {
		if err := fixtures.SignArchive(new(bytes.Buffer), bytes.NewReader([]byte(archive)), fixtures.TestKey()); err == nil {
			t.Errorf("%q was signed", archive)
		}
	}
}
