// SPDX-License-Identifier: Apache-2.0

package fixtures

import (
	"errors"
	"fmt"
)

// ReleaseTools lists A/B packages in the manner of AOSP's ota_from_target_files, by option, and of those who go beyond it.
func ReleaseTools() []ToolCase {
	const m = "fuxi"
	zstd := func(p *abPackage) {
		for i := range p.payload.partitions {
			p.payload.partitions[i].zstd = true
		}
	}
	cases := []ToolCase{
		{Name: "full", Model: m, Tool: "ota_from_target_files", Write: forgery{}.of(m)},
		{Name: "full-zstd", Model: m, Tool: "the release tools of some makers", Want: []string{"AB-NEWER"},
			Write: forgery{ab: zstd}.of(m)},
		{Name: "downgrade", Model: m, Tool: "ota_from_target_files --downgrade", Want: []string{"DOWN-FLAG", "WIPE"},
			Write: forgery{ab: backwards(true)}.of(m)},
		{Name: "override-timestamp", Model: m, Tool: "ota_from_target_files --override_timestamp", Want: []string{"DOWN-FLAG"},
			Write: forgery{ab: backwards(false)}.of(m)},
		{Name: "secondary", Model: m, Tool: "ota_from_target_files --include_secondary", Write: forgery{ab: withSecondary}.of(m)},
		{Name: "partial", Model: m, Tool: "ota_from_target_files --partial boot", Want: []string{"AB-PARTIAL"},
			Write: forgery{ab: func(p *abPackage) { incremental(7, 5)(p); partial(p) }}.of(m)},
		{Name: "android-9", Model: m, Tool: "ota_from_target_files of Android 9",
			Write: forgery{ab: func(p *abPackage) { p.android9 = true }}.of(m)},
		{Name: "two-signatures", Model: m, Tool: "delta_generator with two keys",
			Write: forgery{ab: func(p *abPackage) {
				p.payload.first = &payloadSpec{}
				p.payload.first.signWith(embeddedKey("other", "other"))
			}}.of(m)},
		{Name: "group-full-to-the-last-byte", Model: m, Tool: "ota_from_target_files",
			Write: forgery{ab: func(p *abPackage) {
				p.payload.groupSize = 0
				for _, x := range p.payload.partitions {
					if x.dynamic {
						p.payload.groupSize += x.size()
					}
				}
			}}.of(m)},
	}
	for _, d := range []struct {
		minor, patch uint64
		want         []string
	}{{4, 10, nil}, {5, 9, nil}, {8, 11, nil}, {9, 12, nil}, {10, 13, []string{"AB-NEWER"}}} {
		cases = append(cases, ToolCase{Name: fmt.Sprintf("delta-minor-%d", d.minor), Model: m, Want: d.want,
			Tool:  fmt.Sprintf("ota_from_target_files --incremental_from, minor version %d", d.minor),
			Write: forgery{ab: incremental(d.minor, d.patch)}.of(m)})
	}
	return cases
}

// incremental makes a delta of the package, from the build with which the model was sold, with operations of one type.
func incremental(minor, patch uint64) func(*abPackage) {
	return func(p *abPackage) {
		sold, err := BuildOf(p.build.Model, Unpatched)
		if err != nil {
			panic(errors.Join(errors.New("table of the tools"), err)) // every model has one
		}
		p.from, p.payload.minor = &sold, minor
		for i := range p.payload.partitions {
			p.payload.partitions[i].patch = patch
		}
	}
}

// partial leaves boot alone of the partitions.
func partial(p *abPackage) {
	p.payload.partial = true
	for _, x := range p.payload.partitions {
		if x.name == "boot" {
			p.payload.partitions = []partition{x}
		}
	}
}

// backwards makes a delta to an older build. Its max_timestamp is the time of the source build, without which the phones
// that run that would refuse it (ota_from_target_files.py).
func backwards(wipe bool) func(*abPackage) {
	return func(p *abPackage) {
		incremental(9, 5)(p)
		p.downgrade, p.wipe = true, wipe
		p.payload.maxTimestamp += 7 * 24 * 3600
		if wipe {
			p.properties = func(text string) string { return text + "POWERWASH=1\n" }
		}
	}
}

// withSecondary adds the payload for the other slot: a full one of some partitions.
func withSecondary(p *abPackage) {
	second := p.payload
	second.partitions = []partition{{name: "system", data: bytesBody(blocks([]byte("stand-in for system_other"))), zeroBlocks: 3}}
	p.second = &second
}
