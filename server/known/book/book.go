// SPDX-License-Identifier: Apache-2.0

// Package book keeps known issues: it takes them down, lists them, and ends them.
//
// Parties: release engineers and the head of support, through the console; whoever reads the pages. It promises that what is
// written down is shown from that moment on; that models, release and class are ones that there are, so that a misspelt one
// does not stay silent for ever; that at most known.MaxStanding hold at a time, since every page looks through them; and that
// each change is in the audit trail with its author. It refuses to change or delete one: who knows better withdraws it and
// writes another.
package book

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"landed/manifests/effect"
	"landed/server/fleet"
	"landed/server/known"
	"landed/server/published"
)

// Book is open for all who write and read.
type Book struct {
	Store fleet.Store
	Now   func() time.Time
}

// List reads all known issues, by id, withdrawn ones too.
func (b *Book) List(ctx context.Context) (all []fleet.KnownIssue, err error) {
	err = b.Store.View(ctx, func(tx fleet.Tx) error {
		all, err = tx.KnownIssues().List(ctx)
		return err
	})
	return all, err
}

// Add takes a known issue down, as known.Parse reads it. reason is why it is written, and may be empty.
func (b *Book) Add(ctx context.Context, source []byte, by, reason string) (k fleet.KnownIssue, err error) {
	k, unread := known.Parse(source, b.Now())
	why := checkReason(reason, true)
	err = b.Store.Update(ctx, func(tx fleet.Tx) error {
		if err := b.refuse(ctx, tx, k, unread, why); err != nil {
			return err
		}
		if k.ID, err = tx.KnownIssues().Next(ctx); err != nil {
			return err
		}
		k.By, k.At, k.Reason = by, b.Now().UTC().Truncate(time.Millisecond), strings.TrimSpace(reason)
		if err := tx.KnownIssues().Put(ctx, k); err != nil {
			return err
		}
		return tx.Audit().Append(ctx, fleet.AuditEntry{
			At: k.At, Actor: by, Action: "known_issue.add", Subject: k.Name(), Reason: cmp.Or(k.Reason, about(k)),
		})
	})
	return k, err
}

// about says in a line what a known issue is about.
func about(k fleet.KnownIssue) string {
	models, release := "every model", "any release"
	if len(k.Models) > 0 {
		models = strings.Join(k.Models[:min(len(k.Models), 10)], ", ")
	}
	if len(k.Models) > 10 {
		models = fmt.Sprintf("%s and %d more models", models, len(k.Models)-10)
	}
	if k.Release != "" {
		release = k.Release
	}
	return fmt.Sprintf("on %s, %s: %s %s", models, release, k.Subject, k.Value)
}

// refuse tells all that is wrong with a known issue, with what is stored at hand.
func (b *Book) refuse(ctx context.Context, tx fleet.Tx, k fleet.KnownIssue, faults ...error) error {
	missing, err := missing(ctx, tx, k)
	if err != nil {
		return err
	}
	if all := errors.Join(append(faults, missing...)...); all != nil {
		return &fleet.Error{Kind: fleet.Invalid, Code: "known_issue", Msg: "this known issue is not taken down: " + fleet.InOneLine(all)}
	}
	holding, err := tx.KnownIssues().Standing(ctx, 0)
	if n := len(holding); err == nil && n >= known.MaxStanding {
		return fleet.Errorf(fleet.Conflict, "known_issues_many", "%d known issues hold, and no more are shown at a time; withdraw one "+
			"that does not matter any more first (otactl known-issue withdraw ID --reason WHY)", n)
	}
	return err
}

// missing finds which of the models, the release and the class there are not.
func missing(ctx context.Context, tx fleet.Tx, k fleet.KnownIssue) (faults []error, err error) {
	models, err := tx.Models().List(ctx)
	if err != nil {
		return nil, err
	}
	for _, device := range slices.Compact(slices.Clone(k.Models)) {
		if device != "" && !slices.ContainsFunc(models, func(m fleet.Model) bool { return m.Device == device }) {
			faults = append(faults, fmt.Errorf("there is no model %.80q here (otactl model list)", device))
		}
	}
	all, err := published.Load(ctx, tx)
	if err != nil {
		return nil, err
	}
	releases := all.Known()
	if k.Release != "" {
		releases = slices.DeleteFunc(releases, func(r published.Release) bool { return r.Name != k.Release })
		if len(releases) == 0 {
			return append(faults, fmt.Errorf("no release %.80q is published (otactl release list)", k.Release)), nil
		}
		faults = append(faults, without(releases[0], k.Models, models)...)
	}
	if k.Subject == fleet.KnownClass {
		faults = append(faults, classMissing(k.Value, releases)...)
	}
	return faults, nil
}

// without finds models that are there, and not in a release.
func without(r published.Release, devices []string, models []fleet.Model) (faults []error) {
	for _, device := range slices.Compact(slices.Clone(devices)) {
		has := slices.ContainsFunc(r.Packages, func(p fleet.Package) bool { return p.Model == device })
		if !has && slices.ContainsFunc(models, func(m fleet.Model) bool { return m.Device == device }) {
			faults = append(faults, fmt.Errorf("release %s has no package for %s", r.Name, device))
		}
	}
	return faults
}

// classMissing says if no effect of the releases has a class. Of a release that cannot be read nobody knows.
func classMissing(class string, releases []published.Release) []error {
	all := (effect.Effect{}).All()
	for _, r := range releases {
		if r.Program != nil {
			all = append(all, r.Program.Effect.All()...)
		}
	}
	var names []string
	for _, c := range all {
		if !slices.Contains(names, c.Name) {
			names = append(names, c.Name)
		}
	}
	if slices.Contains(names, class) {
		return nil
	}
	slices.Sort(names)
	return []error{fmt.Errorf("no release that it is about has a class %.80q; there are %s", class, strings.Join(names, ", "))}
}

// Withdraw ends a known issue: it explains nothing any more, and stays on record. It may be done again.
func (b *Book) Withdraw(ctx context.Context, id int64, by, reason string) (k fleet.KnownIssue, err error) {
	if err := checkReason(reason, false); err != nil {
		return k, err
	}
	err = b.Store.Update(ctx, func(tx fleet.Tx) error {
		if k, err = tx.KnownIssues().Get(ctx, id); err != nil || !k.Holds() {
			return err
		}
		k.Ended, k.EndedBy, k.EndedReason = b.Now().UTC().Truncate(time.Millisecond), by, strings.TrimSpace(reason)
		if err := tx.KnownIssues().Put(ctx, k); err != nil {
			return err
		}
		return tx.Audit().Append(ctx, fleet.AuditEntry{
			At: k.Ended, Actor: by, Action: "known_issue.withdraw", Subject: k.Name(), Reason: k.EndedReason,
		})
	})
	return k, err
}

// maxReason is how many letters a reason may have.
const maxReason = 300

func checkReason(reason string, optional bool) error {
	switch {
	case strings.TrimSpace(reason) == "" && !optional:
		return fleet.Errorf(fleet.Invalid, "reason_missing", "say why; it is kept in the audit trail")
	case utf8.RuneCountInString(reason) > maxReason || strings.ContainsFunc(reason, unicode.IsControl) || !utf8.ValidString(reason):
		return fleet.Errorf(fleet.Invalid, "reason_too_long", "the reason has line breaks or more than %d letters; write one "+
			"sentence", maxReason)
	}
	return nil
}
