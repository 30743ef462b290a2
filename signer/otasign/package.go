// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"fmt"
	"strings"
	"time"

	"landed/manifests/otapkg"
)

// facts prints what a package is, as far as it says so.
func (p page) facts(f otapkg.Facts) {
	line := func(what, value string) {
		if value != "" {
			p.term.para(fmt.Sprintf("  %-10s ", what), value)
		}
	}
	line("family", string(f.Family))
	line("for", strings.Join(f.PreDevices, ", "))
	line("from", strings.Join(f.PreBuild, ", "))
	line("to", strings.Join(f.PostBuild, ", "))
	if f.PostTimestamp > 0 {
		line("built", time.Unix(f.PostTimestamp, 0).UTC().Format(time.RFC3339))
	}
	line("patches", f.SPL)
	if f.Wipe {
		line("erases", "user data")
	}
	if s := f.Signer; s != nil {
		trust := "not pinned"
		if s.Pinned {
			trust = "pinned"
		}
		line("signed by", fmt.Sprintf("%s, %s with %s, key %.16s…, %s", s.Subject, s.Algorithm, s.Hash, s.KeySHA256, trust))
	}
}

func (p page) findings(list otapkg.Findings) {
	for _, f := range list {
		p.term.para("  ", fmt.Sprintf("%s %s: %s", strings.ToUpper(string(f.Level)), f.Code, f.Message))
		if f.Fix != "" {
			p.term.para("    ", f.Fix)
		}
		p.term.say("    see %s", f.Code.Help())
	}
}
