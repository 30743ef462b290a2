// SPDX-License-Identifier: Apache-2.0

package rooms

import (
	"context"
	"fmt"
	"strings"
	"time"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// Lost is what a person says of a restored database, so that more than halts may be published again.
type Lost struct {
	By, Reason string
	Until      time.Time // the last moment at which something may have been stored that is lost
}

// Recovery tells how a restored database stands.
type Recovery struct {
	store fleet.Store
	now   func() time.Time
}

// Newest is the newest line of the trail about a restore, zero if there is none; unnamed says that nobody has said yet what
// was lost.
func (r Recovery) Newest(ctx context.Context) (line fleet.AuditEntry, unnamed bool, err error) {
	err = r.store.View(ctx, func(tx fleet.Tx) error {
		lines, err := tx.Audit().OfSubject(ctx, fleet.RestoreSubject, 1)
		if len(lines) == 1 {
			line = lines[0]
		}
		return err
	})
	return line, line.Action == fleet.ActionRestored, err
}

// Name puts on the trail what was lost. It changes nothing else: what waits is published at the next tick, or by whoever
// publishes next.
func (r Recovery) Name(ctx context.Context, lost Lost) (line fleet.AuditEntry, err error) {
	now := r.now()
	switch reason := strings.TrimSpace(lost.Reason); {
	case reason == "" || len(reason) > 1000 || strings.ContainsAny(reason, "\r\n"):
		return line, fleet.Errorf(fleet.Invalid, "reason_missing", "say in one line what became of the database; it is kept in the "+
			"audit trail")
	case lost.Until.IsZero() || lost.Until.After(now):
		return line, fleet.Errorf(fleet.Invalid, "until_invalid", "say until when something was stored that is lost: a time before "+
			"now, such as when the old database was last seen to work")
	}
	err = r.store.Update(ctx, func(tx fleet.Tx) error {
		was, is, err := fleet.Unnamed(ctx, tx)
		if err != nil {
			return err
		}
		if !is {
			return fleet.Errorf(fleet.Conflict, "nothing_unnamed", "no restore waits for this: the trail says of the last one, if there "+
				"was any, what was lost (otactl restore show)")
		}
		if lost.Until.After(was.At) {
			return fleet.Errorf(fleet.Invalid, "until_invalid", "the server runs on the restored database since %s: what was stored "+
				"after that is not lost", was.At.UTC().Format(time.RFC3339))
		}
		if at, is := fleet.BackupTime(was.Reason); is && lost.Until.Before(at) {
			return fleet.Errorf(fleet.Invalid, "until_invalid", "the backup is of %s: what was stored before that is not lost; say a "+
				"time after it", at.UTC().Format(time.RFC3339))
		}
		line = fleet.AuditEntry{At: now, Actor: lost.By, Action: fleet.ActionLost, Subject: fleet.RestoreSubject,
			Reason: fmt.Sprintf("%s (lost: what was stored after the backup, until %s; %s)", strings.TrimSpace(lost.Reason),
				lost.Until.UTC().Format(time.RFC3339), was.Reason)}
		return tx.Audit().Append(ctx, line)
	})
	return line, err
}

// refuse says why nothing that people signed may be published now.
func (r Recovery) refuse(ctx context.Context) error {
	return r.store.View(ctx, func(tx fleet.Tx) error { return fleet.RefuseUnnamed(ctx, tx) })
}

// heads publishes none while nobody has said what was lost: they would contradict those that were published before.
func (r Recovery) heads(
	all func(context.Context) ([]tufrepo.TreeHead, error),
) func(context.Context) ([]tufrepo.TreeHead, error) {
	if all == nil {
		return nil
	}
	return func(ctx context.Context) ([]tufrepo.TreeHead, error) {
		if _, unnamed, err := r.Newest(ctx); err != nil || unnamed {
			return nil, err
		}
		return all(ctx)
	}
}
