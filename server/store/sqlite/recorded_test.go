// SPDX-License-Identifier: Apache-2.0

package sqlite_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/reasons"
	"landed/server/store/sqlite"
)

// recorded opens the database that an older program left, as testdata/NAME.sql.
func recorded(t *testing.T, name string) *sqlite.DB {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".sql"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "old.db")
	old := raw(t, path)
	do(t, old, string(text))
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	return open(t, path)
}

func TestRecordedReleasesNamePackagesInFull(t *testing.T) {
	db := recorded(t, "v2")
	if err := db.View(ctx, func(tx fleet.Tx) error {
		all, err := tx.Releases().List(ctx)
		for _, r := range all {
			if len(r.Packages) != 1 {
				t.Fatalf("%s has packages %v", r.Name, r.Packages)
			}
			p, err := tx.Packages().Get(ctx, r.Packages[0])
			if err != nil || p.Ref() != r.Packages[0] || p.Model != "armani" || p.Channel != "stable" {
				t.Errorf("%s names %s, which is %s, %v", r.Name, r.Packages[0], p.Ref(), err)
			}
		}
		if len(all) != 3 {
			t.Errorf("%d releases", len(all))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestRecordedReasonsBecomeCodes(t *testing.T) {
	db := recorded(t, "v2")
	if err := db.View(ctx, func(tx fleet.Tx) error {
		held, err1 := tx.Rollouts().Get(ctx, "one.armani.stable")
		if want := (fleet.Reason{Code: reasons.LeaksFound, Values: map[string]string{"n": "1", "share": "100"}}); !held.Held.Equal(want) ||
			!held.Reason.IsZero() {
			t.Errorf("held because %v, stopped because %v", held.Held, held.Reason)
		}
		halted, err2 := tx.Rollouts().Get(ctx, "three.armani.stable")
		if !halted.Reason.Equal(fleet.Said("a battery got hot")) || !halted.Held.IsZero() {
			t.Errorf("stopped because %v, held because %v", halted.Reason, halted.Held)
		}
		leaking, err3 := tx.Installations().Alarming(ctx, "one", "armani", 10)
		codes := map[string]bool{}
		for _, i := range leaking {
			codes[i.Because[0].Code] = true
		}
		if !codes[reasons.Cloned] || !codes["activated_itself"] || len(codes) != 2 {
			t.Errorf("alarming because %v", codes)
		}
		return errors.Join(err1, err2, err3)
	}); err != nil {
		t.Fatal(err)
	}
}

func TestRecordedDatabaseMigrates(t *testing.T) {
	db := recorded(t, "v2")
	differences, err := db.Recount(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differences {
		t.Error(d)
	}
	want := map[string]string{ // release and class, and its kind
		"one confirmed_off": "good 1", "one leak": "bad 1", "one contradictory": "bad 1",
		"one unpatched":     "unjudged 3",
		"two contradictory": "bad 3", "two unpatched": "unjudged 1",
	}
	got, kinds := map[string]int{}, map[string]fleet.Kind{}
	if err := db.View(ctx, func(tx fleet.Tx) error {
		for _, release := range []string{"one", "two"} {
			for after := report.Reference(""); ; {
				states, err := tx.Installations().Walk(ctx, release, after, 3)
				if err != nil {
					return err
				}
				if len(states) == 0 {
					break
				}
				for _, i := range states {
					if !i.Current {
						t.Errorf("%s is not current", i.Ref)
					}
					class := release + " " + string(i.Verdict)
					got[class], kinds[class], after = got[class]+1, i.Kind, i.Ref
					all, err := tx.Reports().Of(ctx, i.Ref)
					if err != nil {
						return err
					}
					if last := all[len(all)-1]; last.Schema != 1 || last.Release != release {
						t.Errorf("its newest report has schema %d and speaks of %q", last.Schema, last.Release)
					}
				}
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for class, n := range got {
		if have := fmt.Sprint(kinds[class], " ", n); have != want[class] {
			t.Errorf("%s: %s, wanted %q", class, have, want[class])
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %v", got)
	}
}
