// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"landed/internal/race"
	"landed/manifests"
)

// told says what was found of one code.
func told(found Findings, code Code) (all []Finding) {
	for _, f := range found {
		if f.Code == code {
			all = append(all, f)
		}
	}
	return all
}

// TestCaseDescriptors: packages of streaming writers are read, with a warning in true words.
func TestCaseDescriptors(t *testing.T) {
	const dir = "08-data-descriptors/"
	own := Policy{Catalogue: manifests.DefaultCatalogue(), Pins: casePins(t, "ota.cert.pem")}
	for _, c := range []struct{ file, says, early string }{
		{"streaming.zip", "a data descriptor follows the stored content of `META-INF/com/android/otacert` and 6 more", "48 bytes early"},
		{"seekable.zip", "a former data descriptor is left behind the content of `META-INF/com/android/otacert` and 6 more", "48 bytes early"},
	} {
		t.Run(c.file, func(t *testing.T) {
			_, found := inspectBytes(t, readCase(t, dir+c.file), own)
			if diff := cmp.Diff([]Code{ZipStream, ABOrder}, found.Codes()); diff != "" || found.Refused() {
				t.Fatalf("findings (-want +got):\n%s%v", diff, found)
			}
			if m := found[0].Message; !strings.Contains(m, c.says) || found[0].Level != Warn {
				t.Errorf("%s says %q", found[0].Level, m)
			}
			if m := found[1].Message; !strings.Contains(m, c.early) || found[1].Level != Warn {
				t.Errorf("%s says %q", found[1].Level, m)
			}
		})
	}
	t.Run("avbroot-3.33-streaming.zip", func(t *testing.T) {
		catalogue, err := manifests.ParseCatalogue(readCase(t, dir+"catalogue.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		facts, found := inspectBytes(t, readCase(t, dir+"avbroot-3.33-streaming.zip"), Policy{Catalogue: catalogue,
			Pins: casePins(t, dir+"avbroot-test.crt")})
		codes := found.Codes()
		for _, want := range []Code{ZipStream, ABOrder, MetaMissing, MetaFP} {
			if !slices.Contains(codes, want) {
				t.Errorf("%s is not found, but %v", want, codes)
			}
		}
		if found.Has(ABStored) || found.Has(ZipMismatch) || found.Has(ZipGap) || told(found, ZipStream)[0].Level != Warn {
			t.Errorf("untrue findings: %v", found)
		}
		if facts.Payload == nil {
			t.Error("the payload was not read")
		}
	})
}

// TestCaseGoZip64 lets Go's archive/zip write a sparse package above 4 GiB, with the program of the case.
func TestCaseGoZip64(t *testing.T) {
	if race.Detector {
		t.Skip("one goroutine for minutes: told without the race detector")
	}
	if testing.Short() {
		t.Skip("reads 4 GiB of zeros")
	}
	main := readCase(t, "17-zip64-as-go-writes-it/main.go.txt")
	dir := t.TempDir()
	source, file := filepath.Join(dir, "main.go"), filepath.Join(dir, "large.zip")
	if err := os.WriteFile(source, main, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "run", source, "raw", file).CombinedOutput(); err != nil {
		t.Skipf("the case's program does not run here: %v\n%s", err, out)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	a, found, err := ReadArchive(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	if e, ok := a.Entry(namePayload); !ok || e.Size != 4<<30+4096 || e.Size != e.Packed || !e.Stored {
		t.Errorf("payload.bin = %+v, %v", e, ok)
	}
	if diff := cmp.Diff([]Code{ZipStream}, found.Codes()); diff != "" || found.Refused() {
		t.Errorf("findings of the zip (-want +got):\n%s%v", diff, found)
	}
	facts, found, err := Inspect(f, info.Size(), Policy{})
	if err != nil {
		t.Fatal(err)
	}
	// The case's payload.bin is zeros, its metadata one line and nobody signed it; that is all that is wrong.
	want := []Code{ZipStream, SigNone, MetaMissing, ABHash, ABMagic}
	for _, c := range found.Codes() {
		if !slices.Contains(want, c) {
			t.Errorf("%s: %v", c, told(found, c))
		}
	}
	if facts.Family != AB {
		t.Errorf("family = %q", facts.Family)
	}
}

// TestCaseStreamedZip64: Info-ZIP into a pipe gives one finding about the zip, which says what to do.
func TestCaseStreamedZip64(t *testing.T) {
	for _, file := range []string{"infozip-stream.zip", "missing-sentinels.zip"} {
		t.Run(file, func(t *testing.T) {
			_, found := inspectBytes(t, readCase(t, "18-zip64-without-markers/"+file), Policy{})
			var zip Findings
			for _, f := range found {
				if strings.HasPrefix(string(f.Code), "ZIP-") {
					zip = append(zip, f)
				}
			}
			if len(zip) != 1 || zip[0].Code != ZipStream || !strings.Contains(zip[0].Fix, "Streamed zip: pack it into a file") {
				t.Errorf("findings of the zip: %v", zip)
			}
		})
	}
}

// TestCaseThatHolds: what AOSP's own tools make stays without a finding.
func TestCaseThatHolds(t *testing.T) {
	const dir = "21-big-manifest-and-others-that-hold/"
	p := Policy{Catalogue: manifests.DefaultCatalogue(), Pins: casePins(t, "ota.cert.pem")}
	for _, file := range []string{"real-full.zip", "two-sigs.zip", "android9.zip", "tight-group.zip"} {
		if _, found := inspectBytes(t, readCase(t, dir+file), p); len(found) > 0 {
			t.Errorf("%s: %v", file, found)
		}
	}
}

// TestCaseDeflatedContent: each lie is told, with the entry and what is wrong, and nothing else is.
func TestCaseDeflatedContent(t *testing.T) {
	const dir = "22-deflated-content/y_"
	p := Policy{Catalogue: manifests.DefaultCatalogue(), Pins: casePins(t, "22-deflated-content/ota.cert.pem")}
	for file, want := range map[string][]string{
		"bomb_whose_size_is_stated_small":            {"Entry `system/lib/bomb.so`", "goes on after 305761 bytes"},
		"build.prop_longer_than_stated":              {"Entry `system/build.prop`", "goes on after 524 bytes"},
		"deflated_bytes_after_the_end_of_the_stream": {"Entry `boot.img`", "holds 400 bytes behind its compressed end"},
		"deflated_crc_wrong":                         {"Entry `boot.img`", "has checksum 0f0c7d90, promised is 000004d2"},
		"deflated_cut_short":                         {"Entry `boot.img`", "ends after", "of 6227 bytes"},
	} {
		t.Run(file, func(t *testing.T) {
			_, found := inspectBytes(t, readCase(t, dir+file+".zip"), p)
			if len(found) != 1 || found[0].Code != ZipMismatch || found[0].Level != Refuse {
				t.Fatalf("findings: %v", found)
			}
			for _, part := range want {
				if !strings.Contains(found[0].Message, part) {
					t.Errorf("%q does not say %q", found[0].Message, part)
				}
			}
		})
	}
}
