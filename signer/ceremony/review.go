// SPDX-License-Identifier: Apache-2.0

package ceremony

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"landed/manifests"
	"landed/manifests/otapkg"
	"landed/manifests/release"
	"landed/manifests/tufrepo"
)

// ReviewParams is what a reviewer brings along.
type ReviewParams struct {
	Now       time.Time
	Request   tufrepo.Request
	Packages  fs.FS                // the reviewer's own copies, by file name; files must be seekable or support ReadAt
	Catalogue *manifests.Catalogue // the reviewer's own list of models; nil: that of the request, or the one built in
	// Trusted is what the reviewer trusts; nil: the request is believed about it, and a note says so.
	Trusted *tufrepo.Set
	// OTAKeys are pinned certificates of packages by channel; where there are none it is not judged, and a note says so.
	OTAKeys map[string][]otapkg.Pin
	Names   map[string]string // of the holders of keys, by key id, as far as the reviewer knows them
}

// EveryChannel in ReviewParams.OTAKeys stands for all channels.
const EveryChannel = "*"

// Summary is what a person reads before signing. But for the title and the names it has no word of the server in it
// that is not signed or checked.
type Summary struct {
	Title      string            `json:"title"`
	Changes    []string          `json:"changes"`            // in words, recomputed
	Models     []manifests.Model `json:"models,omitempty"`   // as the request describes them
	Declared   []Declaration     `json:"declared,omitempty"` // what handsets are asked, and people are told
	Packages   []Package         `json:"packages,omitempty"`
	Signatures []Signatures      `json:"signatures,omitempty"`
	Problems   []Problem         `json:"problems,omitempty"`
}

// Package is what the reviewer's own copy of a package turned out to be.
type Package struct {
	Name     string          `json:"name"`
	Facts    otapkg.Facts    `json:"facts"`
	Findings otapkg.Findings `json:"findings,omitempty"`
}

// review gathers a Summary.
type review struct {
	Summary
	p             ReviewParams
	trusted, next tufrepo.Set
	catalogue     *manifests.Catalogue
	manifests     map[string]document               // by target path
	byPackage     map[string]document               // by target path of the package
	effects       map[string]release.EffectDocument // by target path
	notes         map[string]release.NotesDocument  // by target path
	own           map[string]Package                // by target path: the reviewer's copies that could be read
	used          map[string]bool                   // target paths in the request that a target uses
}

func (r *review) problem(code Code, refuse bool, format string, args ...any) {
	r.Problems = append(r.Problems, Problem{code, refuse, fmt.Sprintf(format, args...)})
}

// Review examines a request without believing it. The error is only ever one of reading
// p.Packages; whatever is wrong with the request is a problem in the summary.
func Review(p ReviewParams) (Summary, error) {
	r := &review{p: p, manifests: map[string]document{}, byPackage: map[string]document{},
		effects: map[string]release.EffectDocument{}, notes: map[string]release.NotesDocument{}, own: map[string]Package{},
		used: map[string]bool{}}
	r.Title = p.Request.Title
	r.reviewTrust()
	staged := p.Request.Staged()
	r.next = r.trusted.With(staged)
	if err := tufrepo.CheckStaged(r.trusted, staged, p.Now); err != nil {
		r.problem(RulesBroken, true, "%v", err)
	}
	r.Changes = tufrepo.Diff(r.trusted, r.next)
	r.Signatures = WhoSigns(p.Request, p.Names)
	r.chooseModels()
	r.readDocuments()
	r.declare()
	if err := r.readPackages(); err != nil {
		return r.Summary, err
	}
	for _, role := range slices.Sorted(maps.Keys(staged)) {
		r.reviewRole(role, staged[role])
	}
	r.reviewLeftovers()
	if !slices.Equal(p.Request.Summary, r.Changes) { // before names are put in: they differ from reader to reader
		r.problem(SummaryDiffers, false, "The summary in the request differs from what was recomputed here; "+
			"believe the one above.")
	}
	r.Changes = NameKeys(r.Changes, p.Names, p.Request.Names)
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
			words = append(words, fmt.Sprintf("%s: %s has version %d, you trust version %d already.",
				role, what, other.Version, mine.Version))
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
			r.problem(Unused, true, "The request carries the document %s, but no new target is that file.", path)
		}
	}
	for _, p := range r.p.Request.Packages {
		if !r.used[p.Path] {
			r.problem(Unused, true, "The request carries the package %s, but no new target is that file.", p.Path)
		}
	}
}
