// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"landed/server/fleet"
)

// Migration is one file, NNNN_what.sql. Databases remember its digest: once it was applied anywhere it is never edited,
// and a change of the schema is a new file.
//
// One that only adds what older programs may leave alone says so in its first line, "-- oldest: N": programs that know the
// schema N and later ones are then started on it, too. It must not have rows written that these misread.
type Migration struct {
	Version int
	Name    string
	Text    string
	Oldest  int // N, from 1 to below Version; 0 if only programs that know this one are started on it
}

// Digest is the SHA-256 of the file, in hex.
func (m Migration) Digest() string {
	sum := sha256.Sum256([]byte(m.Text))
	return hex.EncodeToString(sum[:])
}

// Migrations lists the files of migrations/of in order and checks that none is missing.
func Migrations(files fs.FS, of string) ([]Migration, error) {
	names, err := fs.Glob(files, "migrations/"+of+"/*.sql") // sorted
	if err != nil {
		return nil, err
	}
	var all []Migration
	for i, path := range names {
		name := strings.TrimSuffix(strings.TrimPrefix(path, "migrations/"+of+"/"), ".sql")
		number, _, _ := strings.Cut(name, "_")
		if version, err := strconv.Atoi(number); err != nil || len(number) != 4 || version != i+1 {
			return nil, fmt.Errorf("migration %s: wanted number %04d", path, i+1)
		}
		text, err := fs.ReadFile(files, path)
		if err != nil {
			return nil, err
		}
		oldest, err := oldestOf(string(text), i+1)
		if err != nil {
			return nil, fmt.Errorf("migration %s: %w", name, err)
		}
		all = append(all, Migration{i + 1, name, string(text), oldest})
	}
	return all, nil
}

// oldestOf reads the first line of a migration.
func oldestOf(text string, version int) (oldest int, err error) {
	line, _, _ := strings.Cut(text, "\n")
	number, says := strings.CutPrefix(strings.TrimSpace(line), "-- oldest:")
	if !says {
		return 0, nil
	}
	oldest, err = strconv.Atoi(strings.TrimSpace(number))
	if err != nil || oldest < 1 || oldest >= version {
		return 0, fmt.Errorf("its first line is %q; wanted the number of an earlier one", line)
	}
	return oldest, nil
}

// Applied is a migration that a database remembers.
type Applied struct {
	Version      int
	Name, Digest string
	Oldest       int // as in Migration
}

// CheckApplied says how many of all a database has: more than those, if a newer program applied more, and each of these
// says that this program may go on. It refuses what else a newer program made, or another one: the tables would not be what
// the queries want.
func CheckApplied(applied []Applied, all []Migration) (done int, err error) {
	var faults []string
	closed := false // to this program
	for _, a := range applied {
		done = a.Version
		if a.Version < 1 || a.Version > len(all) {
			closed = closed || a.Oldest < 1 || a.Oldest > len(all)
			continue
		}
		if m := all[a.Version-1]; m.Name != a.Name || m.Digest() != a.Digest {
			faults = append(faults, fmt.Sprintf("it was made with %s of SHA-256 %.12s, and this program has %s of %.12s",
				a.Name, a.Digest, m.Name, m.Digest()))
		}
	}
	if len(faults) > 0 {
		return 0, fleet.Errorf(fleet.Conflict, "database_differs", "another build of this program made its tables: %s. "+
			"Nothing was changed. Run the program that made it, or begin with a new folder; before the first release of this "+
			"program its folders do not outlive a change of the tables", strings.Join(faults, "; "))
	}
	if closed {
		return 0, Newer(done, len(all))
	}
	return done, nil
}

// Newer refuses a database with a schema of which this program knows only so many migrations.
func Newer(version, known int) error {
	return fleet.Errorf(fleet.Conflict, "database_newer", "its schema is version %d, this program knows %d and "+
		"older: a newer program wrote it. Run that program, or restore a backup made before it", version, known)
}
