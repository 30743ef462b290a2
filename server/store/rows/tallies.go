// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"landed/server/fleet"
)

type tallies struct{ q Querier }

const contentsColumns = `number, take, format, at, kinds`

// Begin implements fleet.Tallies. It is not recorded: nothing that is given follows from it.
func (s tallies) Begin(ctx context.Context, take string) error {
	_, err := s.q.Exec(ctx, `INSERT INTO tally_under_way (one, take) VALUES (1, $1)
		ON CONFLICT (one) DO UPDATE SET take = excluded.take`, take)
	return err
}

// Under implements fleet.Tallies.
func (s tallies) Under(ctx context.Context) (take string, err error) {
	err = s.q.Row(ctx, []any{&take}, `SELECT take FROM tally_under_way`)
	if errors.Is(err, ErrNoRows) {
		return "", nil
	}
	return take, err
}

// Put implements fleet.Tallies.
func (s tallies) Put(ctx context.Context, c fleet.TallyContents) error {
	under, err := s.Under(ctx)
	if err != nil {
		return err
	}
	if under != c.Take {
		return fleet.Errorf(fleet.Conflict, "take_late", "another take of a tally began since this one did")
	}
	kinds, err := json.Marshal(c.Kinds) // in the order of their names
	if err != nil {
		return err
	}
	n, err := s.q.Exec(ctx, `INSERT INTO tally_contents (`+contentsColumns+`) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		c.Number, c.Take, c.Format, millis(c.At), string(kinds))
	if err == nil && n == 0 {
		err = fleet.Errorf(fleet.Conflict, "take_late", "tally %d is given from another take already", c.Number)
	}
	if err != nil {
		return err
	}
	return record(ctx, s.q, "tally_contents", strconv.FormatInt(c.Number, 10))
}

// Of implements fleet.Tallies.
func (s tallies) Of(ctx context.Context, number int64) (fleet.TallyContents, error) {
	all, err := s.list(ctx, `WHERE number = $1`, number)
	if err == nil && len(all) == 0 {
		err = fleet.Errorf(fleet.NotFound, "tally_elsewhere", "what is given with tally %d is not in the database", number)
	}
	if err != nil {
		return fleet.TallyContents{}, err
	}
	return all[0], nil
}

// Newest implements fleet.Tallies.
func (s tallies) Newest(ctx context.Context, limit int) ([]fleet.TallyContents, error) {
	return s.list(ctx, `ORDER BY number DESC LIMIT $1`, limit)
}

func (s tallies) list(ctx context.Context, which string, args ...any) ([]fleet.TallyContents, error) {
	rows, err := s.q.Query(ctx, `SELECT `+contentsColumns+` FROM tally_contents `+which, args...)
	return Collect(rows, err, func(scan func(...any) error) (c fleet.TallyContents, err error) {
		var kinds string
		if err = scan(&c.Number, &c.Take, &c.Format, asTime{&c.At}, &kinds); err == nil {
			err = json.Unmarshal([]byte(kinds), &c.Kinds)
		}
		return c, err
	})
}

// tallyPieces are no figures and no reports: the row of control says what they add up to.
type tallyPieces struct{ q Querier }

var insertPieces = &Insert{"tally_pieces", "take, kind, name, sum, bytes", ""}

// Put implements fleet.TallyPieces.
func (s tallyPieces) Put(ctx context.Context, pieces ...fleet.TallyPiece) error {
	if len(pieces) == 0 {
		return nil
	}
	rows := make([][]any, len(pieces))
	for n, p := range pieces {
		sum := sha256.Sum256(p.Bytes)
		rows[n] = []any{p.Take, p.Kind, p.Name, hex.EncodeToString(sum[:]), p.Bytes}
	}
	_, err := s.q.Insert(ctx, insertPieces, rows)
	return err
}

// Before implements fleet.TallyPieces.
func (s tallyPieces) Before(ctx context.Context, take, kind, name string) (fleet.TallyPiece, error) {
	all, err := s.list(ctx, take, kind, `name <= $3 ORDER BY name DESC`, name, 1)
	if err == nil && len(all) == 0 {
		err = fleet.Errorf(fleet.NotFound, "tally_piece", "there is no such piece of the tally")
	}
	if err != nil {
		return fleet.TallyPiece{}, err
	}
	return all[0], nil
}

// After implements fleet.TallyPieces.
func (s tallyPieces) After(ctx context.Context, take, kind, name string, limit int) ([]fleet.TallyPiece, error) {
	return s.list(ctx, take, kind, `name > $3 ORDER BY name`, name, limit)
}

func (s tallyPieces) list(ctx context.Context, take, kind, which, name string, limit int) ([]fleet.TallyPiece, error) {
	rows, err := s.q.Query(ctx, `SELECT take, kind, name, sum, bytes FROM tally_pieces WHERE take = $1 AND kind = $2 AND `+which+
		` LIMIT $4`, take, kind, name, limit)
	return Collect(rows, err, func(scan func(...any) error) (p fleet.TallyPiece, err error) {
		var sum string
		if err = scan(&p.Take, &p.Kind, &p.Name, &sum, &p.Bytes); err != nil {
			return p, err
		}
		if of := sha256.Sum256(p.Bytes); hex.EncodeToString(of[:]) != sum {
			return p, fleet.TallyDamaged(fmt.Errorf("piece %q of kind %s, take %s, has another SHA-256", p.Name, p.Kind, p.Take))
		}
		return p, nil
	})
}

// Sums implements fleet.TallyPieces.
func (s tallyPieces) Sums(ctx context.Context, take, kind, name string, limit int) ([][2]string, error) {
	rows, err := s.q.Query(ctx, `SELECT name, sum FROM tally_pieces WHERE take = $1 AND kind = $2 AND name > $3 ORDER BY name LIMIT $4`,
		take, kind, name, limit)
	return Collect(rows, err, func(scan func(...any) error) (one [2]string, err error) { return one, scan(&one[0], &one[1]) })
}

// Takes implements fleet.TallyPieces. Each is found by a step in the key.
func (s tallyPieces) Takes(ctx context.Context) ([]string, error) {
	rows, err := s.q.Query(ctx, `WITH RECURSIVE takes(take) AS (SELECT min(take) FROM tally_pieces
		UNION ALL SELECT (SELECT min(p.take) FROM tally_pieces p WHERE p.take > takes.take) FROM takes WHERE takes.take IS NOT NULL)
		SELECT take FROM takes WHERE take IS NOT NULL`)
	return Collect(rows, err, func(scan func(...any) error) (take string, err error) { return take, scan(&take) })
}

// Count implements fleet.TallyPieces.
func (s tallyPieces) Count(ctx context.Context, take string) (map[string]int64, error) {
	rows, err := s.q.Query(ctx, `SELECT kind, count(*) FROM tally_pieces WHERE take = $1 GROUP BY kind`, take)
	all := map[string]int64{}
	err = Each(rows, err, func(r Rows) error {
		var kind string
		var n int64
		err := r.Scan(&kind, &n)
		all[kind] = n
		return err
	})
	return all, err
}

// Drop implements fleet.TallyPieces.
func (s tallyPieces) Drop(ctx context.Context, take, kind string, limit int) (int, error) {
	n, err := s.q.Exec(ctx, `DELETE FROM tally_pieces WHERE take = $1 AND kind = $2 AND name IN
		(SELECT name FROM tally_pieces WHERE take = $1 AND kind = $2 ORDER BY name LIMIT $3)`, take, kind, limit)
	return int(n), err
}
