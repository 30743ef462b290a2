// SPDX-License-Identifier: Apache-2.0

package ceremony

import (
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"landed/manifests"
	"landed/manifests/otapkg"
	"landed/manifests/tufrepo"
)

// ReviewParams is what a reviewer brings along.
type ReviewParams struct {
	Now     time.Time
	Request tufrepo.Request
	// the reviewer's own copies, by file name; files must be seekable or support ReadAt
	Packages  fs.FS
	Catalogue *manifests.Catalogue // models that exist
	// what the reviewer trusts; nil: the request is believed about it, and a warning says so
	Trusted *tufrepo.Set
	OTAKeys map[string][]crypto.PublicKey // pinned keys of packages by channel; none: not judged, and a warning says so
}

// Summary is what a person reads before signing. It has no word of the server in it.
type Summary struct {
	Title    string    `json:"title"`
	Changes  []string  `json:"changes"` // in words, recomputed
	Packages []Package `json:"packages,omitempty"`
	Problems []Problem `json:"problems,omitempty"`
}

// Package is what the reviewer's own copy of a package turned out to be.
type Package struct {
	Name     string          `json:"name"`
	Facts    otapkg.Facts    `json:"facts"`
	Findings otapkg.Findings `json:"findings,omitempty"`
}

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
	TargetUnknown  Code = "TARGET-UNKNOWN"   // a target that nothing in the request explains
	TargetDiffers  Code = "TARGET-DIFFERS"   // a target is not what its package or manifest says
	ManifestBad    Code = "MANIFEST-BAD"     // a release manifest cannot be read, or is in the wrong place
	ModelUnknown   Code = "MODEL-UNKNOWN"    // a model or variant that is not in the catalogue
	CounterLow     Code = "COUNTER-LOW"      // a release counter or build time that goes back
	Unused         Code = "REQUEST-UNUSED"   // a package or manifest that no target uses
	SummaryDiffers Code = "SUMMARY-DIFFERS"  // the server's own summary says something else
	KeysNotJudged  Code = "OTA-KEYS-MISSING" // no pinned key was given for a channel
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

// review gathers a Summary.
type review struct {
	Summary
	p             ReviewParams
	trusted, next tufrepo.Set
	manifests     map[string]manifests.Manifest // by target path
	byPackage     map[string]manifests.Manifest // by target path of the package
	own           map[string]Package            // by target path: the reviewer's copies that could be read
	used          map[string]bool               // target paths in the request that a target uses
}

func (r *review) problem(code Code, refuse bool, format string, args ...any) {
	r.Problems = append(r.Problems, Problem{code, refuse, fmt.Sprintf(format, args...)})
}

// Review examines a request without believing it. The error is only ever one of reading
// p.Packages; whatever is wrong with the request is a problem in the summary.
func Review(p ReviewParams) (Summary, error) {
	r := &review{p: p, manifests: map[string]manifests.Manifest{}, byPackage: map[string]manifests.Manifest{},
		own: map[string]Package{}, used: map[string]bool{}}
	r.Title = p.Request.Title
	r.reviewTrust()
	staged := p.Request.Staged()
	r.next = r.trusted.With(staged)
	if err := tufrepo.CheckStaged(r.trusted, staged, p.Now); err != nil {
		r.problem(RulesBroken, true, "%v", err)
	}
	r.Changes = tufrepo.Diff(r.trusted, r.next)
	r.readManifests()
	if err := r.readPackages(); err != nil {
		return r.Summary, err
	}
	for _, role := range slices.Sorted(maps.Keys(staged)) {
		r.reviewRole(role, staged[role])
	}
	r.reviewLeftovers()
	if !slices.Equal(p.Request.Summary, r.Changes) {
		r.problem(SummaryDiffers, false, "The summary in the request differs from what was recomputed here; "+
			"believe the one above.")
	}
	return r.Summary, nil
}

// reviewTrust compares what the request calls published with what the reviewer trusts.
func (r *review) reviewTrust() {
	theirs, err := r.p.Request.TrustedSet()
	if err == nil && len(theirs.Roots) > 0 {
		err = theirs.CheckOffline(beforeAll) // published files may wait for their renewal
	}
	if err != nil {
		r.problem(TrustBroken, true, "What the request says is published does not hold: %v", err)
	}
	r.trusted = theirs
	if r.p.Trusted == nil {
		r.problem(TrustMissing, false, "You gave no trust file of your own, so the keys named in the request were believed.")
		return
	}
	for _, words := range older(*r.p.Trusted, theirs, "the request") {
		r.problem(TrustOther, true, "%s", words)
	}
}

// older says where theirs, called what, is not ours or a successor of it.
func older(ours, theirs tufrepo.Set, what string) (words []string) {
	for i, root := range ours.Roots {
		if i >= len(theirs.Roots) || string(root) != string(theirs.Roots[i]) {
			words = append(words, fmt.Sprintf("Root %d of %s is not the root %d that you trust. "+
				"It comes from another server, or was made under another root of trust.", i+1, what, i+1))
		}
	}
	if len(words) > 0 {
		return words[:1] // that everything below differs too follows from it
	}
	for _, role := range slices.Sorted(maps.Keys(ours.Files)) {
		mine, errMine := tufrepo.Read(ours.Files[role])
		other, errOther := tufrepo.Read(theirs.Files[role])
		same, _ := tufrepo.SameStatement(ours.Files[role], theirs.Files[role])
		switch {
		case errMine != nil || errOther != nil:
			words = append(words, fmt.Sprintf("%s is in your trust file but not, or not readable, in %s.", role, what))
		case other.Version < mine.Version:
			words = append(words, fmt.Sprintf("%s: %s has version %d, you trust version %d already.", role, what,
				other.Version, mine.Version))
		case other.Version == mine.Version && !same:
			words = append(words, fmt.Sprintf("%s: %s has another version %d than the one you trust.", role, what, mine.Version))
		}
	}
	return words
}

// reviewLeftovers names what the request carries and nothing uses.
func (r *review) reviewLeftovers() {
	for _, path := range slices.Sorted(maps.Keys(r.p.Request.Manifests)) {
		if !r.used[path] {
			r.problem(Unused, true, "The request carries the manifest %s, but no new target is that file.", path)
		}
	}
	for _, p := range r.p.Request.Packages {
		if !r.used[p.Path] {
			r.problem(Unused, true, "The request carries the package %s, but no new target is that file.", p.Path)
		}
	}
}
