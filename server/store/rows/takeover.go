// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
)

// Taken is what became of one table: how many rows the source has and their digest, and how many were written or taken
// out to have the same ones.
type Taken struct {
	Half    Half
	Table   string
	Rows    int64
	Digest  string
	Written int64
	Removed int64
}

// PageRows is how many rows are read, and written in one transaction.
const PageRows = 500

// side is one of the two databases, in one half.
type side struct {
	Table
	read  func(context.Context, func(Querier) error) error
	page  [][]any
	at    int
	last  []any
	ended bool
}

// peek is the next row; nil after the last one.
func (s *side) peek(ctx context.Context) ([]any, error) {
	if s.at == len(s.page) && !s.ended {
		if err := s.read(ctx, func(q Querier) (err error) {
			s.page, err = s.Table.page(ctx, q, s.last, PageRows)
			return err
		}); err != nil {
			return nil, err
		}
		s.at, s.ended = 0, len(s.page) < PageRows
		if len(s.page) > 0 {
			s.last = s.keys(s.page[len(s.page)-1])
		}
	}
	if s.at == len(s.page) {
		return nil, nil
	}
	return s.page[s.at], nil
}

// compareKeys orders rows as both engines do: text byte by byte.
func compareKeys(a, b []any) int {
	for n := range a {
		c := 0
		switch v := a[n].(type) {
		case int64:
			w, _ := b[n].(int64)
			c = cmp.Compare(v, w)
		default:
			c = cmp.Compare(fmt.Sprintf("%s", v), fmt.Sprintf("%s", b[n]))
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// walk goes through two tables in the order of their keys. here and there are rows of the same key, or one is nil.
func walk(ctx context.Context, from, to *side, fn func(here, there []any) error) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		here, err1 := from.peek(ctx)
		there, err2 := to.peek(ctx)
		if err := errors.Join(err1, err2); err != nil || here == nil && there == nil {
			return err
		}
		order := 0
		switch {
		case here == nil:
			order = 1
		case there == nil:
			order = -1
		default:
			order = compareKeys(from.keys(here), to.keys(there))
		}
		if order < 0 {
			there = nil
		}
		if order > 0 {
			here = nil
		}
		if here != nil {
			from.at++
		}
		if there != nil {
			to.at++
		}
		if err := fn(here, there); err != nil {
			return err
		}
	}
}

// sum is the digest of a table: of the digests of its rows, in the order of their keys.
type sum struct {
	names []string
	rows  int64
	hash.Hash
}

func newSum(t Table) *sum { return &sum{t.Columns, 0, sha256.New()} }

func (s *sum) add(row []any) {
	s.rows++
	s.Write([]byte(digestOf(s.names, row)))
}

func (s *sum) String() string { return hex.EncodeToString(s.Sum(nil)) }
