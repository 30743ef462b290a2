// SPDX-License-Identifier: Apache-2.0

package datadir

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"landed/internal/durable"
	"landed/server/fleet"
	"landed/server/seal"
	"landed/server/store"
)

// Replaced says what came in the place of lost reports.
type Replaced struct {
	At    time.Time // of the backup; zero of an empty file
	Kept  int64     // reports that are there now
	Lost  int64     // of those that were sealed, how many are not
	Aside string    // where the file lies that was there before; "" if there was none
}

// whoReplaces wants to be told why reports are given up. No server may run on the folder.
func (d Dir) whoReplaces(reason string) (unlock func() error, err error) {
	if strings.TrimSpace(reason) == "" || len(reason) > 1000 || strings.ContainsAny(reason, "\r\n") {
		return nil, fleet.Errorf(fleet.Invalid, "reason_missing", "say in one line (--reason) what became of the reports; it is kept in "+
			"the audit trail")
	}
	if err := d.onServer("to replace the reports"); err != nil {
		return nil, err
	}
	return d.Lock()
}

// BeginReports makes an empty file of the reports, because the one that was there is lost or damaged, and puts on record
// what is not there any more: fsck says so from then on, and goes on from there. What lies there is moved aside. Reports
// that are sound are not given up.
func (d Dir) BeginReports(ctx context.Context, by, reason string, now func() time.Time) (done Replaced, err error) {
	unlock, err := d.whoReplaces(reason)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	db, err := d.Open(ctx, now)
	if err != nil {
		return done, err
	}
	sound := db.ReportsReady(ctx) == nil
	faults, err := db.Integrity(ctx, false)
	if err := errors.Join(err, db.Close()); err != nil {
		return done, err
	}
	if sound && !strings.Contains(strings.Join(faults, "\n"), "the file of the reports") { // faults of control are another matter
		return done, fleet.Errorf(fleet.Conflict, "reports_sound", "the file of the reports (%s) can be read to its end, and is not given "+
			"up. Nothing was changed", d.path(reportsFile))
	}
	e := fleet.AuditEntry{At: now(), Actor: by, Action: seal.ActionBegin, Reason: reason}
	return done, d.replaceReports(ctx, &done, now, e, keptReports{},
		func() error { return store.BeginReports(ctx, d.Database(), now) })
}

// RestoreReports brings the reports of a backup back, and leaves everything else as it is: what people decided since is
// kept. What came after the backup is lost, and put on record. It refuses the reports of another fleet.
func (d Dir) RestoreReports(ctx context.Context, file, by, reason string, now func() time.Time) (done Replaced, err error) {
	unlock, err := d.whoReplaces(reason)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := d.whole(); err != nil {
		return done, err
	}
	in, err := os.Open(file)
	if err != nil {
		return done, err
	}
	defer in.Close()
	fresh := d.path(freshFile)
	defer os.Remove(fresh)
	defer os.Remove(store.ReportsFile(fresh))
	reports := false
	if done.At, _, reports, err = d.unpackBackup(in, fresh, true); err == nil && !reports {
		err = errors.New("it has no reports: they could not be read when it was written")
	}
	var kept keptReports
	if err == nil {
		kept, err = reportsIn(ctx, fresh, now)
	}
	if err == nil {
		err = d.sameReports(ctx, kept.head, now)
	}
	if err != nil {
		return done, fmt.Errorf("%s: %w; the reports of the folder were not touched", file, err)
	}
	return done, d.replaceReports(ctx, &done, now, fleet.AuditEntry{At: now(), Actor: by, Action: seal.ActionRestore, Reason: reason},
		kept, func() error { return durable.Rename(store.ReportsFile(fresh), d.path(reportsFile)) })
}

// keptReports are the reports of a file: its tree as it was last sealed, and what it has by now.
type keptReports struct {
	head        fleet.Head
	leaves, row int64
}

// reportsIn reads the reports of the database at path to their end.
func reportsIn(ctx context.Context, path string, now func() time.Time) (k keptReports, err error) {
	db, err := store.Open(ctx, path, now)
	if err != nil {
		return k, err
	}
	var w seal.Walked
	err = db.View(ctx, func(tx fleet.Tx) (err error) {
		if k.head, _, err = tx.Seals().Latest(ctx, fleet.TreeReports); err != nil {
			return err
		}
		w, err = seal.Walk(ctx, tx, fleet.TreeReports, nil, nil)
		return err
	})
	k.leaves, k.row = w.Leaves, w.Row
	if len(w.Faults) > 0 {
		err = errors.Join(err, fmt.Errorf("its reports are not as they were sealed: %s", w.Faults[0]))
	}
	return k, errors.Join(err, db.Close())
}

// sameReports wants control to know a head that another one had.
func (d Dir) sameReports(ctx context.Context, head fleet.Head, now func() time.Time) error {
	if head.Size == 0 {
		return nil
	}
	db, err := d.Open(ctx, now)
	if err != nil {
		return err
	}
	err = db.View(ctx, func(tx fleet.Tx) error {
		heads, err := tx.Seals().Heads(ctx, fleet.TreeReports, head.Size-1, 1)
		if err != nil || len(heads) == 1 && heads[0].Size == head.Size && bytes.Equal(heads[0].Root, head.Root) {
			return err
		}
		return fmt.Errorf("its reports do not belong to this database, which never had them sealed as %d with the root %x", head.Size,
			head.Root)
	})
	return errors.Join(err, db.Close())
}

// replaceReports moves the file of the reports aside, puts on record what is lost, and has another one put in its place.
// Whoever is cut off in between leaves a folder without reports, whose server says so: it is done again.
func (d Dir) replaceReports(
	ctx context.Context, done *Replaced, now func() time.Time, e fleet.AuditEntry, kept keptReports, put func() error,
) (err error) {
	if done.Aside, err = d.reportsAside(now()); err != nil {
		return err
	}
	db, err := d.Open(ctx, now)
	if err != nil {
		return err
	}
	var l seal.Lost
	err = db.Update(ctx, func(tx fleet.Tx) (err error) {
		l, err = seal.Lose(ctx, tx, kept.leaves, kept.row, e)
		return err
	})
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	done.Kept, done.Lost = kept.row, max(l.Size-l.Kept, 0)
	if err := put(); err != nil {
		return err
	}
	if db, err = d.Open(ctx, now); err != nil {
		return err
	}
	return errors.Join(db.ReportsReady(ctx), db.Close())
}

// reportsAside moves the file of the reports, if there is one, and what belongs to it.
func (d Dir) reportsAside(now time.Time) (aside string, err error) {
	name, before := d.path(reportsFile), asideName(d, now)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		err := os.Rename(name+suffix, name+before+suffix)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if err == nil {
			aside = name + before
		}
	}
	return aside, durable.SyncFolder(string(d))
}
