// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"landed/server/fleet"
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
	control := newLazy(refused, func() (*sql.Tx, error) { return d.control.readers.BeginTx(ctx, nil) })
	reports := newLazy(refused, func() (*sql.Tx, error) {
		h, err := d.reports.get(ctx)
		if err != nil {
			return nil, err
		}
		return h.readers.BeginTx(ctx, nil)
	})
	defer control.end()
	defer reports.end()
	return d.told(reports, fn(&tx{control, reports, nil, refused}))
}

// Update implements fleet.Store: it runs fn in the one transaction that writes control. Calls queue; fn must not call
// Update or wait for another one.
func (d *DB) Update(ctx context.Context, fn func(fleet.Tx) error) error {
	return d.control.write(ctx, func(sure context.Context, w *session) error {
		refused := fleet.Errorf(fleet.Forbidden, codeWrongHalf, "a fault of the program: this is of the reports, and is "+
			"written in UpdateReports")
		reports := newLazy(refused, func() (*sql.Tx, error) {
			h, err := d.reports.have() // a halt must not wait for a file that is being opened
			if err != nil {
				return nil, err
			}
			return h.beside.BeginTx(sure, nil)
		})
		defer reports.end()
		return d.told(reports, fn(&tx{w, reports, nil, refused}))
	})
}

// UpdateReports implements fleet.Store: it runs fn in the one transaction that writes the reports.
func (d *DB) UpdateReports(ctx context.Context, fn func(fleet.Tx) error) error {
	h, err := d.reports.get(ctx)
	if err != nil {
		return err
	}
	err = h.write(ctx, func(sure context.Context, w *session) error {
		refused := fleet.Errorf(fleet.Forbidden, codeWrongHalf, "a fault of the program: this is of control, and is "+
			"written in Update")
		control := newLazy(refused, func() (*sql.Tx, error) { return d.control.beside.BeginTx(sure, nil) })
		defer control.end()
		t := &tx{control, w, cells{}, refused}
		if err := fn(t); err != nil {
			return err
		}
		return t.flush(sure)
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

// querier is what the nouns need of a transaction. Its errors are of fleet's kinds.
type querier interface {
	exec(ctx context.Context, text string, args ...any) (affected int64, err error)
	query(ctx context.Context, text string, args ...any) (*sql.Rows, error)
	row(ctx context.Context, into []any, text string, args ...any) error // sql.ErrNoRows if there is none
}

// tx is one transaction over both halves. cells gathers what the figures change by; it is nil where they are not
// written, and refused says why.
type tx struct {
	control, reports querier
	cells            cells
	refused          error
}

func (t *tx) Packages() fleet.Packages           { return packages{t.control} }
func (t *tx) Releases() fleet.Releases           { return releases{t.control} }
func (t *tx) Changes() fleet.Changes             { return changes{t.control} }
func (t *tx) Metadata() fleet.MetadataFiles      { return metadata{t.control} }
func (t *tx) Rollouts() fleet.Rollouts           { return rollouts{t.control} }
func (t *tx) Models() fleet.Models               { return models{t.control} }
func (t *tx) Channels() fleet.Channels           { return channels{t.control} }
func (t *tx) Holders() fleet.Holders             { return holders{t.control} }
func (t *tx) Statements() fleet.Statements       { return statements{t.control} }
func (t *tx) Epochs() fleet.Epochs               { return epochs{t.control} }
func (t *tx) Admissions() fleet.Admissions       { return admissions{t.control} }
func (t *tx) Quarantines() fleet.Quarantines     { return quarantines{t.control} }
func (t *tx) Installations() fleet.Installations { return installations{t.reports} }
func (t *tx) Reports() fleet.Reports             { return reports{t.reports} }
func (t *tx) Counts() fleet.CountsTable          { return counts{t} }
func (t *tx) Walks() fleet.Walks                 { return walks{t.reports} }
func (t *tx) Audit() fleet.Audit                 { return audit{t.control} }
func (t *tx) Tokens() fleet.Tokens               { return tokens{t.control} }
func (t *tx) Proposals() fleet.Proposals         { return proposals{t.control} }
func (t *tx) Outages() fleet.Outages             { return outages{t.control} }
func (t *tx) Seals() fleet.Seals                 { return seals{t.control, t.reports} }
