// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"landed/server/fleet"
)

// testTallies: only the take that began last becomes that of a tally, and each tally has one.
func testTallies(t *testing.T, s fleet.Store) {
	contents := func(number int64, take string) fleet.TallyContents {
		return fleet.TallyContents{Number: number, Take: take, Format: 1, At: Now,
			Kinds: map[string]fleet.TallyKind{"pages": {Pieces: 2, Bytes: 70, Sum: "ab"}, "key": {Pieces: 1}}}
	}
	put := func(c fleet.TallyContents) func(fleet.Tx) error {
		return func(tx fleet.Tx) error { return tx.Tallies().Put(ctx, c) }
	}
	begin := func(take string) {
		t.Helper()
		update(t, s, func(tx fleet.Tx) error { return tx.Tallies().Begin(ctx, take) })
		view(t, s, func(tx fleet.Tx) error {
			under, err := tx.Tallies().Under(ctx)
			same(t, "under way", under, take)
			return err
		})
	}
	view(t, s, func(tx fleet.Tx) error {
		under, err := tx.Tallies().Under(ctx)
		same(t, "under way", under, "")
		none, err2 := tx.Tallies().Newest(ctx, 3)
		same(t, "of none", len(none), 0)
		return errors.Join(err, err2)
	})
	wantKind(t, s, fleet.Conflict, "take_late", put(contents(1, "a")))
	begin("a")
	begin("b")
	wantKind(t, s, fleet.Conflict, "take_late", put(contents(1, "a")))
	update(t, s, put(contents(1, "b")))
	begin("c")
	wantKind(t, s, fleet.Conflict, "take_late", put(contents(1, "c")))
	update(t, s, put(contents(3, "c")))
	wantKind(t, s, fleet.NotFound, "tally_elsewhere", func(tx fleet.Tx) error { _, err := tx.Tallies().Of(ctx, 2); return err })
	view(t, s, func(tx fleet.Tx) error {
		one, err := tx.Tallies().Of(ctx, 1)
		same(t, "of the first", one, contents(1, "b"))
		both, err2 := tx.Tallies().Newest(ctx, 3)
		same(t, "of both", both, []fleet.TallyContents{contents(3, "c"), contents(1, "b")})
		last, err3 := tx.Tallies().Newest(ctx, 1)
		same(t, "of the last", last, both[:1])
		return errors.Join(err, err2, err3)
	})
}

// testTallyPieces: pieces are found by the name that they begin with, in any take and kind.
func testTallyPieces(t *testing.T, s fleet.Store) {
	piece := func(take, kind, name, text string) fleet.TallyPiece {
		return fleet.TallyPiece{Take: take, Kind: kind, Name: name, Bytes: []byte(text)}
	}
	large := piece("a", "leaves", "B", string(bytes.Repeat([]byte{0, 1, 255}, 20_000)))
	all := []fleet.TallyPiece{piece("a", "leaves", "A-", "1"), piece("a", "leaves", "A-7", "2"), large, piece("a", "leaves", "a", "4"),
		piece("a", "places", "A", "5"), piece("b", "leaves", "A", "6")}
	updateReports(t, s, func(tx fleet.Tx) error {
		return errors.Join(tx.TallyPieces().Put(ctx), tx.TallyPieces().Put(ctx, all...))
	})
	if err := s.UpdateReports(ctx, func(tx fleet.Tx) error { return tx.TallyPieces().Put(ctx, all[0]) }); !fleet.Is(err, fleet.Conflict) {
		t.Errorf("a piece that is there: %v", err)
	}
	view(t, s, func(tx fleet.Tx) (err error) {
		has := func(what string, got fleet.TallyPiece, fault error, want int) {
			t.Helper()
			if want < 0 {
				if !fleet.Is(fault, fleet.NotFound) {
					t.Errorf("%s: %v, %v", what, got, fault)
				}
				return
			}
			same(t, what, got, all[want])
			err = errors.Join(err, fault)
		}
		for name, want := range map[string]int{"": -1, "A": -1, "A-": 0, "A-6": 0, "A-7": 1, "A-8": 1, "B": 2, "Z": 2, "a": 3, "z": 3} {
			got, fault := tx.TallyPieces().Before(ctx, "a", "leaves", name)
			has("before "+name, got, fault, want)
		}
		got, fault := tx.TallyPieces().Before(ctx, "b", "places", "z")
		has("of another kind", got, fault, -1)
		some, fault := tx.TallyPieces().After(ctx, "a", "leaves", "A-", 2)
		same(t, "after", some, all[1:3])
		sums, fault2 := tx.TallyPieces().Sums(ctx, "a", "leaves", "A-7", 5)
		sum := sha256.Sum256(large.Bytes)
		same(t, "sums", sums[0], [2]string{"B", hex.EncodeToString(sum[:])})
		same(t, "sums", len(sums), 2)
		takes, fault3 := tx.TallyPieces().Takes(ctx)
		same(t, "takes", takes, []string{"a", "b"})
		counted, fault4 := tx.TallyPieces().Count(ctx, "a")
		same(t, "counted", counted, map[string]int64{"leaves": 4, "places": 1})
		return errors.Join(err, fault, fault2, fault3, fault4)
	})
	for _, want := range []int{3, 1, 0} {
		updateReports(t, s, func(tx fleet.Tx) error {
			n, err := tx.TallyPieces().Drop(ctx, "a", "leaves", 3)
			same(t, "dropped", n, want)
			return err
		})
	}
	view(t, s, func(tx fleet.Tx) error {
		counted, err := tx.TallyPieces().Count(ctx, "a")
		same(t, "left", fmt.Sprint(counted), "map[places:1]")
		return err
	})
}
