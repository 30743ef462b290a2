// SPDX-License-Identifier: Apache-2.0

package datadir

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"landed/internal/durable"
	"landed/server/fleet"
)

// restored is what a folder holds in .restored from the end of a restore until a server has put it on the trail.
type restored struct {
	File string    `json:"file"` // name of the backup, or where else the database is from
	At   time.Time `json:"at"`   // of the backup
}

// SayRestored has the next start put on the trail that the database is from a backup of a time, as after Restore: for one that
// was put back by other means. No server may run on the folder; others on the same database must not publish meanwhile.
func SayRestored(d Dir, at time.Time, reason string, now time.Time) (err error) {
	switch reason = strings.TrimSpace(reason); {
	case reason == "" || len(reason) > 1000 || strings.ContainsAny(reason, "\r\n"):
		return errors.New("say in one line from what the database was put back, and why; it is kept in the audit trail")
	case at.IsZero() || at.After(now):
		return errors.New("say of when the backup is: a time before now")
	}
	if _, err := os.Stat(string(d)); err != nil {
		return err
	}
	unlock, err := d.Lock()
	if err != nil {
		return err
	}
	return errors.Join(restorer{d, nil}.note(restored{reason, at}), unlock())
}

func (d restorer) note(what restored) error {
	text, err := json.Marshal(what)
	if err != nil {
		return err
	}
	return durable.WriteFile(d.path(restoredFile), append(text, '\n'), 0o600)
}

// TellRestored puts on the trail that the database was restored since a server last ran, with the sizes that its trees
// have: from there on nothing but halts is published until somebody says what was lost (fleet.Unnamed).
func TellRestored(ctx context.Context, d Dir, db fleet.Store, now time.Time) error {
	text, err := os.ReadFile(d.path(restoredFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var what restored
	if err := json.Unmarshal(text, &what); err != nil {
		what.File = "a backup of which " + restoredFile + " does not say more" // what cannot be read was a restore all the same
	}
	if err := db.Update(ctx, func(tx fleet.Tx) error {
		words, err := what.words(ctx, tx)
		if err != nil {
			return err
		}
		if line, is, err := fleet.Unnamed(ctx, tx); err != nil || is && line.Reason == words {
			return err // told by a start that was cut off before it removed the file
		}
		return tx.Audit().Append(ctx, fleet.AuditEntry{At: now, Actor: "landed", Action: fleet.ActionRestored,
			Subject: fleet.RestoreSubject, Reason: words})
	}); err != nil {
		return err
	}
	if err := os.Remove(d.path(restoredFile)); err != nil {
		return err
	}
	return durable.SyncFolder(string(d))
}

// words say what was restored, and how far the trees of it go.
func (what restored) words(ctx context.Context, tx fleet.Tx) (string, error) {
	words := "restored from " + fleet.InOneLine(errors.New(what.File))
	if !what.At.IsZero() {
		words += fleet.BackupWords(what.At)
	}
	sizes := map[fleet.Tree]int64{}
	for _, tree := range fleet.Trees() {
		h, _, err := tx.Seals().Latest(ctx, tree)
		if err != nil {
			return "", err
		}
		sizes[tree] = h.Size
	}
	return words + fleet.SealedWords(sizes), nil
}
