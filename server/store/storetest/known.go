// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"errors"
	"testing"
	"time"

	"landed/server/fleet"
)

func testKnownIssues(t *testing.T, s fleet.Store) {
	one := fleet.KnownIssue{ID: 1, Models: []string{"armani", "dior"}, Release: "fix", Subject: fleet.KnownCause, Value: "package",
		Text: []fleet.KnownText{{Lang: "en", Text: "It stops at 40 %."}, {Lang: "zh-Hans", Text: "会停在 40%。"}},
		Link: "https://help.example.org/3", Since: Now.Truncate(24 * time.Hour), Who: fleet.KnownService, By: "mei", At: Now, Reason: "calls"}
	two := fleet.KnownIssue{ID: 2, Subject: fleet.KnownClass, Value: "leak", Text: []fleet.KnownText{{Lang: "en", Text: "x"}},
		Since: Now.Truncate(24 * time.Hour), Who: fleet.KnownNobody, By: "lei", At: later(1)}
	next := func(want int64) {
		t.Helper()
		view(t, s, func(tx fleet.Tx) error {
			id, err := tx.KnownIssues().Next(ctx)
			same(t, "the next number", id, want)
			return err
		})
	}
	next(1)
	view(t, s, func(tx fleet.Tx) error {
		none, err := tx.KnownIssues().List(ctx)
		same(t, "none", len(none), 0)
		return err
	})
	wantKind(t, s, fleet.NotFound, "known_issue_unknown", func(tx fleet.Tx) error {
		_, err := tx.KnownIssues().Get(ctx, 1)
		return err
	})
	update(t, s, func(tx fleet.Tx) error {
		return errors.Join(tx.KnownIssues().Put(ctx, two), tx.KnownIssues().Put(ctx, one))
	})
	listed := func(when string, want ...fleet.KnownIssue) {
		t.Helper()
		view(t, s, func(tx fleet.Tx) error {
			all, err := tx.KnownIssues().List(ctx)
			same(t, when, all, want)
			first, fault := tx.KnownIssues().Get(ctx, 1)
			same(t, when, first, want[0])
			return errors.Join(err, fault)
		})
	}
	listed("by number", one, two)
	next(3)
	changed := one
	changed.Text, changed.Link, changed.Models, changed.Who = two.Text, "", nil, fleet.KnownNobody
	changed.Ended, changed.EndedBy, changed.EndedReason = later(2), "bo", "mended"
	update(t, s, func(tx fleet.Tx) error { return tx.KnownIssues().Put(ctx, changed) })
	one.Ended, one.EndedBy, one.EndedReason = changed.Ended, changed.EndedBy, changed.EndedReason
	listed("of one that is there, only its end changes", one, two)
	next(3)
	three, four := two, two
	three.ID, four.ID = 3, 4
	three.Ended, four.Ended = later(4), later(3)
	update(t, s, func(tx fleet.Tx) error {
		return errors.Join(tx.KnownIssues().Put(ctx, three), tx.KnownIssues().Put(ctx, four))
	})
	for ended, want := range [][]fleet.KnownIssue{{two}, {two, three}, {two, three, four}, {one, two, three, four}, {one, two, three, four}} {
		view(t, s, func(tx fleet.Tx) error {
			all, err := tx.KnownIssues().Standing(ctx, ended)
			same(t, "that hold, or ended last", all, want)
			return err
		})
	}
}
