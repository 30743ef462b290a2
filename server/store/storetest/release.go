// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"landed/manifests"
	"landed/server/fleet"
)

func later(n int) time.Time { return Now.Add(time.Duration(n) * time.Minute) }

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(fleet.StoredReport{}, "N")); diff != "" { // its row
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func aPackage(digit string) fleet.Package {
	return fleet.Package{
		SHA256: strings.Repeat(digit, 64), Name: "a.zip", Size: 123, Model: "armani", Variant: "armani_global",
		Channel: "stable", Family: "file",
		Build: manifests.Build{Fingerprint: "Xiaomi/armani/armani:4.3/J/" + digit + ":user/release-keys",
			Incremental: digit, UTC: 1_407_600_000},
		PreBuilds: []string{"x", "y"}, Facts: []byte(`{"a":1}`), Findings: []byte(`[]`), By: "lei", At: Now,
	}
}

func testPackages(t *testing.T, s fleet.Store) {
	a, b := aPackage("a"), aPackage("b")
	b.At, b.PreBuilds = later(1), nil
	for _, p := range []fleet.Package{a, b, a} {
		update(t, s, func(tx fleet.Tx) error { return tx.Packages().Put(ctx, p) })
	}
	other := a
	other.SHA256 = strings.Repeat("c", 64)
	wantKind(t, s, fleet.Conflict, "build_exists", func(tx fleet.Tx) error { return tx.Packages().Put(ctx, other) })
	wantKind(t, s, fleet.NotFound, "package_unknown", func(tx fleet.Tx) error {
		_, err := tx.Packages().Get(ctx, other.Ref())
		return err
	})
	view(t, s, func(tx fleet.Tx) error {
		got, err := tx.Packages().Get(ctx, a.Ref())
		same(t, "the package", got, a)
		if err != nil {
			return err
		}
		all, err := tx.Packages().List(ctx)
		same(t, "newest first", all, []fleet.Package{b, a})
		return err
	})
}

func testRemoved(t *testing.T, s fleet.Store) {
	a, b := aPackage("a"), aPackage("b")
	left := func(when string, want ...string) {
		t.Helper()
		view(t, s, func(tx fleet.Tx) error {
			got, err := tx.Packages().Leftovers(ctx)
			same(t, when, got, want)
			return err
		})
	}
	remove := func(p fleet.Package) func(fleet.Tx) error {
		return func(tx fleet.Tx) error { return tx.Packages().Remove(ctx, p.Ref()) }
	}
	left("at first")
	wantKind(t, s, fleet.NotFound, "package_unknown", remove(a))
	left("after a removal of nothing")
	update(t, s, func(tx fleet.Tx) error {
		return errors.Join(tx.Packages().Put(ctx, a), tx.Packages().Put(ctx, b))
	})
	update(t, s, remove(b))
	update(t, s, remove(a))
	left("after both are removed", a.SHA256, b.SHA256)
	wantKind(t, s, fleet.NotFound, "package_unknown", remove(a))
	wantKind(t, s, fleet.NotFound, "package_unknown", func(tx fleet.Tx) error {
		_, err := tx.Packages().Get(ctx, a.Ref())
		return err
	})
	update(t, s, func(tx fleet.Tx) error { return tx.Packages().Put(ctx, a) })
	left("after one came again", b.SHA256)
	other := aPackage("b") // its build is free again
	other.SHA256 = strings.Repeat("c", 64)
	update(t, s, func(tx fleet.Tx) error { return tx.Packages().Put(ctx, other) })
	for range 2 {
		update(t, s, func(tx fleet.Tx) error { return tx.Packages().Forget(ctx, b.SHA256) })
		left("after it is forgotten")
	}
	view(t, s, func(tx fleet.Tx) error {
		all, err := tx.Packages().List(ctx)
		same(t, "what is there", all, []fleet.Package{a, other})
		return err
	})
}

// testSameBytes has one content be three packages: of two models, and on two channels.
func testSameBytes(t *testing.T, s fleet.Store) {
	lab, stable, dior := aPackage("a"), aPackage("a"), aPackage("a")
	lab.Channel, dior.Model, dior.Variant = "lab", "dior", "dior"
	for _, p := range []fleet.Package{stable, dior, lab} {
		update(t, s, func(tx fleet.Tx) error { return tx.Packages().Put(ctx, p) })
	}
	bytes := fleet.PackageRef{SHA256: lab.SHA256}
	get := func(ref fleet.PackageRef) func(fleet.Tx) error {
		return func(tx fleet.Tx) error { _, err := tx.Packages().Get(ctx, ref); return err }
	}
	view(t, s, func(tx fleet.Tx) error {
		all, err := tx.Packages().BySHA256(ctx, lab.SHA256)
		same(t, "all three", all, []fleet.Package{lab, stable, dior})
		for _, p := range all {
			got, fault := tx.Packages().Get(ctx, p.Ref())
			same(t, p.Ref().String(), got, p)
			err = errors.Join(err, fault)
		}
		none, fault := tx.Packages().BySHA256(ctx, strings.Repeat("c", 64))
		if len(none) > 0 {
			t.Errorf("of other bytes: %v", none)
		}
		return errors.Join(err, fault)
	})
	wantKind(t, s, fleet.Conflict, "package_ambiguous", get(bytes))
	wantKind(t, s, fleet.Conflict, "package_ambiguous", func(tx fleet.Tx) error {
		return tx.Packages().Remove(ctx, bytes)
	})
	wantKind(t, s, fleet.NotFound, "package_unknown",
		get(fleet.PackageRef{SHA256: lab.SHA256, Model: "dior", Channel: "lab"}))
	for n, p := range []fleet.Package{lab, dior, stable} {
		update(t, s, func(tx fleet.Tx) error { return tx.Packages().Remove(ctx, p.Ref()) })
		view(t, s, func(tx fleet.Tx) error {
			left, err := tx.Packages().Leftovers(ctx)
			if last := n == 2; last != (len(left) == 1) {
				t.Errorf("after %d are removed, left over is %v", n+1, left)
			}
			if n == 1 { // the only one now
				got, fault := tx.Packages().Get(ctx, bytes)
				same(t, "by its bytes alone", got, stable)
				err = errors.Join(err, fault)
			}
			return err
		})
	}
}

func testReleases(t *testing.T, s fleet.Store) {
	one := fleet.Release{Name: "one", Counter: 1, Source: []byte("yaml"), State: fleet.ReleaseDraft,
		Packages: []fleet.PackageRef{{SHA256: "p", Model: "armani", Channel: "lab"}, {SHA256: "q"}}, By: "lei", At: Now}
	two := fleet.Release{Name: "two", Counter: 2, State: fleet.ReleaseDraft, At: later(1)}
	create := func(r fleet.Release) func(fleet.Tx) error {
		return func(tx fleet.Tx) error { return tx.Releases().Create(ctx, r) }
	}
	update(t, s, create(one))
	update(t, s, create(two))
	wantKind(t, s, fleet.Conflict, "release_exists", create(one))
	taken := two
	taken.Name = "three"
	wantKind(t, s, fleet.Conflict, "release_exists", create(taken))

	one.State, one.Change = fleet.ReleaseStaged, "c"
	save := func(tx fleet.Tx) error { return tx.Releases().Save(ctx, one, fleet.ReleaseDraft) }
	update(t, s, save)
	wantKind(t, s, fleet.Conflict, "release_moved", save)
	wantKind(t, s, fleet.NotFound, "release_unknown", func(tx fleet.Tx) error {
		return tx.Releases().Save(ctx, taken, fleet.ReleaseDraft)
	})
	view(t, s, func(tx fleet.Tx) error {
		got, err := tx.Releases().Get(ctx, "one")
		same(t, "the release", got, one)
		if err != nil {
			return err
		}
		all, err := tx.Releases().List(ctx)
		same(t, "newest first", all, []fleet.Release{two, one})
		return err
	})
	drop := func(tx fleet.Tx) error { return tx.Releases().Delete(ctx, "one", fleet.ReleaseDraft) }
	wantKind(t, s, fleet.Conflict, "release_moved", drop) // it is staged
	update(t, s, func(tx fleet.Tx) error { return tx.Releases().Delete(ctx, "one", fleet.ReleaseStaged) })
	wantKind(t, s, fleet.NotFound, "release_unknown", drop)
	taken.Counter = 1
	update(t, s, create(taken)) // the counter is free again
}
