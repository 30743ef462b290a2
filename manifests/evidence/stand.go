// SPDX-License-Identifier: Apache-2.0

package evidence

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"landed/manifests/tufrepo"
)

// Standing is what the observers' statements add up to.
type Standing string

// The standings.
const (
	Confirmed Standing = "confirmed" // enough observers confirm, and none refutes
	Refuted   Standing = "refuted"   // one refutes, and has not taken it back
	Open      Standing = "open"      // not enough have confirmed yet
)

// Subject is what statements are about: builds are told apart, for a fix may be made again.
type Subject struct{ Model, Build string }

// Finding is what the observers found of one kind, on one build of a model.
type Finding struct {
	Kind     Kind
	Standing Standing
	Need, Of int // so many of so many observers must confirm
	// Views are those of the observers who said something, by key id.
	Views []View
}

// View is the newest word of one observer.
type View struct {
	Statement // the newest of this observer on the subject
	Withdrawn *Withdrawal
}

// Counted says what became of the observers, one by one; they add up to Of.
type Counted struct{ Confirm, Refute, Inconclusive, Withdrawn, Silent int }

// Count counts the observers by their newest word.
func (f Finding) Count() Counted {
	c := Counted{Silent: f.Of - len(f.Views)}
	for _, v := range f.Views {
		switch {
		case v.Withdrawn != nil:
			c.Withdrawn++
		case v.Observation.Verdict == Confirms:
			c.Confirm++
		case v.Observation.Verdict == Refutes:
			c.Refute++
		default:
			c.Inconclusive++
		}
	}
	return c
}

// Stand computes what observers found on a subject: one finding for each kind, in their order. all may hold whatever was
// stored; what none of the observers signed counts for nothing. An observer's later test replaces the earlier one of the
// same kind and build; a statement that its signer took back counts for nothing, and brings back nothing earlier.
func Stand(all []Statement, observers tufrepo.RoleKeys, about Subject) []Finding {
	newest := map[Kind]map[string]Statement{}
	withdrawn := Withdrawals(all, observers.Keys)
	for _, s := range all {
		o := s.Observation
		if o == nil || (Subject{o.Model, o.Build}) != about || !s.SignedBy(observers.Keys) {
			continue
		}
		if newest[o.Kind] == nil {
			newest[o.Kind] = map[string]Statement{}
		}
		if before, ok := newest[o.Kind][s.Signer]; !ok || later(s, before) {
			newest[o.Kind][s.Signer] = s
		}
	}
	var findings []Finding
	for _, kind := range Kinds() {
		f := Finding{Kind: kind, Need: observers.Threshold, Of: len(observers.Keys)}
		for _, s := range newest[kind] {
			v := View{Statement: s}
			if w, ok := withdrawn[s.ID][s.Signer]; ok {
				v.Withdrawn = &w
			}
			f.Views = append(f.Views, v)
		}
		slices.SortFunc(f.Views, func(a, b View) int { return strings.Compare(a.Signer, b.Signer) })
		f.Standing = f.stand()
		findings = append(findings, f)
	}
	return findings
}

func (f Finding) stand() Standing {
	switch c := f.Count(); {
	case c.Refute > 0:
		return Refuted
	case f.Need > 0 && c.Confirm >= f.Need:
		return Confirmed
	}
	return Open
}

// later orders tests by their time; of two of one second, the ids decide, for everybody alike.
func later(a, b Statement) bool {
	return cmp.Or(a.At().Compare(b.At()), strings.Compare(a.ID, b.ID)) > 0
}

// Withdrawals are those that one of the keys signed, by the statement that is taken back and the signer; of several, the
// first in all.
func Withdrawals(all []Statement, keys []tufrepo.Key) map[string]map[string]Withdrawal {
	found := map[string]map[string]Withdrawal{}
	for _, s := range all {
		w := s.Withdrawal
		if w == nil || !s.SignedBy(keys) {
			continue
		}
		if found[w.Statement] == nil {
			found[w.Statement] = map[string]Withdrawal{}
		}
		if _, twice := found[w.Statement][s.Signer]; !twice {
			found[w.Statement][s.Signer] = *w
		}
	}
	return found
}

// Vouched is a voucher that one of the keys signed.
type Vouched struct {
	Voucher
	Statement
	Withdrawn *Withdrawal // by any of the keys: whoever runs the lab goes on when one of its keys is lost
}

// Vouchers are those for handsets of a model that one of its witnesses' keys signed, as they stand in all.
func Vouchers(all []Statement, keys []tufrepo.Key, model string) (vouched []Vouched) {
	withdrawn := Withdrawals(all, keys)
	for _, s := range all {
		if s.Voucher == nil || s.Voucher.Model != model || !s.SignedBy(keys) {
			continue
		}
		v := Vouched{Voucher: *s.Voucher, Statement: s}
		for _, by := range slices.Sorted(maps.Keys(withdrawn[s.ID])) {
			if w := withdrawn[s.ID][by]; v.Withdrawn == nil || w.At.Before(v.Withdrawn.At) {
				v.Withdrawn = &w
			}
		}
		vouched = append(vouched, v)
	}
	return vouched
}
