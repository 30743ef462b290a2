// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"

	"landed/server/fleet"
)

type packages struct{ q querier }

const packageColumns = `sha256, name, size, model, variant, channel, family, fingerprint, incremental, utc, pre_builds, facts, findings, by, at`

// Put implements fleet.Packages.
func (s packages) Put(ctx context.Context, p fleet.Package) error {
	pre, err := list(p.PreBuilds)
	if err != nil {
		return err
	}
	_, err = s.q.exec(ctx, `INSERT INTO packages (`+packageColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT (sha256) DO NOTHING`,
		p.SHA256, p.Name, p.Size, p.Model, p.Variant, p.Channel, p.Family, p.Build.Fingerprint, p.Build.Incremental, p.Build.UTC,
		pre, bytes(p.Facts), bytes(p.Findings), p.By, millis(p.At))
	if err == nil {
		return s.Forget(ctx, p.SHA256)
	}
	return conflict(err, "build_exists", "the build %s for %s on %s exists with other content; a build is made once. Give the new one its own version", p.Build.Fingerprint, p.Variant, p.Channel)
}

// Get implements fleet.Packages.
func (s packages) Get(ctx context.Context, sha256 string) (fleet.Package, error) {
	var p fleet.Package
	err := s.q.row(ctx, packageFields(&p), `SELECT `+packageColumns+` FROM packages WHERE sha256 = $1`, sha256)
	return p, notFound(err, "package_unknown", "no package with the SHA-256 %s was uploaded", sha256)
}

// List implements fleet.Packages.
func (s packages) List(ctx context.Context) ([]fleet.Package, error) {
	rows, err := s.q.query(ctx, `SELECT `+packageColumns+` FROM packages ORDER BY at DESC, sha256`)
	return collect(rows, err, func(scan func(...any) error) (p fleet.Package, err error) {
		return p, scan(packageFields(&p)...)
	})
}

// Remove implements fleet.Packages.
func (s packages) Remove(ctx context.Context, sha256 string) error {
	n, err := s.q.exec(ctx, `DELETE FROM packages WHERE sha256 = $1`, sha256)
	if err == nil && n == 0 {
		err = sql.ErrNoRows
	}
	if err != nil {
		return notFound(err, "package_unknown", "no package with the SHA-256 %s was uploaded", sha256)
	}
	_, err = s.q.exec(ctx, `INSERT INTO leftovers (sha256) VALUES ($1) ON CONFLICT DO NOTHING`, sha256)
	return err
}

// Leftovers implements fleet.Packages.
func (s packages) Leftovers(ctx context.Context) ([]string, error) {
	rows, err := s.q.query(ctx, `SELECT sha256 FROM leftovers ORDER BY sha256`)
	return collect(rows, err, func(scan func(...any) error) (sha256 string, err error) { return sha256, scan(&sha256) })
}

// Forget implements fleet.Packages.
func (s packages) Forget(ctx context.Context, sha256 string) error {
	_, err := s.q.exec(ctx, `DELETE FROM leftovers WHERE sha256 = $1`, sha256)
	return err
}

func packageFields(p *fleet.Package) []any {
	return []any{&p.SHA256, &p.Name, &p.Size, &p.Model, &p.Variant, &p.Channel, &p.Family, &p.Build.Fingerprint, &p.Build.Incremental, &p.Build.UTC,
		asList[string]{&p.PreBuilds}, &p.Facts, &p.Findings, &p.By, asTime{&p.At}}
}
