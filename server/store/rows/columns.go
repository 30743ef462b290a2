// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"database/sql"
	"encoding/json"
	"slices"
	"time"

	"landed/server/fleet"
)

// millis is how a time is stored: milliseconds since 1970, 0 for no time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// asTime scans such a column.
type asTime struct{ into *time.Time }

// Scan implements sql.Scanner.
func (a asTime) Scan(v any) error {
	var n sql.NullInt64
	if err := n.Scan(v); err != nil {
		return err
	}
	*a.into = time.Time{}
	if n.Int64 != 0 {
		*a.into = time.UnixMilli(n.Int64).UTC()
	}
	return nil
}

// bit is how a flag is stored among numbers.
func bit(is bool) int64 {
	if is {
		return 1
	}
	return 0
}

// asBit scans such a column.
type asBit struct{ into *bool }

// Scan implements sql.Scanner.
func (a asBit) Scan(v any) error {
	var n sql.NullInt64
	err := n.Scan(v)
	*a.into = n.Int64 != 0
	return err
}

// list is how lists are stored: JSON, "[]" for none.
func list[T any](items []T) (string, error) {
	if len(items) == 0 {
		return "[]", nil
	}
	text, err := json.Marshal(items)
	return string(text), err
}

// asList scans such a column.
type asList[T any] struct{ into *[]T }

// Scan implements sql.Scanner.
func (a asList[T]) Scan(v any) error {
	var text sql.NullString
	if err := text.Scan(v); err != nil {
		return err
	}
	*a.into = nil
	if text.String == "" || text.String == "[]" {
		return nil
	}
	return json.Unmarshal([]byte(text.String), a.into)
}

// asListAgain scans such a column of many rows, of which many have the same list. Whoever gets one may change it.
type asListAgain[T any] struct {
	asList[T]
	had map[string][]T
}

// Scan implements sql.Scanner.
func (a asListAgain[T]) Scan(v any) error {
	text, is := v.(string)
	if had, ok := a.had[text]; is && ok {
		*a.into = slices.Clone(had)
		return nil
	}
	err := a.asList.Scan(v)
	if is && err == nil {
		a.had[text] = slices.Clone(*a.into)
	}
	return err
}

// reason is how one is stored: JSON, "" for none.
func reason(r fleet.Reason) (string, error) {
	if r.IsZero() {
		return "", nil
	}
	text, err := json.Marshal(r)
	return string(text), err
}

// asReason scans such a column.
type asReason struct{ into *fleet.Reason }

// Scan implements sql.Scanner.
func (a asReason) Scan(v any) error {
	var text sql.NullString
	if err := text.Scan(v); err != nil {
		return err
	}
	*a.into = fleet.Reason{}
	if text.String == "" {
		return nil
	}
	return json.Unmarshal([]byte(text.String), a.into)
}

// Collect scans every row by scan and closes rows.
func Collect[T any](rows Rows, err error, scan func(func(...any) error) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows.Scan)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// bytes keeps an absent value from becoming NULL.
func bytes(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// Millis, List and ReasonText are how columns hold a time, a list and a reason: for the backfills of an engine.
func Millis(t time.Time) int64                           { return millis(t) }
func List[T any](items []T) (string, error)              { return list(items) }
func ReasonText(r fleet.Reason) (text string, err error) { return reason(r) }
