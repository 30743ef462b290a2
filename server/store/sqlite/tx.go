// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"errors"

	"landed/server/fleet"
	"landed/server/store/rows"
)

var errClosed = errors.New("the database is closed")

// View runs fn in read-only transactions, one of each file that it reads: it sees one state of each, as of when it read
// it first.
func (d *DB) View(ctx context.Context, fn func(fleet.Tx) error) error {
	if d.closed.Load() {
		return errClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	refused := fleet.Errorf(fleet.Forbidden, "read_only", "nothing can be written in a View")
	control := newLazy(refused, func() (reading, error) { return d.control.views.begin(ctx) })
	reports := newLazy(refused, func() (reading, error) {
		h, err := d.reports.get(ctx)
		if err != nil {
			return reading{}, err
		}
		return h.views.begin(ctx)
	})
	defer control.close()
	defer reports.close()
	return d.told(reports, fn(rows.New(control, reports, refused)))
}

// Update implements fleet.Store: it runs fn in the one transaction that writes control. Calls queue; fn must not call
// Update or wait for another one.
func (d *DB) Update(ctx context.Context, fn func(fleet.Tx) error) error {
	return d.control.write(ctx, func(sure context.Context, w *session) error {
		refused := fleet.Errorf(fleet.Forbidden, codeWrongHalf, "a fault of the program: this is of the reports, and is "+
			"written in UpdateReports")
		reports := newLazy(refused, func() (reading, error) {
			h, err := d.reports.have() // a halt must not wait for a file that is being opened
			if err != nil {
				return reading{}, err
			}
			return h.beside.snapshot(sure)
		})
		defer reports.close()
		return d.told(reports, fn(rows.With(*d.key.Load(), rows.New(w, reports, refused))))
	})
}

// UpdateReports implements fleet.Store: it runs fn in the one transaction that writes the reports.
func (d *DB) UpdateReports(ctx context.Context, fn func(fleet.Tx) error) error {
	return d.updateReports(ctx, rows.NewReports, fn)
}

// Intake implements fleet.Store. SQLite has one writer: calls queue.
func (d *DB) Intake(ctx context.Context, fn func(fleet.Tx) error) error {
	return d.updateReports(ctx, rows.NewIntake, fn)
}

func (d *DB) updateReports(ctx context.Context, begun func(control, reports rows.Querier) *rows.Tx, fn func(fleet.Tx) error) error {
	h, err := d.reports.get(ctx)
	if err != nil {
		return err
	}
	err = h.write(ctx, func(sure context.Context, w *session) error {
		refused := fleet.Errorf(fleet.Forbidden, codeWrongHalf, "a fault of the program: this is of control, and is "+
			"written in Update")
		control := newLazy(refused, func() (reading, error) { return d.control.beside.snapshot(sure) })
		defer control.close()
		t := begun(control, w)
		if err := fn(t); err != nil {
			return err
		}
		return t.Flush(sure)
	})
	return d.reports.met(err)
}

const codeWrongHalf = "wrong_half"

// told notes what damage was met by whoever read the reports.
func (d *DB) told(reports *lazy, err error) error {
	if err == nil || !reports.begun() {
		return err
	}
	return d.reports.met(err)
}
