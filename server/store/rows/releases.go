// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"context"

	"landed/server/fleet"
)

type releases struct{ q Querier }

const releaseColumns = `name, counter, source, state, packages, change, by, at`

// Create implements fleet.Releases.
func (s releases) Create(ctx context.Context, r fleet.Release) error {
	packages, err := list(r.Packages)
	if err != nil {
		return err
	}
	_, err = s.q.Try(ctx, `INSERT INTO releases (`+releaseColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		r.Name, r.Counter, bytes(r.Source), r.State, packages, r.Change, r.By, millis(r.At))
	if err == nil {
		return record(ctx, s.q, "releases", r.Name)
	}
	return conflict(err, "release_exists", "a release named %s, or one with counter %d, exists; choose another name and "+
		"the next counter", r.Name, r.Counter)
}

// Get implements fleet.Releases.
func (s releases) Get(ctx context.Context, name string) (fleet.Release, error) {
	var r fleet.Release
	err := s.q.Row(ctx, releaseFields(&r), `SELECT `+releaseColumns+` FROM releases WHERE name = $1`, name)
	return r, notFound(err, "release_unknown", "there is no release named %s", name)
}

// Save implements fleet.Releases.
func (s releases) Save(ctx context.Context, r fleet.Release, from fleet.ReleaseState) error {
	packages, err := list(r.Packages)
	if err != nil {
		return err
	}
	n, err := s.q.Try(ctx, `UPDATE releases SET counter = $2, source = $3, state = $4, packages = $5, change = $6,
		by = $7, at = $8 WHERE name = $1 AND state = $9`,
		r.Name, r.Counter, bytes(r.Source), r.State, packages, r.Change, r.By, millis(r.At), from)
	if err != nil {
		return conflict(err, "release_exists", "another release has counter %d; choose the next one", r.Counter)
	}
	if n == 1 {
		return record(ctx, s.q, "releases", r.Name)
	}
	return s.moved(ctx, r.Name, from)
}

// Delete implements fleet.Releases.
func (s releases) Delete(ctx context.Context, name string, from fleet.ReleaseState) error {
	n, err := s.q.Exec(ctx, `DELETE FROM releases WHERE name = $1 AND state = $2`, name, from)
	if err != nil {
		return err
	}
	if n == 1 {
		return record(ctx, s.q, "releases", name)
	}
	return s.moved(ctx, name, from)
}

// moved says why nothing named name was found in the state from.
func (s releases) moved(ctx context.Context, name string, from fleet.ReleaseState) error {
	now, err := s.Get(ctx, name)
	if err != nil {
		return err
	}
	return fleet.Errorf(fleet.Conflict, "release_moved", "release %s is %s, it was taken to be %s; load it again",
		name, now.State, from)
}

// List implements fleet.Releases.
func (s releases) List(ctx context.Context) ([]fleet.Release, error) {
	rows, err := s.q.Query(ctx, `SELECT `+releaseColumns+` FROM releases ORDER BY counter DESC`)
	return Collect(rows, err, func(scan func(...any) error) (r fleet.Release, err error) {
		return r, scan(releaseFields(&r)...)
	})
}

func releaseFields(r *fleet.Release) []any {
	return []any{&r.Name, &r.Counter, &r.Source, &r.State, asList[fleet.PackageRef]{&r.Packages}, &r.Change,
		&r.By, asTime{&r.At}}
}
