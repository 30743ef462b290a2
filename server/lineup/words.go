// SPDX-License-Identifier: Apache-2.0

package lineup

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"landed/manifests"
	"landed/server/fleet"
)

// checkWords refuses models whose words hold letters that nobody sees: controls, and marks that turn or hide what
// stands beside them. All faults at once.
func checkWords(models []manifests.Model) error {
	var faults []error
	for _, m := range models {
		words := slices.Concat([]string{m.Product, m.Letters, m.SoC, m.Android}, m.Numbers, m.ROMNames, m.Unknown)
		for _, w := range words {
			if i := strings.IndexFunc(w, unseen); i >= 0 {
				r := []rune(w[i:])[0]
				faults = append(faults, fmt.Errorf("model %s: %.100q holds U+%04X, which nobody sees; write it without", m.Device, w, r))
			}
		}
	}
	if err := errors.Join(faults...); err != nil {
		return &fleet.Error{Kind: fleet.Invalid, Code: "model_file", Msg: fleet.InOneLine(err)}
	}
	return nil
}

// unseen is a control, a format mark (U+200B, U+202E), or the end of a line or paragraph.
func unseen(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) }
