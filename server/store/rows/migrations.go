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
type Migration struct {
	Version int
	Name    string
	Text    string
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
		all = append(all, Migration{i + 1, name, string(text)})
	}
	return all, nil
}

// Applied is a migration that a database remembers.
type Applied struct {
	Version      int
	Name, Digest string
}

// CheckApplied says how many of all a database has. It refuses a database to which a newer program applied more, or
// another one something else: its tables would not be what the queries want.
func CheckApplied(applied []Applied, all []Migration) (done int, err error) {
	var faults []string
	for _, a := range applied {
		done = a.Version
		if a.Version < 1 || a.Version > len(all) {
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
	if done > len(all) {
		return 0, fleet.Errorf(fleet.Conflict, "database_newer", "its schema is version %d, this program knows %d and "+
			"older: a newer program wrote it. Run that program, or restore a backup made before it", done, len(all))
	}
	return done, nil
}
