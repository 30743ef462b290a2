// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"landed/server/fleet"
	"landed/server/store/rows"
)

const codeWrongHalf = "wrong_half"

var (
	readOnly   = fleet.Errorf(fleet.Forbidden, "read_only", "nothing can be written in a View")
	notReports = fleet.Errorf(fleet.Forbidden, codeWrongHalf, "a fault of the program: this is of the reports, and is written "+
		"in UpdateReports or Intake")
	notControl = fleet.Errorf(fleet.Forbidden, codeWrongHalf, "a fault of the program: this is of control, and is written in Update")
)

// View runs fn in read-only transactions, one of each half that it reads: it sees one state of each, as of when it read
// it first.
func (d *DB) View(ctx context.Context, fn func(fleet.Tx) error) error {
	if d.closed.Load() {
		return errClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	control := newLazy(ctx, d.control, d.control.readers, readOnly)
	reports := newLazy(ctx, d.reports, d.reports.readers, readOnly)
	defer control.end()
	defer reports.end()
	return fn(rows.New(control, reports, readOnly))
}

// Update implements fleet.Store: it runs fn in the one transaction that writes control, of all servers. Calls queue; fn
// must not call Update or wait for another one.
func (d *DB) Update(ctx context.Context, fn func(fleet.Tx) error) error {
	return d.alone(ctx, d.control, func(sure context.Context, w *session) error {
		reports := newLazy(sure, d.reports, d.reports.beside, notReports)
		defer reports.end()
		return fn(rows.New(w, reports, notReports))
	})
}

// UpdateReports implements fleet.Store: it runs fn in a transaction beside which nothing is written to the reports.
func (d *DB) UpdateReports(ctx context.Context, fn func(fleet.Tx) error) error {
	return d.alone(ctx, d.reports, func(sure context.Context, w *session) error {
		control := newLazy(sure, d.control, d.control.beside, notControl)
		defer control.end()
		t := rows.NewReports(control, w)
		if err := fn(t); err != nil {
			return err
		}
		return t.Flush(sure)
	})
}

// tries bounds how often an Intake is begun.
const tries = 6

// Intake implements fleet.Store: it runs fn beside others, again if one of them was first.
func (d *DB) Intake(ctx context.Context, fn func(fleet.Tx) error) (err error) {
	for n := range tries {
		overtaken := false
		err = d.write(ctx, d.reports, true, func(sure context.Context, w *session) error {
			control := newLazy(sure, d.control, d.control.beside, notControl)
			defer control.end()
			t := rows.NewIntake(control, w)
			defer func() { overtaken = t.Overtaken() }()
			if err := fn(t); err != nil {
				return err
			}
			return t.Flush(sure)
		})
		if err == nil || !overtaken && !again(err) {
			return err
		}
		time.Sleep(rand.N(time.Millisecond << n)) // so that two do not meet again
	}
	return err
}

// alone runs fn while nobody else writes the half. Of this process one asks the database at a time.
func (d *DB) alone(ctx context.Context, h *half, fn func(sure context.Context, w *session) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-h.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { h.turn <- struct{}{} }()
	return d.write(ctx, h, false, fn)
}

// write runs fn in a transaction that writes a half: beside others, or alone.
func (d *DB) write(
	ctx context.Context, h *half, shared bool, fn func(sure context.Context, w *session) error,
) error {
	if d.closed.Load() {
		return errClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	how := ""
	if shared {
		how = "_shared"
	}
	text := fmt.Sprintf("%s; SELECT pg_advisory_xact_lock%s(%d, %d)", beginWriting, how, lockSpace, lockOf(h.of))
	conn, t, err := begin(ctx, h.writers, text)
	if err != nil {
		return err
	}
	defer conn.Release()
	ended := false
	defer func() {
		if !ended { // also when fn panics
			rollback(t)
		}
	}()
	// Once begun it ends by fn's will.
	sure := context.WithoutCancel(ctx)
	w := &session{t: t, shared: shared}
	if err := fn(sure, w); err != nil {
		return err
	}
	if w.broken != nil {
		return w.broken
	}
	ended = true
	return committed(t.Commit(sure))
}

// committed says what became of a commit. If the connection was lost nobody knows.
func committed(err error) error {
	if err == nil {
		return nil
	}
	if known := kind(err); !gone(err) && !fleet.Is(known, fleet.Busy) || again(err) {
		return known
	}
	return &fleet.Error{Kind: fleet.Busy, Code: codeUnsure, Err: err,
		Msg: "the connection to the database was lost while this was being stored: it may be stored, or not. Look, or send it again"}
}

// fence waits until nobody is taking reports in, and says how far their numbers have come.
func (h *half) fence(ctx context.Context) (upTo int64, err error) {
	conn, t, err := begin(ctx, h.writers, fmt.Sprintf("%s; SET LOCAL lock_timeout = '30s'; "+
		"SELECT pg_advisory_xact_lock(%d, %d)", beginWriting, lockSpace, lockOf(h.of)))
	if err != nil {
		return 0, err
	}
	defer conn.Release()
	defer rollback(t)
	err = t.QueryRow(ctx, `SELECT coalesce(max(n), 0) FROM reports`).Scan(&upTo)
	return upTo, kind(err)
}
