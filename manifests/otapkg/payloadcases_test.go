// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"landed/manifests"
)

// payloadCase reads a package made by AOSP's release tools, and the key under which it is signed.
func payloadCase(t *testing.T, name string) ([]byte, Policy) {
	t.Helper()
	dir, pins := filepath.Join(filepath.Dir(vectors(t)), "cases"), casePins(t, "ota.cert.pem")
	found, err := filepath.Glob(filepath.Join(dir, name))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %v %v", name, found, err)
	}
	b, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return b, Policy{Catalogue: manifests.DefaultCatalogue(), Model: "fuxi", Channel: "stable",
		Pins: pins}
}

// TestPackagesOfTheReleaseTools reads what ota_from_target_files and signapk write, era by era and flag by flag.
func TestPackagesOfTheReleaseTools(t *testing.T) {
	for _, c := range []struct {
		file string
		want []string // code and level of each finding
	}{
		{"01-*/full-zstd.zip", []string{"AB-NEWER warn"}},
		{"01-*/delta-minor10.zip", []string{"AB-NEWER warn"}},
		{"02-*/downgrade.zip", []string{"DOWN-FLAG approve", "WIPE approve"}},
		{"02-*/override-timestamp.zip", []string{"DOWN-FLAG approve"}},
		{"03-*/secondary.zip", nil},
		{"03-*/secondary-hostile.zip", []string{"AB-KEYS refuse", "AB-MAJOR refuse"}},
		{"04-*/partial-delta.zip", []string{"AB-PARTIAL warn"}},
		{"04-*/partial-full.zip", []string{"AB-PARTIAL refuse"}},
		{"05-*/delta-minor4.zip", nil},
		{"05-*/delta-minor5.zip", nil},
		{"05-*/delta-minor8.zip", nil},
		{"05-*/delta-minor9.zip", nil},
		{"07-*/full.zip", nil},
		{"07-*/incremental.zip", nil},
		{"21-*/android9.zip", nil},
		{"21-*/real-full.zip", nil},
		{"21-*/tight-group.zip", nil},
		{"21-*/two-sigs.zip", nil},
	} {
		t.Run(c.file, func(t *testing.T) {
			b, p := payloadCase(t, c.file)
			facts, found := inspectBytes(t, b, p)
			var got []string
			for _, f := range found {
				got = append(got, string(f.Code)+" "+string(f.Level))
				if strings.Contains(f.Message, "no phone knows") {
					t.Errorf("what is not known is said to be impossible: %s", f.Message)
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s%v", diff, found)
			}
			if facts.Payload.SignedBy != facts.Signer.KeySHA256 || !facts.Signer.Pinned {
				t.Errorf("payload signed by %q, zip by %+v", facts.Payload.SignedBy, facts.Signer)
			}
			if second := strings.HasSuffix(c.file, "secondary.zip"); second != (len(facts.OtherPayloads) == 1) ||
				(second && facts.OtherPayloads[0].SignedBy != facts.Signer.KeySHA256) {
				t.Errorf("other payloads = %+v", facts.OtherPayloads)
			}
		})
	}
}

func TestFullAndIncrementalHaveOneTarget(t *testing.T) {
	target := func(file string) string {
		b, p := payloadCase(t, file)
		facts, _ := inspectBytes(t, b, p)
		return facts.Target
	}
	full, incremental := target("07-*/full.zip"), target("07-*/incremental.zip")
	if full == "" || full != incremental {
		t.Errorf("full leads to %q, incremental to %q", full, incremental)
	}
	if other := target("21-*/real-full.zip"); other == "" || other == full {
		t.Errorf("another build leads to %q, this one to %q", other, full)
	}
}
