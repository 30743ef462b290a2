// SPDX-License-Identifier: Apache-2.0

package ceremony

import (
	"errors"
	"fmt"
	"slices"

	"landed/manifests/release"
)

// Problem is one thing that a reviewer must know. If Refuse, nobody should sign.
type Problem struct {
	Code   Code   `json:"code"`
	Refuse bool   `json:"refuse"`
	Words  string `json:"words"`
}

// Code names a kind of problem. Codes never change their meaning.
type Code string

// The problems of a request.
const (
	TrustMissing   Code = "TRUST-MISSING"    // the reviewer brought no state of their own
	TrustBroken    Code = "TRUST-BROKEN"     // what the request calls published is not signed as it should be
	TrustOther     Code = "TRUST-OTHER"      // it is not what the reviewer trusts, or is older
	RulesBroken    Code = "RULES-BROKEN"     // the staged metadata breaks a rule of TUF or of the profile
	PackageMissing Code = "PACKAGE-MISSING"  // the reviewer has no copy of a package
	PackageOther   Code = "PACKAGE-OTHER"    // the copy has other bytes than the request says
	PackageRefused Code = "PACKAGE-REFUSED"  // the copy must not be used: a finding of otapkg
	PackageApprove Code = "PACKAGE-APPROVE"  // a finding that each signer has to agree to
	FactsDiffer    Code = "FACTS-DIFFER"     // the package is not what its manifest says
	TargetsUnknown Code = "TARGETS-UNKNOWN"  // nobody can compare what an incremental and its full package lead to
	TargetUnknown  Code = "TARGET-UNKNOWN"   // a target that nothing in the request explains
	TargetDiffers  Code = "TARGET-DIFFERS"   // a target is not what its package or manifest says
	ManifestBad    Code = "MANIFEST-BAD"     // a release manifest cannot be read, or is in the wrong place
	ModelUnknown   Code = "MODEL-UNKNOWN"    // a model or variant that is not in the catalogue
	DocumentBad    Code = "DOCUMENT-BAD"     // an effect document or notes, unreadable, or not what a manifest names
	ModelDiffers   Code = "MODEL-DIFFERS"    // the request describes a model otherwise than the list at hand
	ModelsDefault  Code = "MODELS-DEFAULT"   // the request describes no model; the line-up that is built in was used
	Unused         Code = "REQUEST-UNUSED"   // a package or manifest that no target uses
	SummaryDiffers Code = "SUMMARY-DIFFERS"  // the server's own summary says something else
	KeysNotJudged  Code = "OTA-KEYS-MISSING" // no pinned key was given for a channel

	// What release.Faults finds, which the server says already when a release is made.
	CounterLow  Code = release.CounterLow
	DownUnpatch Code = release.DownUnpatch
)

// Refused says if any problem forbids to sign.
func (s Summary) Refused() bool {
	return slices.ContainsFunc(s.Problems, func(p Problem) bool { return p.Refuse })
}

// Err is nil, or an error that names every problem that forbids to sign.
func (s Summary) Err() error {
	var faults []error
	for _, p := range s.Problems {
		if p.Refuse {
			faults = append(faults, fmt.Errorf("%s: %s", p.Code, p.Words))
		}
	}
	return errors.Join(faults...)
}
