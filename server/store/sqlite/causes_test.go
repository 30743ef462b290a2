// SPDX-License-Identifier: Apache-2.0

package sqlite_test

import (
	"errors"
	"path/filepath"
	"testing"

	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/store/sqlite"
	"landed/server/store/storetest"
)

// TestCausesOfOldFailures: installations that failed before causes were kept get theirs from the reports that are stored.
func TestCausesOfOldFailures(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db := open(t, path)
	update := func(fn func(tx fleet.Tx) error) {
		t.Helper()
		if err := db.UpdateReports(ctx, fn); err != nil {
			t.Fatal(err)
		}
	}
	type said struct {
		phase report.Phase
		code  int
	}
	histories := map[report.Reference]report.Cause{}
	for n, h := range []struct {
		said []said
		want report.Cause
	}{
		{[]said{{report.PhaseDownload, 9}}, report.CauseNetwork},
		{[]said{{report.PhaseDownload, 9}, {report.PhaseBoot, 19}}, report.CauseBuild},
		{[]said{{report.PhaseInstall, 60}, {report.PhaseMetadata, 26}}, report.CauseStorage}, // it stays failed as it was
		{[]said{{report.PhaseMetadata, 26}}, report.CausePackage},                            // what cannot be: it excuses nothing
	} {
		i := fleet.Installation{Release: "one", Current: true, Model: "armani", Channel: "stable", Progress: report.ProgressFailed,
			Verdict: storetest.Unpatched, Kind: storetest.KindOf(storetest.Unpatched), Before: storetest.BeforeActive}
		for seq, f := range h.said {
			r, key := storetest.Report(n, int64(seq+1))
			r.Kind, r.Progress, r.Failure = report.KindProgress, report.ProgressFailed, &report.Failure{Phase: f.phase, Code: f.code}
			stored := storetest.Stored(t, r, key, storetest.Now)
			i.Ref, i.Seq, i.Reports, i.Newest.ID = stored.Ref, stored.Seq, stored.Seq, stored.ID
			update(func(tx fleet.Tx) error {
				_, err := tx.Reports().Append(ctx, stored)
				return err
			})
		}
		histories[i.Ref] = h.want
		update(func(tx fleet.Tx) error {
			return errors.Join(tx.Installations().Put(ctx, i), tx.Counts().Move(ctx, nil, &i))
		})
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(t.TempDir(), "old.db")
	single(t, old, 12, sqlite.ReportsFile(path))
	db = open(t, old)
	if err := db.View(ctx, func(tx fleet.Tx) error {
		for ref, want := range histories {
			states, err := tx.Installations().Of(ctx, ref)
			if err != nil || len(states[ref]) != 1 || states[ref][0].Cause != want {
				t.Errorf("%s: %+v, %v, wanted %s", ref, states[ref], err, want)
			}
		}
		c, err1 := tx.Counts().Of(ctx, "one", "armani", "stable")
		total, err2 := tx.Counts().Total(ctx, "armani", "stable")
		if c.Blamed() != 2 || c.Causes[report.CauseNetwork] != 1 || c.Causes[report.CauseStorage] != 1 || total.Blamed() != 2 {
			t.Errorf("of the release %v, in total %v", c.Causes, total.Causes)
		}
		return errors.Join(err1, err2)
	}); err != nil {
		t.Fatal(err)
	}
	differences, err := db.Recount(ctx)
	if err != nil || len(differences) > 0 {
		t.Errorf("%v, %v", differences, err)
	}
}
