// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"context"
	"strconv"

	"landed/server/fleet"
)

type metadata struct{ q Querier }

const metadataColumns = `role, version, bytes, expires, at`

// Put implements fleet.MetadataFiles. The same file again is no error.
func (s metadata) Put(ctx context.Context, m fleet.Metadata) error {
	n, err := s.q.Exec(ctx, `INSERT INTO metadata (`+metadataColumns+`) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (role, version) DO NOTHING`,
		m.Role, m.Version, bytes(m.Bytes), millis(m.Expires), millis(m.At))
	if err != nil {
		return err
	}
	if n == 1 {
		return record(ctx, s.q, "metadata", m.Role+" "+strconv.FormatInt(m.Version, 10))
	}
	old, err := s.Get(ctx, m.Role, m.Version)
	if err == nil && string(old.Bytes) != string(m.Bytes) {
		return fleet.Errorf(fleet.Conflict, "version_used", "version %d of role %s was published with other bytes; a "+
			"version is never used twice", m.Version, m.Role)
	}
	return err
}

// Get implements fleet.MetadataFiles.
func (s metadata) Get(ctx context.Context, role string, version int64) (fleet.Metadata, error) {
	var m fleet.Metadata
	err := s.q.Row(ctx, metadataFields(&m), `SELECT `+metadataColumns+` FROM metadata WHERE role = $1 AND version = $2`,
		role, version)
	return m, notFound(err, "metadata_unknown", "there is no version %d of role %s", version, role)
}

// Latest implements fleet.MetadataFiles.
func (s metadata) Latest(ctx context.Context, role string) (fleet.Metadata, error) {
	var m fleet.Metadata
	err := s.q.Row(ctx, metadataFields(&m), `SELECT `+metadataColumns+` FROM metadata
		WHERE role = $1 ORDER BY version DESC LIMIT 1`, role)
	return m, notFound(err, "metadata_unknown", "role %s was never published", role)
}

// LatestAll implements fleet.MetadataFiles.
func (s metadata) LatestAll(ctx context.Context) ([]fleet.Metadata, error) {
	return s.list(ctx, `SELECT `+metadataColumns+` FROM metadata m
		WHERE version = (SELECT max(version) FROM metadata WHERE role = m.role) ORDER BY role`)
}

// All implements fleet.MetadataFiles.
func (s metadata) All(ctx context.Context, role string) ([]fleet.Metadata, error) {
	return s.list(ctx, `SELECT `+metadataColumns+` FROM metadata WHERE role = $1 ORDER BY version`, role)
}

func (s metadata) list(ctx context.Context, text string, args ...any) ([]fleet.Metadata, error) {
	rows, err := s.q.Query(ctx, text, args...)
	return Collect(rows, err, func(scan func(...any) error) (m fleet.Metadata, err error) {
		return m, scan(metadataFields(&m)...)
	})
}

func metadataFields(m *fleet.Metadata) []any {
	return []any{&m.Role, &m.Version, &m.Bytes, asTime{&m.Expires}, asTime{&m.At}}
}
