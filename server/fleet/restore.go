// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The lines of the trail about a database that went back to an older state. Their subject is [RestoreSubject]. While the
// newest of them is ActionRestored nothing but halts is published: the rows that were lost are still covered by heads that
// somebody may keep, and nobody knows what was decided in them.
const (
	RestoreSubject = "database"
	ActionRestored = "database.restored" // a backup was brought back
	ActionLost     = "restore"           // names what was lost with that
)

// Unnamed is the line that says the database was restored, if none says yet what was lost with that; false if there is none.
func Unnamed(ctx context.Context, tx ControlTx) (restored AuditEntry, is bool, err error) {
	lines, err := tx.Audit().OfSubject(ctx, RestoreSubject, 1)
	if err != nil || len(lines) == 0 || lines[0].Action != ActionRestored {
		return AuditEntry{}, false, err
	}
	return lines[0], true, nil
}

// RestoredAt is when the database was last restored, whether it is named what was lost with that or not; zero if it never was.
func RestoredAt(ctx context.Context, tx ControlTx) (time.Time, error) {
	lines, err := tx.Audit().OfSubject(ctx, RestoreSubject, 100)
	for _, line := range lines {
		if line.Action == ActionRestored {
			return line.At, err
		}
	}
	return time.Time{}, err
}

// BackupWords say in a line of ActionRestored of when the backup is, and BackupTime finds that there: to the second. What was
// stored before is not lost.
func BackupWords(at time.Time) string { return backupOf + at.UTC().Format(time.RFC3339) }

const backupOf = ", a backup of "

// BackupTime reads what BackupWords wrote; false if reason does not say it.
func BackupTime(reason string) (at time.Time, is bool) {
	n := strings.LastIndex(reason, backupOf) // before it stands the name of a file, which may be anything
	if n < 0 {
		return at, false
	}
	text, _, _ := strings.Cut(reason[n+len(backupOf):], " ")
	at, err := time.Parse(time.RFC3339, strings.TrimRight(text, ";,"))
	return at, err == nil
}

// SealedWords say in a line of ActionRestored how many leaves of each tree are sealed in the backup, and SealedIn finds that
// there: what published heads say beyond it was lost.
func SealedWords(sizes map[Tree]int64) string {
	var all []string
	for _, tree := range Trees() {
		all = append(all, fmt.Sprintf("%s %d", tree, sizes[tree]))
	}
	return " (sealed in it: " + strings.Join(all, ", ") + ")"
}

// SealedIn reads what SealedWords wrote; false if reason does not say it of that tree.
func SealedIn(reason string, tree Tree) (size int64, is bool) {
	n := strings.LastIndex(reason, " (sealed in it: ")
	if n < 0 {
		return 0, false
	}
	for part := range strings.SplitSeq(strings.TrimSuffix(strings.TrimPrefix(reason[n:], " (sealed in it: "), ")"), ", ") {
		name, digits, _ := strings.Cut(part, " ")
		if size, err := strconv.ParseInt(digits, 10, 64); err == nil && name == string(tree) && size >= 0 {
			return size, true
		}
	}
	return 0, false
}

// CodeUnnamed refuses what is no halt, as nobody has said what a restored database lost.
const CodeUnnamed = "restore_unnamed"

// RefuseUnnamed refuses to go on with what handsets do not have already, while nobody has said what was lost.
func RefuseUnnamed(ctx context.Context, tx ControlTx) error {
	line, is, err := Unnamed(ctx, tx)
	if err != nil || !is {
		return err
	}
	return Errorf(Conflict, CodeUnnamed, "the database was %s, and nobody has said what was lost with that: until then nothing but "+
		"halts is published. Say it with \"otactl restore name --until TIME --reason WHY\"", line.Reason)
}
