// SPDX-License-Identifier: Apache-2.0

package support

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	signed "landed/manifests/evidence"
	outside "landed/server/evidence"
	"landed/server/fleet"
)

// LabCheck is how one kind of test stands on a model, over all builds of the release that the model stands under.
type LabCheck struct {
	Kind     signed.Kind     `json:"kind"`     // "traffic", "transport", "retention"
	Standing signed.Standing `json:"standing"` // "confirmed", "refuted", "open"
	Say      string          `json:"say"`      // in words: 2 of 3 observers confirm, 1 not yet
}

// Lab is the second leg of evidence of a model: what people outside found who repeated the test.
type Lab struct {
	Need   int        `json:"need"`      // so many of the observers must confirm, and none may refute
	Of     int        `json:"observers"` // that the feed names; 0 if there are none
	Builds []LabBuild `json:"builds"`
	// Witnesses are handsets of a lab, in the rollouts of the release.
	Witnesses []LabWitnesses `json:"witnesses"`
}

// LabBuild is what observers found of one build.
type LabBuild struct {
	Build    string       `json:"build"`
	Findings []LabFinding `json:"findings"`
}

// LabFinding is what observers found of one kind.
type LabFinding struct {
	LabCheck
	Confirm      int            `json:"confirm"`
	Refute       int            `json:"refute"`
	Inconclusive int            `json:"inconclusive"`
	Withdrawn    int            `json:"withdrawn"`
	Silent       int            `json:"silent"` // have said nothing yet
	Statements   []LabStatement `json:"statements"`
}

// LabStatement is the newest word of one observer.
type LabStatement struct {
	ID        string         `json:"id"`
	Observer  string         `json:"observer"` // a name, or the first digits of the key id
	Verdict   signed.Verdict `json:"verdict"`
	At        time.Time      `json:"at"` // of the test
	Withdrawn string         `json:"withdrawn,omitempty"`
	Path      string         `json:"path"` // of the statement as it was signed
}

// LabWitnesses are the witness handsets of a model in one rollout.
type LabWitnesses struct {
	Rollout   string `json:"rollout"`
	Channel   string `json:"channel"`
	Vouched   int64  `json:"vouched"` // so many; the others below are of them
	Good      int64  `json:"good"`
	Bad       int64  `json:"bad"`
	Suspended int64  `json:"suspended"`
}

// findings are what observers found, as one transaction has it.
type findings struct {
	need, of int
	on       map[signed.Subject][]signed.Finding // of every build of every release
	names    map[string]string                   // of holders, by key id
}

// observed reads what observers found of the builds of all releases. What this costs is kept by the reader.
func (e *evidence) observed(ctx context.Context, tx fleet.Tx, s *outside.Snapshot, all []*issue) (f *findings, err error) {
	f = &findings{on: map[signed.Subject][]signed.Finding{}}
	if f.need, f.of = s.Observers(); f.of == 0 {
		return f, nil
	}
	for _, is := range all {
		for _, device := range is.models {
			for _, build := range is.builds(device) {
				if f.on[signed.Subject{Model: device, Build: build}], err = s.Findings(device, build); err != nil {
					return nil, err
				}
			}
		}
	}
	f.names, err = tx.Holders().All(ctx)
	return f, err
}

// builds are the fingerprints that a release has for a model, each once, in order.
func (is *issue) builds(device string) (all []string) {
	for _, p := range is.Packages {
		if p.Model == device && !slices.Contains(all, p.Build.Fingerprint) {
			all = append(all, p.Build.Fingerprint)
		}
	}
	slices.Sort(all)
	return all
}

// checks say of each kind how it stands on all builds that a release has for a model: refuted if it is on one, confirmed
// if it is on all. Without observers there are none.
func (d describer) checks(f *findings, is *issue, device string) []LabCheck {
	all := []LabCheck{}
	if f.of == 0 {
		return all
	}
	builds := is.builds(device)
	for n, kind := range signed.Kinds() {
		var worst *signed.Finding
		for _, build := range builds {
			found := f.on[signed.Subject{Model: device, Build: build}][n]
			if worst == nil || rank(found) < rank(*worst) {
				worst = &found
			}
		}
		if worst != nil {
			all = append(all, LabCheck{kind, worst.Standing, d.counted(*worst)})
		}
	}
	return all
}

// rank orders findings, the worst first: of those that are open that with the fewest who confirm.
func rank(f signed.Finding) int {
	switch f.Standing {
	case signed.Refuted:
		return -1
	case signed.Confirmed:
		return len(f.Views) + 1_000
	}
	return f.Count().Confirm
}

type countedData struct {
	signed.Counted
	Of int
}

func (d describer) counted(f signed.Finding) string {
	return d.words.locale.Say("lab.counted", countedData{f.Count(), f.Of})
}

// lab is the second leg in full.
func (d describer) lab(f *findings, is *issue, device string) Lab {
	l := Lab{Need: f.need, Of: f.of, Builds: []LabBuild{}, Witnesses: []LabWitnesses{}}
	if f.of == 0 {
		return l
	}
	for _, build := range is.builds(device) {
		b := LabBuild{Build: build, Findings: []LabFinding{}}
		for _, found := range f.on[signed.Subject{Model: device, Build: build}] {
			n := found.Count()
			one := LabFinding{LabCheck{found.Kind, found.Standing, d.counted(found)}, n.Confirm, n.Refute, n.Inconclusive,
				n.Withdrawn, n.Silent, []LabStatement{}}
			for _, v := range found.Views {
				s := LabStatement{v.ID, cmp.Or(clean(f.names[v.Signer]), fmt.Sprintf("%.8s", v.Signer)), v.Observation.Verdict,
					v.Observation.At, "", d.links.To("/statements/" + v.ID)}
				if v.Withdrawn != nil {
					s.Withdrawn = clean(v.Withdrawn.Reason)
				}
				one.Statements = append(one.Statements, s)
			}
			b.Findings = append(b.Findings, one)
		}
		l.Builds = append(l.Builds, b)
	}
	return l
}

// witnesses are those of the rollouts of a release on a model, where somebody vouches for one.
func (d describer) witnesses(snap *snapshot, is *issue, device string) []LabWitnesses {
	all := []LabWitnesses{}
	for _, r := range is.rollouts {
		if r.Model != device {
			continue
		}
		if c := snap.witnesses[r.ID].At(d.now()); c.Vouched > 0 {
			all = append(all, LabWitnesses{r.ID, r.Channel, c.Vouched, c.Good, c.Bad, c.Suspended})
		}
	}
	return all
}

// statementPages give what was signed.
type statementPages struct{ evidence *evidence }

// envelope gives an observation, or what took one back, as it was signed. Vouchers name handsets of labs: those are for
// who works here.
func (p statementPages) envelope(w http.ResponseWriter, r *http.Request) error {
	var found fleet.Statement
	err := p.evidence.view.View(r.Context(), func(tx fleet.Tx) (err error) {
		if found, err = tx.Statements().Get(r.Context(), r.PathValue("id")); err != nil {
			return err
		}
		if found.Kind == fleet.StatementWithdrawal {
			earlier, err := tx.Statements().Get(r.Context(), found.Subject)
			found.Kind = earlier.Kind
			return err
		}
		return nil
	})
	if err == nil && found.Kind != fleet.StatementObservation || fleet.Is(err, fleet.NotFound) {
		return fleet.Errorf(fleet.NotFound, "statement_unknown", "no observer has signed a statement of that number; the page of "+
			"the model lists what they signed")
	}
	if err != nil {
		return err
	}
	w.Header().Set("Content-Disposition", `attachment; filename="statement-`+found.ID+`.dsse.json"`)
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	send(w, http.StatusOK, "application/json", found.Envelope)
	return nil
}
