// SPDX-License-Identifier: Apache-2.0

package lineup_test

import (
	"strings"
	"testing"

	kit "landed/server/servertest"
)

// What nobody sees cannot make one name look like another.
func TestWordsThatNobodySees(t *testing.T) {
	h := kit.New(t)
	for _, tt := range []struct{ was, is, want string }{
		{"Xiaomi 13 Pro", `"Xiaomi\u202E 31"`, `model nuwa: "Xiaomi\u202e 31" holds U+202E`},
		{"Xiaomi 13 Pro", `"Xiaomi\u200B13"`, "U+200B"},
		{"Xiaomi 13 Pro", `"Xiaomi\t13"`, "U+0009"},
		{"Xiaomi 13 Pro", `"Xiaomi\u2028 13"`, "U+2028"},
		{`"2210132C"`, `"2210132C\u2066"`, "U+2066"},
		{"[NUWA]", `["NU\u00ADWA"]`, "U+00AD"},
	} {
		_, err := h.Lineup.Add(h.Ctx, []byte(strings.Replace(nuwa, tt.was, tt.is, 1)), "ann", "")
		kit.CheckError(t, err, "model_file", tt.want)
	}
	kit.OK(h.Lineup.Add(h.Ctx, []byte(strings.Replace(nuwa, "Xiaomi 13 Pro", "小米 13 Größe é", 1)), "ann", ""))(t)
}
