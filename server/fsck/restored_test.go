// SPDX-License-Identifier: Apache-2.0

package fsck

import (
	"testing"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/seal"
)

// TestLostOrTakenOut: what a published head says beyond what was brought back is lost if the trail and a later snapshot say so,
// and else somebody took it out.
func TestLostOrTakenOut(t *testing.T) {
	of := func(by string, version, size int64) said {
		if size == 0 {
			return said{by: by, version: version}
		}
		return said{by, version, []tufrepo.TreeHead{{Tree: string(fleet.TreeRecords), Size: size}}}
	}
	claim := func(by string, size int64) seal.Claim {
		return seal.Claim{Head: fleet.Head{Tree: fleet.TreeRecords, Size: size}, By: by}
	}
	before := of("snapshot 4", 4, 82)
	for name, tt := range map[string]struct {
		taken    int
		to       []int64
		later    []said
		unproven []seal.Claim
		kept     int64
	}{
		"nothing came later":                   {1, []int64{82}, nil, nil, 0},
		"the trail says nothing":               {0, []int64{82}, []said{of("snapshot 1009", 1009, 0)}, nil, 0},
		"fewer rows later":                     {1, nil, []said{of("snapshot 1009", 1009, 90)}, nil, 90},
		"no heads, as nobody had said it":      {1, []int64{82}, []said{of("snapshot 1009", 1009, 0)}, nil, 82},
		"no heads, and more was brought back":  {1, []int64{96}, []said{of("snapshot 1009", 1009, 0)}, nil, 0},
		"more rows later, which are borne out": {1, []int64{82}, []said{of("snapshot 1010", 1010, 120)}, nil, 82},
		"more rows later, not borne out either": {1, []int64{82}, []said{of("snapshot 1010", 1010, 120)},
			[]seal.Claim{claim("snapshot 1010", 120)}, 0},
		"more rows later, and no restore is told": {1, nil, []said{of("snapshot 1010", 1010, 120)}, nil, 0},
	} {
		lost := claim("snapshot 5", 96)
		all := append([]said{before, of("snapshot 5", 5, 96)}, tt.later...)
		kept, by := went{fleet.TreeRecords, tt.taken, tt.to}.restored(lost, append(tt.unproven, lost), all)
		if kept != tt.kept || (by == "") != (tt.kept == 0) {
			t.Errorf("%s: it goes on from %d by %q, wanted %d", name, kept, by, tt.kept)
		}
	}
}
