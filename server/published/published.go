// SPDX-License-Identifier: Apache-2.0

// Package published reads the releases that are published, with their packages.
//
// Parties: whoever needs to know what was released: intake and the support pages, which judge by
// it, and the library, which refuses what would undo it. It promises one reading for all of them,
// in the transaction of the caller, and that every missing package is named at once. It refuses
// drafts and releases that still wait for signatures.
package published

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"landed/manifests/effect"
	"landed/manifests/release"
	"landed/server/fleet"
)

// Release is a published release as it was declared, the packages bound to it, without their facts and findings, and
// its effect, ready to judge.
type Release struct {
	release.Release
	At       time.Time // when it was made
	Packages []fleet.Package
	Program  *effect.Program // nil if the release claims nothing
}

// Load reads every published release, newest first.
func Load(ctx context.Context, tx fleet.Tx) ([]Release, error) { return new(Reader).Load(ctx, tx) }

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
}

// Load reads every published release, newest first. What it returns must not be changed.
func (r *Reader) Load(ctx context.Context, tx fleet.Tx) ([]Release, error) {
	all, err := tx.Releases().List(ctx)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := map[string]known{}
	var found []Release
	for _, stored := range all {
		if stored.State != fleet.ReleasePublished {
			continue
		}
		k, ok := r.known[stored.Name]
		if !ok || !bytes.Equal(k.source, stored.Source) || !slices.Equal(k.refs, stored.Packages) {
			if k, err = read(ctx, tx, stored); err != nil {
				return nil, err
			}
		}
		now[stored.Name] = k
		found = append(found, k.release)
	}
	r.known = now
	return found, nil
}

func read(ctx context.Context, tx fleet.Tx, stored fleet.Release) (known, error) {
	declared, err := release.ParsePublished(stored.Source)
	if err != nil {
		return known{}, fmt.Errorf("release %s: %w", stored.Name, err)
	}
	var program *effect.Program
	if declared.Effect != nil {
		if program, err = effect.CompilePublished(*declared.Effect); err != nil {
			return known{}, fmt.Errorf("release %s: %w", stored.Name, err)
		}
	}
	packages, err := Packages(ctx, tx, stored.Packages)
	if err != nil {
		return known{}, fmt.Errorf("release %s: %w", stored.Name, err)
	}
	for i := range packages {
		packages[i].Facts, packages[i].Findings = nil, nil // large, and they were looked at when it was uploaded
	}
	return known{stored.Source, stored.Packages, Release{Release: declared, At: stored.At, Packages: packages, Program: program}}, nil
}

// Packages reads packages; each that is missing is named in one NotFound.
func Packages(ctx context.Context, tx fleet.Tx, refs []fleet.PackageRef) ([]fleet.Package, error) {
	var all []fleet.Package
	var missing []string
	for _, ref := range refs {
		pkg, err := tx.Packages().Get(ctx, ref)
		switch {
		case fleet.Is(err, fleet.NotFound):
			missing = append(missing, ref.String())
		case err != nil:
			return nil, err
		default:
			all = append(all, pkg)
		}
	}
	if len(missing) > 0 {
		return nil, fleet.Errorf(fleet.NotFound, "package_missing", "no package has the SHA-256 %s; upload it first",
			strings.Join(missing, " or "))
	}
	return all, nil
}
