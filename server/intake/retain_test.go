// SPDX-License-Identifier: Apache-2.0

package intake_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // for another hand

	"github.com/google/go-cmp/cmp"

	"landed/server/fleet"
	"landed/server/intake"
	"landed/server/retain"
	trees "landed/server/seal"
	"landed/server/store"
	"landed/server/store/storetest"
)

// keeper is a world in which reports are dropped.
type keeper struct {
	*world
	room *retain.Room
	sent [][]byte
}

func newKeeper(t testing.TB, db store.Database) *keeper {
	t.Helper()
	k := &keeper{world: newWorldOn(t, db)}
	k.room = k.open(db)
	if err := db.Update(ctx, func(tx fleet.Tx) error {
		return tx.Rollouts().Create(ctx, fleet.Rollout{ID: "one.armani.stable", Release: "one", Model: "armani", Channel: "stable",
			State: fleet.RolloutRunning, Stages: []fleet.Stage{{Share: 10_000}}, Started: storetest.Now.Add(-time.Hour)})
	}); err != nil {
		t.Fatal(err)
	}
	return k
}

func (k *keeper) open(s fleet.Store) *retain.Room {
	return retain.New(
		retain.Config{Store: s, Settler: intake.Cutter{Rules: k.Rules}, Now: k.clock.now, Log: slog.New(slog.DiscardHandler),
			Idle: func() bool { waits, oldest := k.Waiting(); return waits == 0 && oldest == 0 }},
	)
}

func (k *keeper) send(t testing.TB, make maker, n int, seq int64, change ...string) {
	t.Helper()
	r, key := make(n, seq)
	for _, release := range change {
		r.Release = release
	}
	text := seal(t, r, key)
	if _, err := k.Receive(ctx, text); err != nil {
		t.Fatalf("installation %d, report %d: %v", n, seq, err)
	}
	k.sent = append(k.sent, text)
}

// lives are some handsets until half a year after they were updated: some leak, some failed first, some moved on.
func (k *keeper) lives(t testing.TB, many int) {
	t.Helper()
	for n := range many {
		k.send(t, waits, n, 2)
	}
	k.clock.advance(day)
	for n := range many {
		k.send(t, []maker{downloads, downloads, fails, downloads}[n%4], n, 3)
		if n%5 == 0 {
			k.send(t, quiet, n, 1) // late, and it says more of the time before
		}
	}
	k.clock.advance(day)
	for seq := int64(4); seq < 8; seq++ {
		for n := range many {
			k.send(t, []maker{silent, leaks, silent, silent, silent}[n%5], n, seq)
		}
		k.clock.advance(7 * day)
	}
	for n := range many {
		if n%3 == 0 {
			k.send(t, waits, n, 9, "two")
		}
	}
	k.clock.advance(day)
}

func (k *keeper) seal(t testing.TB) {
	t.Helper()
	if err := (trees.Sealer{Store: k.db, Now: k.clock.now}).Seal(ctx); err != nil {
		t.Fatal(err)
	}
	for n := 1; n > 0; {
		var err error
		if n, err = k.db.Compact(ctx, k.clock.now(), 500); err != nil {
			t.Fatal(err)
		}
	}
}

func (k *keeper) rule(ctx context.Context, days int, sure bool) error {
	_, err := k.room.Set(ctx, retain.Wish{Release: "one", Keep: time.Duration(days) * day, By: "mei", Reason: "the disk", Sure: sure})
	return err
}

func (k *keeper) rollout(t testing.TB, state fleet.RolloutState) {
	t.Helper()
	if err := k.db.Update(ctx, func(tx fleet.Tx) error {
		r, err := tx.Rollouts().Get(ctx, "one.armani.stable")
		r.State = state
		return errors.Join(err, tx.Rollouts().Save(ctx, r))
	}); err != nil {
		t.Fatal(err)
	}
}

// drops ticks until the last cut is done, an hour at a time, and says how many there are.
func (k *keeper) drops(t testing.TB, room *retain.Room, cuts int) {
	t.Helper()
	for range 400 {
		_ = room.Tick(ctx)
		_, all, err := k.room.List(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if len(all) == cuts && !all[cuts-1].Done.IsZero() {
			return
		}
		k.seal(t)
		k.clock.advance(30 * time.Minute)
	}
	_, all, _ := k.room.List(ctx)
	t.Fatalf("the cut %d is not done: %+v; %v", cuts, all, room.Tick(ctx))
}

// faults are what fsck says of reports, trees and cuts.
func (k *keeper) faults(t testing.TB) (done intake.Verified, faults []string) {
	t.Helper()
	done, faults = k.verify(t)
	if err := k.db.View(ctx, func(tx fleet.Tx) error {
		found, _, err := trees.Cuts(ctx, tx)
		faults = append(faults, found...)
		for _, tree := range fleet.Trees() {
			w, err2 := trees.Walk(ctx, tx, tree, nil, nil)
			faults, err = append(faults, w.Faults...), errors.Join(err, err2)
		}
		return err
	}); err != nil {
		faults = append(faults, err.Error())
	}
	return done, faults
}

func (k *keeper) states(t testing.TB, many int) (all []fleet.Installation) {
	t.Helper()
	if err := k.db.View(ctx, func(tx fleet.Tx) error {
		for n := range many {
			of, err := tx.Installations().Of(ctx, refOf(n))
			if err != nil {
				return err
			}
			all = append(all, of[refOf(n)]...)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestRetention: what was ruled is dropped, once it is on the trail; every figure, verdict and head stands, whoever sends a
// report again is answered, and what comes in later follows from what was settled.
func TestRetention(t *testing.T) {
	retention(t, storetest.OpenDB(t), func(s fleet.Store) fleet.Store { return s })
}

// TestRetentionGoesOn: the same, while every other write fails, or is stored and says that it failed.
func TestRetentionGoesOn(t *testing.T) {
	retention(t, storetest.OpenDB(t), func(s fleet.Store) fleet.Store { return &failing{Store: s} })
}

func retention(t *testing.T, db store.Database, through func(fleet.Store) fleet.Store) {
	const many = 40
	k := newKeeper(t, db)
	k.refuses(t, many)
	room := k.open(through(db))
	before, figures := k.states(t, many), k.counts(t, "one")
	k.clock.advance(120 * day)
	k.drops(t, room, 1)
	done, faults := k.faults(t)
	if len(faults) > 0 || done.Dropped < many || done.Settled < many/2 || done.Reports != int64(len(k.sent)) {
		t.Fatalf("%+v, %q", done, faults)
	}
	t.Logf("of %d reports %d bodies were dropped", done.Reports, done.Dropped)
	if diff := cmp.Diff(before, k.states(t, many)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(figures.Verdicts, k.counts(t, "one").Verdicts); diff != "" {
		t.Error(diff)
	}
	k.again(t)
	k.rejudged(t, many)
	// What comes later goes on from there, and is cut, too.
	k.send(t, leaks, 0, 10)
	k.send(t, silent, 2, 8)
	k.send(t, quiet, 4, 8, "two") // late
	k.send(t, downloads, 6, 4)    // of a twin: the number was that of a report that was dropped
	for n := 10; n < many; n++ {
		k.send(t, silent, n, 20)
	}
	k.clock.advance(day)
	for n := 10; n < many; n++ {
		k.send(t, silent, n, 21)
	}
	if i := k.installation(t, 6); !i.Cloned {
		t.Error("two reports with one number are not of a clone, when one was dropped")
	}
	if _, faults := k.faults(t); len(faults) > 0 {
		t.Fatalf("%q", faults)
	}
	k.clock.advance(130 * day)
	k.drops(t, room, 2)
	then, faults := k.faults(t)
	if len(faults) > 0 || then.Dropped <= done.Dropped {
		t.Fatalf("%+v, %q", then, faults)
	}
	k.again(t)
	k.rejudged(t, many)
	if err := k.rule(ctx, 0, false); err != nil {
		t.Error(err)
	}
	k.clock.advance(60 * day)
	k.seal(t)
	for range 3 {
		if err := k.room.Tick(ctx); err != nil {
			t.Error(err)
		}
	}
	if _, cuts, err := k.room.List(ctx); err != nil || len(cuts) != 2 {
		t.Errorf("%d cuts after the rule was taken back, %v", len(cuts), err)
	}
	k.checkFigures(t)
}

// TestRetentionWaitsForOthers: no body goes while a server of another program may come back, which would misread what is left.
func TestRetentionWaitsForOthers(t *testing.T) {
	k := newKeeper(t, storetest.OpenDB(t))
	k.lives(t, 8)
	k.rollout(t, fleet.RolloutFinished)
	k.seal(t)
	beat := fleet.Member{ID: "older", Program: "1.0", Protocol: fleet.Protocol}
	if err := errors.Join(k.rule(ctx, 90, true), k.db.Update(ctx, func(tx fleet.Tx) error { return tx.Members().Beat(ctx, beat, 0) })); err != nil {
		t.Fatal(err)
	}
	k.clock.advance(120 * day)
	for range 8 {
		if err := k.room.Tick(ctx); err != nil {
			t.Fatal(err)
		}
		k.seal(t)
		k.clock.advance(time.Hour)
	}
	if _, cuts, err := k.room.List(ctx); err != nil || len(cuts) != 1 || cuts[0].Closed.IsZero() || !cuts[0].Done.IsZero() {
		t.Errorf("%+v, %v", cuts, err)
	}
	if done, faults := k.faults(t); done.Dropped > 0 || done.Settled == 0 || len(faults) > 0 {
		t.Errorf("%+v, %q", done, faults)
	}
	if err := k.db.Update(ctx, func(tx fleet.Tx) error { return tx.Members().Forget(ctx, -time.Hour, 0) }); err != nil {
		t.Fatal(err)
	}
	k.drops(t, k.room, 1)
}

// stuck cannot say how installations stood, but after some calls.
type stuck struct {
	intake.Cutter
	until int
}

func (s *stuck) Settle(ctx context.Context, tx fleet.Tx, c fleet.Cut, refs ...retain.Reference) ([]fleet.Settled, error) {
	if s.until--; s.until < 0 {
		return nil, errFailing
	}
	return s.Cutter.Settle(ctx, tx, c, refs...)
}

// TestRuleTakenBack: a cut that is not on the trail ends with its rule, and with a rollout that goes on; the next one begins anew.
func TestRuleTakenBack(t *testing.T) {
	k := newKeeper(t, storetest.OpenDB(t))
	k.lives(t, 110) // two batches
	k.rollout(t, fleet.RolloutFinished)
	k.seal(t)
	cutter := &stuck{Cutter: intake.Cutter{Rules: k.Rules}}
	room := retain.New(retain.Config{Store: k.db, Settler: cutter, Now: k.clock.now, Log: slog.New(slog.DiscardHandler)})
	k.clock.advance(120 * day)
	for name, back := range map[string]func(){
		"the rule": func() {
			if err := k.rule(ctx, 0, false); err != nil {
				t.Fatal(err)
			}
		},
		"the rollout": func() { k.rollout(t, fleet.RolloutHeld) },
	} {
		cutter.until = 1
		if err := k.rule(ctx, 90, true); err != nil {
			t.Fatal(err)
		}
		untilItFails(t, room)
		open := func() (states, cuts int) {
			if err := k.db.View(ctx, func(tx fleet.Tx) error {
				all, err := tx.Cuts().List(ctx)
				some, err2 := tx.Cuts().States(ctx, 1, "", 200)
				states, cuts = len(some), len(all)
				return errors.Join(err, err2)
			}); err != nil {
				t.Fatal(err)
			}
			return states, cuts
		}
		if states, cuts := open(); states == 0 || cuts != 1 {
			t.Fatalf("%s: %d states of %d cuts", name, states, cuts)
		}
		back()
		if err := room.Tick(ctx); err != nil {
			t.Error(err)
		}
		if states, cuts := open(); states != 0 || cuts != 0 {
			t.Errorf("%s is taken back: %d states of %d cuts", name, states, cuts)
		}
		k.rollout(t, fleet.RolloutFinished)
	}
	if err := k.rule(ctx, 90, true); err != nil {
		t.Fatal(err)
	}
	k.drops(t, k.room, 1)
	if done, faults := k.faults(t); done.Dropped == 0 || len(faults) > 0 {
		t.Errorf("%+v, %q", done, faults)
	}
}

// refuses: what is too early, and what is too much.
func (k *keeper) refuses(t *testing.T, many int) {
	t.Helper()
	want := func(wanted string, days int, sure bool) {
		t.Helper()
		if err := k.rule(ctx, days, sure); code(err) != wanted {
			t.Errorf("%d days: %v, wanted %q", days, err, wanted)
		}
	}
	k.lives(t, many)
	want("retention_short", 30, true)
	k.rollout(t, fleet.RolloutRunning) // what leaked has halted it
	want("retention_running", 90, true)
	k.rollout(t, fleet.RolloutFinished)
	want("retention_unsealed", 90, true)
	k.seal(t)
	want("retention_sure", 90, false)
	want("", 0, false)
	want("", 90, true)
	want("", 100, false) // longer
	want("retention_sure", 90, false)
	want("", 90, true)
	if _, err := k.room.Set(ctx, retain.Wish{Release: "one", Keep: 90 * day, Sure: true}); code(err) != "reason_missing" {
		t.Error(err)
	}
	for release, wanted := range map[string]string{"three": "retention_unpublished", "two": "retention_running", "none": "release_unknown"} {
		if _, err := k.room.Set(ctx, retain.Wish{Release: release, Keep: 90 * day, Sure: true, Reason: "x"}); code(err) != wanted {
			t.Errorf("%s: %v, wanted %s", release, err, wanted)
		}
	}
}

// again sends every report once more: each is known, also where its body is gone.
func (k *keeper) again(t *testing.T) {
	t.Helper()
	for _, text := range k.sent {
		if r, err := k.Receive(ctx, text); err != nil || r.Stored != intake.StoredReplayed {
			t.Fatalf("%+v, %v", r, err)
		}
	}
}

// rejudged: judging again says that it begins at the cut, and finds what stood.
func (k *keeper) rejudged(t *testing.T, many int) {
	t.Helper()
	before := k.states(t, many)
	k.distort(t)
	if done, err := k.Rejudge(ctx, "one", "ann", nil); err != nil || done.Changed == 0 || done.Settled < int64(many)/2 {
		t.Errorf("%+v, %v", done, err)
	}
	if diff := cmp.Diff(before, k.states(t, many)); diff != "" {
		t.Error(diff)
	}
}

// failing is a store of which every other write fails: it did not happen, or it did.
type failing struct {
	fleet.Store
	writes int
}

var errFailing = errors.New("the power failed")

func (f *failing) write(do func(context.Context, func(fleet.Tx) error) error, ctx context.Context, fn func(fleet.Tx) error) error {
	f.writes++
	switch f.writes % 4 {
	case 1:
		return do(ctx, func(tx fleet.Tx) error { return errors.Join(fn(tx), errFailing) })
	case 3:
		return errors.Join(do(ctx, fn), errFailing)
	}
	return do(ctx, fn)
}

// Update implements fleet.Store.
func (f *failing) Update(ctx context.Context, fn func(fleet.Tx) error) error {
	return f.write(f.Store.Update, ctx, fn)
}

// UpdateReports implements fleet.Store.
func (f *failing) UpdateReports(ctx context.Context, fn func(fleet.Tx) error) error {
	return f.write(f.Store.UpdateReports, ctx, fn)
}

// TestEditsBehindACutAreNamed: whoever changes what is left of dropped reports, or what was settled, or drops more, is found.
func TestEditsBehindACutAreNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db, err := store.Make(ctx, path, storetest.Clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	k := newKeeper(t, db)
	k.lives(t, 12)
	k.rollout(t, fleet.RolloutFinished)
	k.seal(t)
	if err := k.rule(ctx, 90, true); err != nil {
		t.Fatal(err)
	}
	k.clock.advance(120 * day)
	k.drops(t, k.room, 1)
	k.send(t, silent, 0, 30)
	if _, faults := k.faults(t); len(faults) > 0 {
		t.Fatalf("%q", faults)
	}
	hand, err := sql.Open("sqlite", store.ReportsFile(path))
	if err != nil {
		t.Fatal(err)
	}
	defer hand.Close()
	const gone = `length(body) = 41`
	for _, edit := range []string{
		`UPDATE compact_reports SET late = NOT late WHERE n = (SELECT max(n) FROM compact_reports WHERE ` + gone + `)`,
		`UPDATE compact_reports SET at = at + 1 WHERE n = (SELECT max(n) FROM compact_reports WHERE ` + gone + `)`,
		`UPDATE compact_reports SET seq = seq + 70 WHERE n = (SELECT max(n) FROM compact_reports WHERE ` + gone + `)`,
		`UPDATE compact_reports SET body = CAST(substr(body, 1, 33) || randomblob(8) AS BLOB) WHERE n = (SELECT max(n) FROM compact_reports WHERE ` + gone + `)`,
		`UPDATE compact_reports SET body = CAST(substr(body, 1, 1) || randomblob(32) || substr(body, 34) AS BLOB) WHERE n = (SELECT max(n) FROM compact_reports WHERE ` + gone + `)`,
		`UPDATE compact_reports SET body = (SELECT max(body) FROM compact_reports WHERE ` + gone + `) WHERE n = (SELECT max(n) FROM compact_reports WHERE NOT ` + gone + `)`,
		`DELETE FROM compact_reports WHERE n = (SELECT max(n) FROM compact_reports WHERE ` + gone + `)`,
		`UPDATE settled SET state = CAST(replace(CAST(state AS TEXT), '"stable"', '"lab"') AS BLOB)`,
		`UPDATE settled SET state = CAST(CAST(state AS TEXT) || ' ' AS BLOB) WHERE ref = (SELECT min(ref) FROM settled)`,
		`UPDATE settled SET ref = 'x' || ref WHERE ref = (SELECT min(ref) FROM settled)`,
		`UPDATE settled SET cut = 7 WHERE ref = (SELECT min(ref) FROM settled)`,
		`DELETE FROM settled WHERE ref = (SELECT min(ref) FROM settled)`,
		`DELETE FROM cuts`, `UPDATE cuts SET up_to = up_to - 1`, `UPDATE cuts SET root = randomblob(32)`, `UPDATE cuts SET states = states + 1`,
		`UPDATE cuts SET before = before + 1`, `UPDATE cuts SET closed = 0`, `UPDATE cuts SET cut = 2`, `UPDATE cuts SET release = 'two'`,
		`INSERT INTO cuts SELECT 2, release, up_to, before, at, 0, root, closed, 0 FROM cuts`,
	} {
		tables := []string{"compact_reports", "settled", "cuts"}
		for _, table := range tables {
			do(t, hand, fmt.Sprintf(`CREATE TABLE kept_%[1]s AS SELECT * FROM %[1]s`, table))
		}
		free(t, hand, edit)
		if _, faults := k.faults(t); len(faults) == 0 {
			t.Errorf("%s: not named", edit)
		}
		for _, table := range tables {
			free(t, hand, fmt.Sprintf(`DELETE FROM %[1]s; INSERT INTO %[1]s SELECT * FROM kept_%[1]s; DROP TABLE kept_%[1]s`, table))
		}
	}
	if _, faults := k.faults(t); len(faults) > 0 {
		t.Errorf("as it was: %q", faults)
	}
}

func do(t *testing.T, db *sql.DB, text string) {
	t.Helper()
	if _, err := db.Exec(text); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

// free runs text past the triggers.
func free(t *testing.T, db *sql.DB, text string) {
	t.Helper()
	found, err := db.Query(`SELECT name, sql FROM sqlite_master WHERE type = 'trigger'`)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	drop, again := "", ""
	for found.Next() {
		var name, text string
		if err := found.Scan(&name, &text); err != nil {
			t.Fatal(err)
		}
		drop, again = drop+"DROP TRIGGER "+name+";", again+text+";"
	}
	found.Close()
	do(t, db, "BEGIN;"+drop+strings.TrimSuffix(text, ";")+";"+again+"COMMIT;")
}
