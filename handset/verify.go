// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"slices"
	"strings"

	"landed/handset/slots"
	"landed/manifests/offers"
	"landed/manifests/otapkg"
	"landed/manifests/report"
)

// stillFits repeats the decision on what was downloaded: another build may run by now.
func stillFits(o offers.Offer, b slots.Build, counter int64) error {
	switch {
	case o.Custom.Model != b.Model || o.Custom.Variant != b.Variant:
		return refuse(ClassHardware, report.PhaseVerify, codeRecoveryWrong, "the package is for %s (%s), this handset is a "+
			"%s (%s)", o.Custom.Model, o.Custom.Variant, b.Model, b.Variant)
	case o.Custom.Counter < counter:
		return refuse(ClassRollback, report.PhaseVerify, codeTimestamp, "release counter %d, this handset has run %d",
			o.Custom.Counter, counter)
	case o.Custom.Build.UTC < b.UTC:
		return refuse(ClassRollback, report.PhaseVerify, codeTimestamp, "the package's build is older than the running one")
	}
	return nil
}

// refusedPackage is a package that otapkg refuses, in the code that update_engine or the recovery would give.
func refusedPackage(findings otapkg.Findings, style slots.Style) error {
	var words []string
	for _, f := range findings {
		if f.Level == otapkg.Refuse {
			words = append(words, string(f.Code)+" "+f.Message)
		}
	}
	code := slots.CodeScript
	if slices.ContainsFunc(findings.Codes(), func(c otapkg.Code) bool { return strings.HasPrefix(string(c), "SIG-") }) {
		code = codeRecoverySig
		if style == slots.AB {
			code = codePayloadKey
		}
	}
	return refuse(ClassPackage, report.PhaseVerify, code, "the package is refused: %s", strings.Join(words, "; "))
}

// sameAsSigned requires that a package is what was signed for, by what it says of itself, and that an incremental is from
// the build that runs: what the offers say of that is signed online only.
func sameAsSigned(facts otapkg.Facts, o offers.Offer, running string) error {
	if facts.SHA256 != o.Package.SHA256 {
		return refuse(ClassHash, report.PhaseVerify, codePayloadHash, "the package changed on the disk")
	}
	if len(facts.PostBuild) > 0 && !slices.Contains(facts.PostBuild, o.Custom.Build.Fingerprint) {
		return refuse(ClassDisagree, report.PhaseVerify, codeExcluded, "the package leads to another build than the "+
			"one that was signed for")
	}
	if from := facts.PreBuild; len(from) > 0 && !slices.Contains(from, running) {
		return refuse(ClassPackage, report.PhaseVerify, codeExcluded, "the package is an incremental from another build than "+
			"the one that runs")
	}
	if facts.PostTimestamp != 0 && facts.PostTimestamp != o.Custom.Build.UTC {
		return refuse(ClassDisagree, report.PhaseVerify, codeTimestamp, "the package says it was built at %d, signed "+
			"for is %d", facts.PostTimestamp, o.Custom.Build.UTC)
	}
	return nil
}
