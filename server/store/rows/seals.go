// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"landed/server/fleet"
)

// seals keeps the heads of all trees in control, also that of the reports: a publication speaks of them whatever became of
// the reports.
type seals struct{ q, reports Querier }

// Leaves implements fleet.Seals.
func (s seals) Leaves(ctx context.Context, tree fleet.Tree, after int64, limit int) ([]fleet.Leaf, error) {
	query, read := "", (func(func(...any) error) (fleet.Leaf, error))(nil)
	switch tree {
	case fleet.TreeReports:
		q, upTo, err := s.reports.Settled(ctx)
		if err != nil {
			return nil, err
		}
		rows, err := q.Query(ctx, everyReport(`WHERE r.n > $1 AND r.n <= $2`, `WHERE c.n > $1 AND c.n <= $2`)+` ORDER BY n LIMIT $3`,
			after, upTo, limit)
		return Collect(rows, err, reportLeaf)
	case fleet.TreeAudit:
		query, read = `SELECT `+auditColumns+` FROM audit`, auditLeaf
	case fleet.TreeRecords:
		query, read = `SELECT n, kind, key, sha256 FROM records`, recordLeaf
	default:
		return nil, fmt.Errorf("there is no tree %q", tree)
	}
	rows, err := s.q.Query(ctx, query+` WHERE n > $1 ORDER BY n LIMIT $2`, after, limit)
	return Collect(rows, err, read)
}

// reportLeaf is the same for a compact report, which gives back the envelope as it came, and for one whose body was dropped.
func reportLeaf(scan func(...any) error) (l fleet.Leaf, err error) {
	n, r, err := scanReport(scan)
	if err != nil {
		return l, err
	}
	sum := r.Sum
	if !r.Dropped() {
		of := sha256.Sum256(r.Envelope)
		sum = of[:]
	}
	l.N = n
	l.Data = binary.BigEndian.AppendUint64(nil, uint64(n))
	l.Data = binary.BigEndian.AppendUint64(l.Data, uint64(millis(r.At)/time.Hour.Milliseconds()))
	l.Data = append(l.Data, sum...)
	return l, nil
}

// auditLeaf has the fields by name, as a JSON object of Go writes them: sorted, without white space.
func auditLeaf(scan func(...any) error) (l fleet.Leaf, err error) {
	var at int64
	var actor, action, subject, reason string
	if err := scan(&l.N, &at, &actor, &action, &subject, &reason); err != nil {
		return l, err
	}
	l.Data, err = json.Marshal(map[string]any{"n": l.N, "at": at, "actor": actor, "action": action, "subject": subject,
		"reason": reason})
	return l, err
}

func recordLeaf(scan func(...any) error) (l fleet.Leaf, err error) {
	var kind, key, sum string
	if err := scan(&l.N, &kind, &key, &sum); err != nil {
		return l, err
	}
	l.Data, err = json.Marshal(map[string]any{"n": l.N, "kind": kind, "key": key, "sha256": sum})
	return l, err
}

const headColumns = `tree, size, n, root, at, nth`

// Latest implements fleet.Seals.
func (s seals) Latest(ctx context.Context, tree fleet.Tree) (h fleet.Head, frontier [][]byte, err error) {
	h.Tree = tree
	err = s.q.Row(ctx, headFields(&h), `SELECT `+headColumns+` FROM heads WHERE tree = $1 ORDER BY size DESC LIMIT 1`, tree)
	if errors.Is(err, ErrNoRows) {
		return h, nil, nil
	}
	if err != nil {
		return h, nil, err
	}
	var hashes []byte
	err = s.q.Row(ctx, []any{&hashes}, `SELECT hashes FROM frontiers WHERE tree = $1`, tree)
	if err != nil && !errors.Is(err, ErrNoRows) {
		return h, nil, err
	}
	return h, slices.Collect(slices.Chunk(hashes, sha256.Size)), nil
}

// Heads implements fleet.Seals.
func (s seals) Heads(ctx context.Context, tree fleet.Tree, after int64, limit int) ([]fleet.Head, error) {
	rows, err := s.q.Query(ctx, `SELECT `+headColumns+` FROM heads WHERE tree = $1 AND size > $2 ORDER BY size LIMIT $3`,
		tree, after, limit)
	return Collect(rows, err, func(scan func(...any) error) (h fleet.Head, err error) { return h, scan(headFields(&h)...) })
}

// Put implements fleet.Seals.
func (s seals) Put(ctx context.Context, h fleet.Head, frontier [][]byte) error {
	if _, err := s.q.Try(ctx, `INSERT INTO heads (`+headColumns+`) VALUES ($1, $2, $3, $4, $5,
		1 + (SELECT coalesce(max(nth), 0) FROM heads WHERE tree = $1))`, string(h.Tree), h.Size, h.N, h.Root, millis(h.At)); err != nil {
		return conflict(err, "head_exists", "the tree %s has a head of %d leaves already", h.Tree, h.Size)
	}
	_, err := s.q.Exec(ctx, `INSERT INTO frontiers (tree, hashes) VALUES ($1, $2)
		ON CONFLICT (tree) DO UPDATE SET hashes = excluded.hashes`, string(h.Tree), slices.Concat(frontier...))
	return err
}

func headFields(h *fleet.Head) []any {
	return []any{&h.Tree, &h.Size, &h.N, &h.Root, asTime{&h.At}, &h.Nth}
}
