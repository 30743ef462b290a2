// SPDX-License-Identifier: Apache-2.0

// Package known is what a known issue is: how people write one down, which installations it explains, and how many.
//
// Parties: release engineers and the head of support, who write (package server/known/book stores it), and the public pages,
// which show what is known beside each installation and count it apart from what nobody can explain yet. It promises that all
// faults of a text are found at once; that an installation is counted under one known issue at most, the first that was
// written of those that explain it; that what is explained and what is not add up to all; and that counts come from the
// maintained figures alone, however many installations there are. It refuses conditions on what those figures do not have
// together, letters that nobody sees, and addresses that lead anywhere but to a page. It is pure.
package known

import (
	"slices"

	"landed/manifests/report"
	"landed/server/fleet"
)

// Axis is one question to which every installation has one answer. The maintained figures answer each by itself: how many gave
// one answer to the one and another to the other they do not know, so issues are counted on each axis alone, and never across.
type Axis string

// The axes.
const (
	Progress Axis = "progress" // how far the update is; a failure by its cause
	Verdict  Axis = "verdict"  // what the reports prove
)

// Axes lists them, that of failures first.
var Axes = []Axis{Progress, Verdict}

// AxisOf is the question that a known issue is about.
func AxisOf(k fleet.KnownIssue) Axis {
	if k.Subject == fleet.KnownClass {
		return Verdict
	}
	return Progress
}

// answer is one of those to the question of an axis, as finely as the figures have it.
type answer struct {
	axis     Axis
	progress report.Progress
	cause    report.Cause // of a failure; "" if none is stored
	class    fleet.Class
}

// matter is what a known issue is about.
type matter struct {
	subject fleet.KnownSubject
	value   string
}

// matters are what an answer is about.
func (a answer) matters() []matter {
	switch {
	case a.axis == Verdict:
		return []matter{{fleet.KnownClass, string(a.class)}}
	case a.progress == report.ProgressFailed:
		return []matter{{fleet.KnownProgress, string(a.progress)}, {fleet.KnownCause, string(a.cause)}}
	}
	return []matter{{fleet.KnownProgress, string(a.progress)}}
}

// explains says if k is about installations of a model under a release that give an answer. It asks neither when it was
// written nor whether it holds.
func explains(k fleet.KnownIssue, model, release string, a answer) bool {
	return (k.Release == "" || k.Release == release) && (len(k.Models) == 0 || slices.Contains(k.Models, model)) &&
		slices.Contains(a.matters(), matter{k.Subject, k.Value})
}

// first is the place of the first of all that explains an answer, -1 for none.
func first(all []fleet.KnownIssue, model, release string, a answer) int {
	return slices.IndexFunc(all, func(k fleet.KnownIssue) bool { return explains(k, model, release, a) })
}

// Holding are those of all that were not withdrawn, in their order.
func Holding(all []fleet.KnownIssue) (some []fleet.KnownIssue) {
	for _, k := range all {
		if k.Holds() {
			some = append(some, k)
		}
	}
	return some
}

// Touching are those of all that are about some of the models under a release.
func Touching(all []fleet.KnownIssue, release string, models ...string) (some []fleet.KnownIssue) {
	are := map[string]bool{}
	for _, m := range models {
		are[m] = true
	}
	for _, k := range all {
		about := len(k.Models) == 0 || slices.ContainsFunc(k.Models, func(m string) bool { return are[m] })
		if about && (k.Release == "" || k.Release == release) {
			some = append(some, k)
		}
	}
	return some
}

// Of are those of all that explain an installation as it stands: at most one on each axis, that of progress first. It is the
// one that counts the installation.
func Of(all []fleet.KnownIssue, i fleet.Installation) (some []fleet.KnownIssue) {
	for _, a := range []answer{
		{axis: Progress, progress: i.Progress, cause: i.Cause},
		{axis: Verdict, class: i.Verdict},
	} {
		if at := first(all, i.Model, i.Release, a); at >= 0 {
			some = append(some, all[at])
		}
	}
	return some
}
