// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"landed/manifests/evidence"
)

// observersResult is what outsiders signed, and what the pages make of it.
type observersResult struct {
	Named      int             `json:"named"`
	Need       int             `json:"need"`       // so many must confirm
	Statements int             `json:"statements"` // that were handed in
	Counted    int             `json:"counted"`    // of these: the server says that they count
	Models     []observedModel `json:"models"`
}

type observedModel struct {
	Model string         `json:"model"`
	Kinds []observedKind `json:"kinds"`
}

// observedKind is one kind of test on a model. Truth is the standing that follows from what came in at the stand-in for
// the maker's service, from what it holds, and from what the handsets of the fleet did.
type observedKind struct {
	Kind     evidence.Kind     `json:"kind"`
	First    evidence.Verdict  `json:"first,omitempty"`      // what the observers signed first
	Shown    evidence.Standing `json:"shown_then,omitempty"` // on the page, while the service kept the numbers
	Standing evidence.Standing `json:"standing"`             // on the page
	Say      string            `json:"say"`                  // likewise
	Truth    evidence.Standing `json:"truth"`
}

// agrees says if the page is right now, and was while the numbers were kept.
func (k observedKind) agrees() bool {
	kept := k.Kind == evidence.Retention && k.First == evidence.Refutes
	return k.Standing == k.Truth && k.Say != "" && (!kept || k.Shown == evidence.Refuted)
}

// told holds what the pages say of the observers against the truth. Some kind must have failed first and be confirmed now.
func (o *observers) told(ctx context.Context, t *telling) (*observersResult, bool, error) {
	r := &observersResult{Named: len(observing), Need: quorum, Statements: o.added}
	good, repaired := true, false
	for _, device := range t.plan.first.models {
		checks, err := t.site.checks(ctx, device)
		if err != nil {
			return r, false, err
		}
		if err := o.pagesAgree(ctx, t, device, checks); err != nil {
			return r, false, err
		}
		m := observedModel{Model: device}
		for _, c := range checks {
			k := observedKind{Kind: c.Kind, Standing: c.Standing, Say: c.Say, Truth: evidence.Open}
			if is := o.tests[device]; is != nil {
				k.First, k.Truth = is.first[c.Kind], o.truthOf(t, device, c.Kind)
				if c.Kind == evidence.Retention {
					k.Shown = is.shown
				}
			}
			good = good && k.agrees()
			repaired = repaired || k.First == evidence.Refutes && k.Standing == evidence.Confirmed
			m.Kinds = append(m.Kinds, k)
		}
		good = good && len(m.Kinds) == len(evidence.Kinds())
		r.Models = append(r.Models, m)
	}
	all, err := t.site.api.Evidence().List(ctx, "", "")
	for _, s := range all {
		if s.Counts && slices.Contains(observing, s.Holder) {
			r.Counted++
		}
	}
	return r, good && repaired && r.Counted == r.Statements, err
}

// truthOf is the standing that a test of a model should have by now.
func (o *observers) truthOf(t *telling, device string, kind evidence.Kind) evidence.Standing {
	is, bad, none := o.tests[device], false, false
	switch kind {
	case evidence.Traffic:
		bad, none = t.fleet.Counts(device, t.plan.first.Name)["leak"] > 0, is.clear+is.secret == 0
	case evidence.Transport:
		bad, none = is.clear > 0, is.secret == 0
	case evidence.Retention:
		bad, none = o.service.Holds(is.planted) > 0, !is.reached
	}
	switch {
	case bad:
		return evidence.Refuted
	case none:
		return evidence.Open
	}
	return evidence.Confirmed
}

// checks are what the model's own page says of the observers' tests.
func (s *site) checks(ctx context.Context, device string) ([]labCheck, error) {
	var page pageModel
	err := s.read(ctx, "/models/"+strings.ToLower(device)+".json", &page)
	return page.Checks, err
}

// pagesAgree is an error if the status page or that of the release says something else than the model's.
func (o *observers) pagesAgree(ctx context.Context, t *telling, device string, own []labCheck) error {
	for _, path := range []string{"/status.json", "/releases/" + t.plan.first.Name + ".json"} {
		page, err := t.site.status(ctx, path)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(page.Models, func(m pageModel) bool { return m.Device == device })
		if at < 0 || !slices.Equal(page.Models[at].Checks, own) {
			return fmt.Errorf("%s says of the tests of %s something else than the page of the model, %v", path, device, own)
		}
	}
	return nil
}
