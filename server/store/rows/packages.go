// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"landed/server/fleet"
)

type packages struct{ q Querier }

const packageColumns = `sha256, name, size, model, variant, channel, family, fingerprint, incremental, utc, pre_builds,
	facts, findings, by, at`

// Put implements fleet.Packages.
func (s packages) Put(ctx context.Context, p fleet.Package) error {
	pre, err := list(p.PreBuilds)
	if err != nil {
		return err
	}
	_, err = s.q.Try(ctx, `INSERT INTO packages (`+packageColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
		ON CONFLICT (sha256, model, channel) DO NOTHING`,
		p.SHA256, p.Name, p.Size, p.Model, p.Variant, p.Channel, p.Family, p.Build.Fingerprint,
		p.Build.Incremental, p.Build.UTC, pre, bytes(p.Facts), bytes(p.Findings), p.By, millis(p.At))
	if err == nil {
		return errors.Join(record(ctx, s.q, "packages", p.Ref().String()), s.Forget(ctx, p.SHA256))
	}
	return conflict(err, "build_exists", "the build %s for %s on %s exists with other content; a build is made once. "+
		"Give the new one its own version", p.Build.Fingerprint, p.Variant, p.Channel)
}

// Get implements fleet.Packages.
func (s packages) Get(ctx context.Context, ref fleet.PackageRef) (fleet.Package, error) {
	all, err := s.list(ctx, `SELECT `+packageColumns+` FROM packages
		WHERE sha256 = $1 AND ($2 = '' OR model = $2) AND ($3 = '' OR channel = $3)
		ORDER BY model, channel`, ref.SHA256, ref.Model, ref.Channel)
	switch {
	case err != nil:
		return fleet.Package{}, err
	case len(all) == 1:
		return all[0], nil
	case len(all) == 0 && ref.Model+ref.Channel != "":
		return fleet.Package{}, fleet.Errorf(fleet.NotFound, "package_unknown", "there is no package with the "+
			"SHA-256 %s for %s on %s", ref.SHA256, cmp.Or(ref.Model, "any model"), cmp.Or(ref.Channel, "any channel"))
	case len(all) == 0:
		return fleet.Package{}, fleet.Errorf(fleet.NotFound, "package_unknown", "no package with the SHA-256 %s was uploaded",
			ref.SHA256)
	}
	var names []string
	for _, p := range all {
		names = append(names, p.Ref().String())
	}
	return fleet.Package{}, fleet.Errorf(fleet.Conflict, "package_ambiguous", "these bytes are %d "+
		"packages; say which one: %s", len(all), strings.Join(names, ", "))
}

// BySHA256 implements fleet.Packages.
func (s packages) BySHA256(ctx context.Context, sha256 string) ([]fleet.Package, error) {
	return s.list(ctx, `SELECT `+packageColumns+` FROM packages WHERE sha256 = $1 ORDER BY model, channel`, sha256)
}

// List implements fleet.Packages.
func (s packages) List(ctx context.Context) ([]fleet.Package, error) {
	return s.list(ctx, `SELECT `+packageColumns+` FROM packages ORDER BY at DESC, sha256, model, channel`)
}

func (s packages) list(ctx context.Context, text string, args ...any) ([]fleet.Package, error) {
	rows, err := s.q.Query(ctx, text, args...)
	return Collect(rows, err, func(scan func(...any) error) (p fleet.Package, err error) {
		return p, scan(packageFields(&p)...)
	})
}

// Remove implements fleet.Packages.
func (s packages) Remove(ctx context.Context, ref fleet.PackageRef) error {
	p, err := s.Get(ctx, ref)
	if err != nil {
		return err
	}
	if _, err := s.q.Exec(ctx, `DELETE FROM packages
		WHERE sha256 = $1 AND model = $2 AND channel = $3`, p.SHA256, p.Model, p.Channel); err != nil {
		return err
	}
	if err := record(ctx, s.q, "packages", p.Ref().String()); err != nil {
		return err
	}
	_, err = s.q.Exec(ctx, `INSERT INTO leftovers (sha256) SELECT CAST($1 AS TEXT)
		WHERE NOT EXISTS (SELECT 1 FROM packages WHERE sha256 = $1)
		ON CONFLICT DO NOTHING`, p.SHA256)
	return err
}

// Leftovers implements fleet.Packages.
func (s packages) Leftovers(ctx context.Context) ([]string, error) {
	rows, err := s.q.Query(ctx, `SELECT sha256 FROM leftovers ORDER BY sha256`)
	return Collect(rows, err, func(scan func(...any) error) (sha256 string, err error) { return sha256, scan(&sha256) })
}

// Forget implements fleet.Packages.
func (s packages) Forget(ctx context.Context, sha256 string) error {
	_, err := s.q.Exec(ctx, `DELETE FROM leftovers WHERE sha256 = $1`, sha256)
	return err
}

// Incoming implements fleet.Packages.
func (s packages) Incoming(ctx context.Context, sha256, note string, ttl time.Duration) error {
	now, err := s.q.Now(ctx)
	if err != nil {
		return err
	}
	var n int
	if err := s.q.Row(ctx, []any{&n}, `SELECT count(*) FROM leftovers WHERE sha256 = $1 AND deleting > $2`, sha256,
		millis(now)); err != nil {
		return err
	}
	if n > 0 {
		return fleet.Errorf(fleet.Busy, "content_deleting", "the same bytes were removed a moment ago and are being deleted; send "+
			"the file again in a minute")
	}
	if _, err := s.q.Exec(ctx, `DELETE FROM incoming WHERE until <= $1`, millis(now)); err != nil {
		return err
	}
	_, err = s.q.Exec(ctx, `INSERT INTO incoming (sha256, note, until) VALUES ($1, $2, $3)
		ON CONFLICT (sha256, note) DO UPDATE SET until = excluded.until`, sha256, note, millis(now.Add(ttl)))
	return err
}

// Arrived implements fleet.Packages.
func (s packages) Arrived(ctx context.Context, sha256, note string) error {
	now, err := s.q.Now(ctx)
	if err != nil {
		return err
	}
	n, err := s.q.Exec(ctx, `DELETE FROM incoming WHERE sha256 = $1 AND note = $2 AND until > $3`, sha256, note, millis(now))
	if err == nil && n == 0 {
		err = fleet.Errorf(fleet.Busy, "upload_late", "to store the bytes took so long that somebody may have deleted them "+
			"meanwhile; send the file again")
	}
	return err
}

// Deleting implements fleet.Packages.
func (s packages) Deleting(ctx context.Context, sha256 string, ttl time.Duration) (bool, error) {
	now, err := s.q.Now(ctx)
	if err != nil {
		return false, err
	}
	var n int
	if err := s.q.Row(ctx, []any{&n}, `SELECT count(*) FROM incoming WHERE sha256 = $1 AND until > $2`, sha256,
		millis(now)); err != nil || n > 0 {
		return false, err
	}
	changed, err := s.q.Exec(ctx, `UPDATE leftovers SET deleting = $1 WHERE sha256 = $2 AND deleting <= $3`,
		millis(now.Add(ttl)), sha256, millis(now))
	return changed > 0, err
}

func packageFields(p *fleet.Package) []any {
	return []any{&p.SHA256, &p.Name, &p.Size, &p.Model, &p.Variant, &p.Channel, &p.Family, &p.Build.Fingerprint,
		&p.Build.Incremental, &p.Build.UTC, asList[string]{&p.PreBuilds}, &p.Facts, &p.Findings, &p.By, asTime{&p.At}}
}
