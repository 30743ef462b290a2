// SPDX-License-Identifier: Apache-2.0

package published

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"landed/manifests"
	"landed/manifests/release"
	"landed/server/fleet"
	"landed/server/store/storetest"
)

var ctx = context.Background()

func source(name string, counter int64) []byte {
	return fmt.Appendf(nil, `schema: 1
release: %s
counter: %d
effect: {name: cloud-messaging-opt-in, feature: 1, migration: switch_off, prompt_day: "2014-08-01"}
notes: {en: off, zh-Hans: off, zh-Hant: off}
`, name, counter)
}

func pkg(letter string) fleet.Package {
	return fleet.Package{SHA256: strings.Repeat(letter, 64), Name: letter + ".zip", Size: 1, Model: "armani", Variant: "armani", Channel: "stable",
		Build: manifests.Build{Fingerprint: letter, Incremental: letter, UTC: 1}, Facts: []byte("{}"), Findings: []byte("[]")}
}

func stored(name string, counter int64, state fleet.ReleaseState, letters ...string) fleet.Release {
	r := fleet.Release{Name: name, Counter: counter, Source: source(name, counter), State: state}
	for _, l := range letters {
		r.Packages = append(r.Packages, pkg(l).Ref())
	}
	return r
}

func TestLoad(t *testing.T) {
	db := storetest.Open(t)
	write := func(fn func(fleet.Tx) error) {
		t.Helper()
		if err := db.Update(ctx, fn); err != nil {
			t.Fatal(err)
		}
	}
	write(func(tx fleet.Tx) error {
		return errors.Join(tx.Packages().Put(ctx, pkg("a")), tx.Packages().Put(ctx, pkg("b")),
			tx.Releases().Create(ctx, stored("one", 1, fleet.ReleasePublished, "a")),
			tx.Releases().Create(ctx, stored("two", 2, fleet.ReleaseStaged, "b")),
			tx.Releases().Create(ctx, stored("three", 3, fleet.ReleaseDraft, "b")))
	})
	var reader Reader
	read := func() (lines []string) {
		t.Helper()
		if err := db.View(ctx, func(tx fleet.Tx) error {
			remembered, err := reader.Load(ctx, tx)
			if err != nil {
				return err
			}
			fresh, err := Load(ctx, tx)
			for _, all := range [][]Release{remembered.Readable, fresh.Readable} {
				var said []string
				for _, r := range all {
					said = append(said, fmt.Sprintf("%s %d %s", r.Name, r.Counter, r.Packages[len(r.Packages)-1].Name))
				}
				if lines != nil && !slices.Equal(lines, said) {
					t.Errorf("the reader says %q, a fresh look %q", lines, said)
				}
				lines = said
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return lines
	}
	if got := read(); !slices.Equal(got, []string{"one 1 a.zip"}) {
		t.Errorf("at first: %q", got)
	}
	write(func(tx fleet.Tx) error {
		return tx.Releases().Save(ctx, stored("two", 2, fleet.ReleasePublished, "b"), fleet.ReleaseStaged)
	})
	if got := read(); !slices.Equal(got, []string{"two 2 b.zip", "one 1 a.zip"}) {
		t.Errorf("two is published: %q", got)
	}
	write(func(tx fleet.Tx) error {
		return tx.Releases().Save(ctx, stored("one", 1, fleet.ReleasePublished, "a", "b"), fleet.ReleasePublished)
	})
	if got := read(); !slices.Equal(got, []string{"two 2 b.zip", "one 1 b.zip"}) {
		t.Errorf("a package is added, as after a restored database: %q", got)
	}
}

// TestBoundsOfToday: what was published once is judged for ever, also by a program that draws its bounds tighter.
func TestBoundsOfToday(t *testing.T) {
	for what, tt := range map[string]struct {
		from, to string
		wants    string // in why it is unreadable, "" if it is read
	}{
		"a probe that nobody looks at": {"probes:", "probes:\n      - {name: unused, kind: bool}", ""},
		"no class":                     {"classes: [{name: quiet, kind: good}]", "classes: []", ""},
		"a long condition":             {"when: on", "when: on &&" + strings.Repeat(" ", 1000) + "on", ""},
		"a costly condition":           {"when: on", "when: on" + strings.Repeat(" || on", 100), ""},
		"no notes":                     {"notes: {en: off}", "notes: {}", ""},
		"not a condition":              {"when: on", "when: 7", "is of type int"},
		"an unknown key":               {"hours: 24", "days: 1", "days"},
		"of a later program":           {"schema: 2", "schema: 99", "schema is 99"},
	} {
		text := strings.Replace(defined, tt.from, tt.to, 1)
		if text == defined {
			t.Fatalf("%s: nothing was changed", what)
		}
		if _, err := release.Parse([]byte(text)); err == nil {
			t.Errorf("%s: may be published", what)
		}
		db := storetest.Open(t)
		r := fleet.Release{Name: "own", Counter: 1, Source: []byte(text), State: fleet.ReleasePublished,
			Packages: []fleet.PackageRef{pkg("a").Ref()}}
		all := load(t, db, r)
		switch {
		case tt.wants == "":
			if len(all.Unreadable) != 0 || len(all.Readable) != 1 || all.Readable[0].Program == nil {
				t.Errorf("%s: read as %+v", what, all)
			}
		case len(all.Readable) != 0 || len(all.Unreadable) != 1 || !strings.Contains(fmt.Sprint(all.Unreadable[0].Err), tt.wants):
			t.Errorf("%s: read as %+v, wanted %q", what, all, tt.wants)
		}
	}
	if _, err := release.Parse([]byte(defined)); err != nil {
		t.Errorf("as it is it may not be published: %v", err)
	}
}

// load stores releases and the packages a to c, and reads what is published.
func load(t *testing.T, db fleet.Store, releases ...fleet.Release) (all Releases) {
	t.Helper()
	if err := db.Update(ctx, func(tx fleet.Tx) (err error) {
		for _, letter := range []string{"a", "b", "c"} {
			err = errors.Join(err, tx.Packages().Put(ctx, pkg(letter)))
		}
		for _, r := range releases {
			err = errors.Join(err, tx.Releases().Create(ctx, r))
		}
		if err != nil {
			return err
		}
		all, err = Load(ctx, tx)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestUnreadable: a release that cannot be read takes no other with it. Its builds are known all the same, and of an older
// one what they show says nothing about a newer.
func TestUnreadable(t *testing.T) {
	db := storetest.Open(t)
	for what, spoil := range map[string]func(*fleet.Release){
		"damaged":           func(r *fleet.Release) { r.Source = []byte("schema: [") },
		"no condition":      func(r *fleet.Release) { r.Source = []byte(strings.Replace(defined, "when: on", "when: 7", 1)) },
		"a package is gone": func(r *fleet.Release) { r.Packages = append(r.Packages, pkg("x").Ref()) },
	} {
		db := storetest.Open(t)
		spoilt := stored("own", 1, fleet.ReleasePublished, "a")
		spoil(&spoilt)
		all := load(t, db, spoilt, stored("two", 2, fleet.ReleasePublished, "b"), stored("three", 3, fleet.ReleasePublished, "c"))
		if len(all.Readable) != 2 || len(all.Unreadable) != 1 {
			t.Fatalf("%s: read as %+v", what, all)
		}
		u := all.Unreadable[0]
		if u.Name != "own" || u.Counter != 1 || u.Program != nil || u.Err == nil || len(u.Packages) != 1 || u.Packages[0].Name != "a.zip" {
			t.Errorf("%s: read as %+v", what, u)
		}
		if _, ok := all.Standard("own", "armani"); ok {
			t.Errorf("%s: it is judged by", what)
		}
		by, ok := all.Standard("two", "armani")
		if !ok || len(by.Builds) != 2 || !slices.Equal(by.Older, []string{"a"}) {
			t.Errorf("%s: two is judged by %+v", what, by)
		}
		if len(all.Known()) != 3 {
			t.Errorf("%s: known are %+v", what, all.Known())
		}
	}
	// It is read once it can be.
	var reader Reader
	gone := stored("one", 1, fleet.ReleasePublished, "a", "x")
	load(t, db, gone)
	for _, arrives := range []bool{false, true} {
		if err := db.Update(ctx, func(tx fleet.Tx) error {
			if arrives {
				if err := tx.Packages().Put(ctx, pkg("x")); err != nil {
					return err
				}
			}
			all, err := reader.Load(ctx, tx)
			if (len(all.Readable) == 1) != arrives || (len(all.Unreadable) == 1) == arrives {
				t.Errorf("arrived %t: %+v", arrives, all)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
}

const defined = `schema: 2
release: own
counter: 1
effect:
  define:
    name: own
    probes:
      - {name: on, kind: bool}
    hours: 24
    migration: leave
    classes: [{name: quiet, kind: good}]
    rules:
      - {class: quiet, code: quiet, when: on}
    words:
      en:
        subject: It
        question: Is it?
        shown: It is.
        migration: {leave: It stays.}
        classes: {quiet: {name: Quiet, means: It is., tell: It is., still: "No.", do: Nothing.}}
        reasons: {quiet: quiet}
        probes: {on: {name: It, values: {"true": "yes"}}}
notes: {en: off}
`

func TestMissingPackagesAreNamedTogether(t *testing.T) {
	err := storetest.Open(t).View(ctx, func(tx fleet.Tx) error {
		_, err := Packages(ctx, tx, []fleet.PackageRef{{SHA256: "first"}, {SHA256: "second"}})
		return err
	})
	if !fleet.Is(err, fleet.NotFound) || !strings.Contains(err.Error(), "first or second") {
		t.Errorf("got %v", err)
	}
}

// TestDeclaredOnce: a declaration is read and made ready once, for whoever reads it.
func TestDeclaredOnce(t *testing.T) {
	first, err := Declared(source("once", 1), time.Time{}, time.Time{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Declared(source("once", 1), time.Time{}, time.Time{}, nil)
	if err != nil || first.Program == nil || first.Program != again.Program {
		t.Errorf("%p and %p, %v; wanted one program", first.Program, again.Program, err)
	}
}
