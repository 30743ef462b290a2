// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestLayout(t *testing.T) {
	head := []string{"ROLLOUT", "STATE", "SHARE", "BY", "WHY"}
	rows := [][]string{
		{"opt-in.armani.stable", "running", "30 %", "ann", "-"},
		{"opt-in.größe.stable", "halted", "1 %", "landed", "halted because 3 installations leak: identifiers left"},
	}
	for name, tt := range map[string]struct {
		width int
		want  []string
	}{
		"no screen: one line a row": {0, []string{
			"ROLLOUT               STATE    SHARE  BY      WHY",
			"opt-in.armani.stable  running  30 %   ann     -",
			"opt-in.größe.stable   halted   1 %    landed  halted because 3 installations leak: identifiers left",
		}},
		"narrow: the rest below, nothing for what is empty": {45, []string{
			"ROLLOUT               STATE    SHARE  BY",
			"opt-in.armani.stable  running  30 %   ann",
			"opt-in.größe.stable   halted   1 %    landed",
			"    why: halted because 3 installations leak:",
			"    identifiers left",
		}},
		"narrower than the first column": {16, []string{
			"ROLLOUT",
			"opt-in.armani.stable",
			"    state:",
			"    running,",
			"    share: 30 %,",
			"    by: ann",
			"opt-in.größe.stable",
			"    state:",
			"    halted,",
			"    share: 1 %,",
			"    by: landed,",
			"    why: halted",
			"    because 3",
			"    installations",
			"    leak:",
			"    identifiers",
			"    left",
		}},
	} {
		if diff := cmp.Diff(tt.want, layout(head, rows, tt.width)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for _, l := range layout(head, rows, 60) {
		if utf8.RuneCountInString(l) > 60 || strings.HasSuffix(l, " ") {
			t.Errorf("%q does not fit", l)
		}
	}
}
