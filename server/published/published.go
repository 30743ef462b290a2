// SPDX-License-Identifier: Apache-2.0

// Package published reads the releases that are published, with their packages.
//
// Parties: whoever needs to know what was released: intake and the support pages, which judge by
// it, and the library, which refuses what would undo it. It promises one reading for all of them,
// in the transaction of the caller; that one release which cannot be read takes none of the others with it; and that every
// missing package is named at once. It refuses drafts and releases that still wait for signatures.
package published

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"landed/internal/recent"
	"landed/manifests/effect"
	"landed/manifests/release"
	"landed/server/fleet"
)

// Release is a published release as it was declared, the packages bound to it, without their facts and findings, and
// its effect, ready to judge.
type Release struct {
	release.Release
	At       time.Time // when it was made
	Out      time.Time // when the metadata came out that lists its packages; zero if that is not known
	Packages []fleet.Package
	Program  *effect.Program // nil if the release claims nothing
}

// Releases are what is published at one moment.
type Releases struct {
	Readable   []Release    // newest first
	Unreadable []Unreadable // newest first
}

// Unreadable is a published release that this program cannot judge by: a later program published it, or what is stored of
// it is damaged. What is known of it is its name, its counter, the packages that are there, and the rest of what it
// declares if that can be read. It has no Program.
type Unreadable struct {
	Release
	Err error // why
}

// Known is all that is published, as far as it can be read: builds of an unreadable release are builds all the same.
func (r Releases) Known() []Release {
	known := slices.Clone(r.Readable)
	for _, u := range r.Unreadable {
		known = append(known, u.Release)
	}
	return known
}

// Load reads every published release.
func Load(ctx context.Context, tx fleet.Tx) (Releases, error) { return new(Reader).Load(ctx, tx) }

// Reader is a Load that remembers what it read, for callers that ask at every request: a published
// release changes no more, so only new ones are read. It holds what is published, and nothing
// else. The zero Reader is ready; it may be used by any number of goroutines.
type Reader struct {
	mu    sync.Mutex
	known map[string]known // by name
}

type known struct {
	source  []byte
	refs    []fleet.PackageRef
	release Release
	err     error // it is unreadable
}

// Load reads every published release. What it returns must not be changed. Its error is that of the store; a release that
// cannot be read is none.
func (r *Reader) Load(ctx context.Context, tx fleet.Tx) (Releases, error) {
	var found Releases
	all, err := tx.Releases().List(ctx)
	if err != nil {
		return found, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := map[string]known{}
	for _, stored := range all {
		if stored.State != fleet.ReleasePublished {
			continue
		}
		k, ok := r.known[stored.Name]
		if !ok || !bytes.Equal(k.source, stored.Source) || !slices.Equal(k.refs, stored.Packages) {
			if k, err = read(ctx, tx, stored); err != nil {
				return found, err
			}
		}
		if !fleet.Is(k.err, fleet.NotFound) { // a package that is missing may come
			now[stored.Name] = k
		}
		if k.err != nil {
			found.Unreadable = append(found.Unreadable, Unreadable{k.release, fmt.Errorf("release %s: %w", stored.Name, k.err)})
			continue
		}
		found.Readable = append(found.Readable, k.release)
	}
	r.known = now
	return found, nil
}

// Read reads one published release. Its error says why it cannot be read.
func Read(ctx context.Context, tx fleet.Tx, stored fleet.Release) (Release, error) {
	k, err := read(ctx, tx, stored)
	switch {
	case err != nil:
		return Release{}, err
	case fleet.Is(k.err, fleet.NotFound):
		return Release{}, k.err
	case k.err != nil:
		return Release{}, fleet.Errorf(fleet.Conflict, "release_unreadable", "release %s is published, and this program cannot "+
			"read it: %s. A later program may have published it: run that one", stored.Name, fleet.InOneLine(k.err))
	}
	return k.release, nil
}

// Declared is a published release of which all is at hand: what it declared, when it was made and when it came out, and its
// packages.
func Declared(source []byte, at, out time.Time, packages []fleet.Package) (Release, error) {
	d, err := declared(source)
	return Release{Release: d.release, At: at, Out: out, Packages: packages, Program: d.program}, err
}

// declarations are those of the releases that were read last. Intake, the support pages, the daily tally and each upload read what
// is published, and to make the conditions of an effect ready costs more than all else of it; they may share it.
var declarations = recent.New[declaration](128)

type declaration struct {
	release release.Release
	parsed  bool // or release is as far as it could be read
	program *effect.Program
}

// declared reads a declaration. It must not be changed: others have it too. What could be read of one that has a fault is there
// beside the error.
func declared(source []byte) (declaration, error) {
	return declarations.Do(source, 1, func() (d declaration, err error) {
		d.release, err = release.ParsePublished(source)
		if d.parsed = err == nil; d.parsed && d.release.Effect != nil {
			d.program, err = effect.CompilePublished(*d.release.Effect)
		}
		return d, err
	})
}

// read reads one release. The error is that of the store.
func read(ctx context.Context, tx fleet.Tx, stored fleet.Release) (known, error) {
	k := known{source: stored.Source, refs: stored.Packages}
	d, err := declared(stored.Source)
	if !d.parsed {
		d.release = release.Release{Name: stored.Name, Counter: stored.Counter}
	}
	k.release, k.err = Release{Release: d.release, At: stored.At, Program: d.program}, err
	if k.release.Out, err = out(ctx, tx, stored.Change); err != nil {
		return k, err
	}
	packages, missing, err := gather(ctx, tx, stored.Packages)
	if err != nil {
		return k, err
	}
	if missing != nil {
		k.release.Program, k.err = nil, missing
	}
	for _, p := range packages {
		p.Facts, p.Findings = nil, nil // large, and they were looked at when it was uploaded
		k.release.Packages = append(k.release.Packages, p)
	}
	return k, nil
}

// out is when the first of the roles of a change was published.
func out(ctx context.Context, tx fleet.Tx, id string) (first time.Time, err error) {
	change, err := tx.Changes().Get(ctx, id)
	if fleet.Is(err, fleet.NotFound) { // taken up from a feed after a restore
		return first, nil
	}
	for _, r := range change.Roles {
		m, err := tx.Metadata().Get(ctx, r.Role, r.Version)
		if fleet.Is(err, fleet.NotFound) {
			continue
		}
		if err != nil {
			return first, err
		}
		if first.IsZero() || m.At.Before(first) {
			first = m.At
		}
	}
	return first, err
}

// Packages reads packages; each that is missing is named in one NotFound.
func Packages(ctx context.Context, tx fleet.Tx, refs []fleet.PackageRef) ([]fleet.Package, error) {
	all, missing, err := gather(ctx, tx, refs)
	if err := cmp.Or(err, missing); err != nil {
		return nil, err
	}
	return all, nil
}

// gather reads those packages that are there; missing is a NotFound that names the others.
func gather(ctx context.Context, tx fleet.Tx, refs []fleet.PackageRef) (all []fleet.Package, missing, err error) {
	var absent []string
	for _, ref := range refs {
		pkg, err := tx.Packages().Get(ctx, ref)
		switch {
		case fleet.Is(err, fleet.NotFound):
			absent = append(absent, ref.String())
		case err != nil:
			return nil, nil, err
		default:
			all = append(all, pkg)
		}
	}
	if len(absent) > 0 {
		missing = fleet.Errorf(fleet.NotFound, "package_missing", "no package has the SHA-256 %s; upload it first",
			strings.Join(absent, " or "))
	}
	return all, missing, nil
}
