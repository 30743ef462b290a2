// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"landed/internal/race"
	"landed/manifests/evidence"
	"landed/server"
	"landed/server/fleet"
	"landed/server/fsck"
	kit "landed/server/servertest"
	"landed/server/store"
)

// proven is a data folder that was judged, sealed and published by this program, and then closed. It is made once, and every
// test has a copy.
func proven(t *testing.T) (dir string, at time.Time) { return provenFolder.copied(t) }

var provenFolder = made{by: makeProven}

func makeProven(t *testing.T) (dir string, at time.Time) {
	t.Helper()
	dir, at = unpack(t, filepath.Join(oldFolder, "folder.tar.gz")), leftAt.AddDate(0, 0, 2)
	s, err := server.New(server.Config{DataDir: dir, Now: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Rejudge(t.Context(), "", "test", nil); err != nil {
		t.Fatal(err)
	}
	decide(t, s.Database(), at)
	// The second publishes what the first sealed. The third comes before anything is due again, and seals what the second
	// did: what no head covers yet may be edited unseen.
	tick := func(later time.Duration) {
		at = at.Add(later)
		if err := s.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, later := range []time.Duration{48 * time.Hour, 48 * time.Hour, time.Minute} {
		tick(later)
	}
	for n := 0; n < 60 && looseReports(t, dir) > 1; n++ { // a tick makes some compact and no more; the last stays as it came
		tick(time.Minute)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if loose := looseReports(t, dir); loose != 1 {
		t.Fatalf("%d reports are as they came, all but the last were to be compact", loose)
	}
	for _, name := range databaseFiles { // without free pages, which nobody would miss
		db, err := sql.Open("sqlite", filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(`VACUUM; PRAGMA wal_checkpoint(TRUNCATE);`); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return dir, at
}

// decide has a row in each table of control that older programs did not have.
func decide(t *testing.T, db store.Database, at time.Time) {
	t.Helper()
	ctx, id := t.Context(), ""
	envelope, statement, err := evidence.Seal(
		evidence.Said{Observation: &evidence.Observation{Kind: evidence.Traffic, Model: "none", Release: "r", Build: "build",
			Package: strings.Repeat(
				"1",
				64,
			), Steps: []string{"set up"}, Seen: []string{"nothing"}, Capture: strings.Repeat("2", 64), At: at,
			Verdict: evidence.Confirms}},
		kit.KeyOf("observer"),
	)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(ctx, func(tx fleet.Tx) error {
		all, err := tx.Rollouts().List(ctx)
		if err != nil || len(all) == 0 {
			return fmt.Errorf("%d rollouts, %w", len(all), err)
		}
		id = all[0].ID
		return errors.Join(
			tx.Admissions().Put(ctx, fleet.Admission{Model: "armani", Channel: "stable", At: at, Key: make([]byte, 16), Cutoff: 1 << 60,
				By: "mei", Reason: "we sold them"}),
			tx.Quarantines().Put(ctx, fleet.Quarantine{ID: "00000001", From: at.AddDate(-1, 0, 0), To: leftAt.Add(-time.Hour), Model: "cancro",
				At: at, By: "mei", Reason: "a flood"}),
			tx.Quarantines().Put(ctx, fleet.Quarantine{ID: "00000002", From: at.AddDate(-1, 0, 0), To: at, Model: "armani", At: at, By: "mei",
				Lifted: at.Add(time.Hour), LiftedBy: "bo", LiftedReason: "they are ours"}),
			tx.Epochs().Put(ctx, fleet.Epoch{Model: "armani", Channel: "beta", N: 3, At: at, By: "mei", Reason: "the disk was lost"}),
			tx.Retentions().Put(ctx, fleet.Retention{Release: "none", Keep: 90 * 24 * time.Hour, At: at, By: "mei", Reason: "the disk"}),
			tx.KnownIssues().Put(ctx, fleet.KnownIssue{ID: 1, Subject: fleet.KnownCause, Value: "package",
				Text: []fleet.KnownText{{Lang: "en", Text: "x"}}, Who: fleet.KnownNobody, By: "mei", At: at}),
			tx.Statements().Put(ctx, fleet.Statement{ID: statement, Kind: fleet.StatementObservation, Model: "none", Subject: "build", Signer: "k1",
				Envelope: envelope, By: "lei", At: at}),
			tx.Statements().Suspend(ctx, id, "bo", at, "R1", "R2"),
			tx.Proposals().Put(ctx, fleet.Proposal{ID: "1", Action: "rollout.resume", Subject: "none", Arguments: []byte(`{"id":1}`), Digest: "d",
				By: "ann", Reason: "a test handset", At: at, Expires: at.AddDate(1, 0, 0)}),
			tx.Outages().Add(ctx, fleet.Outage{Cause: fleet.OutageDisk, From: at, To: at.AddDate(0, 1, 0)}),
			tx.Holders().Put(ctx, map[string]string{"k1": "Lei"}))
	}); err != nil {
		t.Fatal(err)
	}
}

// looseReports counts the reports that are still stored as they came.
func looseReports(t *testing.T, dir string) (loose int) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, databaseFiles[1]))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(`SELECT count(*) FROM reports`).Scan(&loose); err != nil {
		t.Fatal(err)
	}
	return loose
}

// databaseFiles are control and the reports.
var databaseFiles = []string{"landed.db", "landed-reports.db"}

// fileOf is the file in which a table lies.
func fileOf(table string) string {
	switch table {
	case "reports", "compact_reports", "report_keys", "installations", "counts", "cursors", "walks", "provisional",
		"cuts", "settled", "tally_pieces":
		return databaseFiles[1]
	}
	return databaseFiles[0]
}

// check is otad fsck.
func check(t *testing.T, dir string, at time.Time) fsck.Result {
	t.Helper()
	return checkUntil(t, dir, at, 0)
}

// checkUntil is otad fsck that begins no further check after enough faults.
func checkUntil(t *testing.T, dir string, at time.Time, enough int) (found fsck.Result) {
	t.Helper()
	s, err := server.New(server.Config{DataDir: dir, Now: func() time.Time { return at }, ReadOnly: true})
	if err != nil { // so damaged that it does not open: that is said, too
		return fsck.Result{Count: 1, Faults: []string{err.Error()}}
	}
	defer s.Close()
	if found, err = s.Check(t.Context(), nil, enough, nil); err != nil {
		t.Fatal(err)
	}
	return found
}

// edits are what somebody with a database tool may write: a table, and a column with what it becomes. Every row is
// tried as chance has it.
var edits = []struct{ table, set string }{
	{"rollouts", "state = 'finished' || state"}, {"rollouts", "stage = stage + 1"}, {"rollouts", "by = 'somebody'"},
	{"rollouts", "reason = ''||reason||' '"}, {"rollouts", "salt = 'x' || salt"}, {"rollouts", "started = started + 1"},
	{"counts", "n = n + 1"}, {"counts", "value = value || 'x'"}, {"counts", "model = 'dior'||model"},
	{"installations", "verdict = verdict || 'x'"}, {"installations", "verdict = 'confirmed'"},
	{"installations", "kind = CASE kind WHEN 'good' THEN 'bad' ELSE 'good' END"}, {"installations", "leaked = NOT leaked"},
	{"installations", "before = before || 'x'"}, {"installations", "progress = 'running' || progress"},
	{"installations", "because = '[{\"code\":\"x\"}]'"}, {"installations", "reports = reports + 1"},
	{"installations", "last = last + 60000"}, {"installations", "first = first + 60000"}, {"installations", "cloned = NOT cloned"},
	{"installations", "seq = seq + 1"}, {"installations", "channel = 'beta' || channel"},
	{"reports", "late = NOT late"}, {"reports", "at = at + 3600000"}, {"reports", "seq = seq + 7"}, {"reports", "id = id || 'x'"},
	{"reports", "release = 'x'"}, {"reports", "schema = 9"}, {"reports", "ref = 'x' || ref"},
	{"reports", "envelope = CAST(replace(CAST(envelope AS TEXT), 'A', 'B') AS BLOB)"},
	{"compact_reports", "late = NOT late"}, {"compact_reports", "at = at + 3600000"}, {"compact_reports", "seq = seq + 7"},
	{"compact_reports", "who = (SELECT max(who) FROM compact_reports) - who"}, {"compact_reports", "n = n + 100000"},
	{"compact_reports", "body = CAST(x'01' || body AS BLOB)"},
	{"compact_reports", "body = CAST(substr(body, 1, 40) || x'00' || substr(body, 42) AS BLOB)"}, // of the signature
	{"compact_reports", "body = CAST(substr(body, 1, 90) || x'00' || substr(body, 92) AS BLOB)"}, // of the body
	{"compact_reports", "body = CAST(substr(body, 1, length(body) - 1) AS BLOB)"},
	{"report_keys", "key = randomblob(32)"}, {"report_keys", "ref = 'x' || ref"}, {"report_keys", "who = who + 100000"},
	{"audit", "reason = reason || '.'"}, {"audit", "actor = 'nobody'"}, {"audit", "at = at + 1"}, {"audit", "action = 'x'"},
	{"audit", "subject = 'x'"}, {"audit", "n = n + 100000"},
	{"tokens", "role = 'admin' || role"}, {"tokens", "hash = randomblob(32)"}, {"tokens", "name = name || 'x'"},
	{
		"releases",
		"source = source || ' '",
	}, {"releases", "state = CASE state WHEN 'draft' THEN 'published' ELSE 'draft' END"}, {"releases", "counter = counter + 100"},
	{"packages", "size = size + 1"}, {"packages", "findings = '[]x'"}, {"packages", "utc = utc + 1"},
	{"metadata", "at = at + 1"}, {"metadata", "bytes = CAST(bytes || ' ' AS BLOB)"}, {"metadata", "expires = expires + 1"},
	{"models", "by = 'somebody'"}, {"channels", "retired = 5"}, {"changes", "state = 'open' || state"}, {"changes", "at = at + 1"},
	{"records", "sha256 = ''"}, {"heads", "root = randomblob(32)"}, {"heads", "n = n + 1"}, {"frontiers", "hashes = randomblob(32)"},
	{"schema_migrations", "at = at + 1"},
	{"records", "mac = ''"}, {"audit", "mac = ''"},
	{"admissions", "cutoff = 1"}, {"admissions", "at = at - 1"}, {"admissions", "key = randomblob(16)"}, {"admissions", "n = n + 7"},
	{
		"quarantines",
		"until = until + 1",
	}, {"quarantines", "lifted = 0"}, {"quarantines", "model = 'dior'"}, {"quarantines", "at = at + 1"},
	{"epochs", "epoch = epoch + 1"}, {"epochs", "channel = 'lab'"}, {"epochs", "reason = 'x'"},
	{"statements", "envelope = randomblob(6)"}, {"statements", "subject = 'x'"}, {"statements", "kind = 'withdrawal'"},
	{"suspensions", "rollout = 'x'"}, {"suspensions", "reference = 'x' || reference"}, {"suspensions", "by = 'eve'"},
	{"proposals", "arguments = CAST('{}' AS BLOB)"}, {"proposals", "by = 'eve'"}, {"proposals", "expires = expires + 1"},
	{"retentions", "keep = 86400000"}, {"retentions", "release = 'r'"}, {"retentions", "by = 'eve'"},
	{"known_issues", "text = '[]'"}, {"known_issues", "link = 'https://evil.example'"}, {"known_issues", "ended = 1"},
	{"tally_contents", "take = 'x' || take"}, {"tally_contents", "kinds = '{}'"}, {"tally_contents", "number = number + 7"},
	{"tally_pieces", "bytes = CAST(substr(bytes, 1, 9) || x'00' || substr(bytes, 11) AS BLOB)"},
	{"tally_pieces", "sum = replace(replace(sum, '1', '2'), 'a', 'b')"}, {"tally_pieces", "name = name || 'x'"},
	{"tally_pieces", "kind = 'x'"}, {"tally_pieces", "take = 'x'"},
	{"walks", "after = '99.99'"}, {"walks", "after = '70000.0'"},
	{"outages", "until = 0"}, {"outages", "since = since - 1"}, {"outages", "cause = 'clock'"}, {"holders", "name = 'Eve'"},
}

// TestEveryEditIsNamed: some hundreds of edits of single rows, of rows removed, and of pages zeroed, each on a folder
// that was as it should be.
func TestEveryEditIsNamed(t *testing.T) {
	dir, at := proven(t)
	if found := check(t, dir, at); found.Count > 0 {
		t.Fatalf("before any edit:\n%s", strings.Join(found.Faults, "\n"))
	}
	whole := map[string][]byte{}
	for _, name := range databaseFiles {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		whole[name] = text
	}
	rounds := 1
	if n, err := strconv.Atoi(os.Getenv("LANDED_EDITS")); err == nil { // LANDED_EDITS=4 tries some hundreds
		rounds = n
	}
	random := rand.New(rand.NewPCG(7, uint64(len(whole[databaseFiles[0]]))))
	tried, chance := 0, rand.New(rand.NewPCG(11, uint64(len(whole[databaseFiles[0]]))))
	try := func(name string, edit func() (changed bool)) {
		// All are tried without the race detector; under it one of sixteen, which is enough for what fsck does at the same time.
		if race.Detector && chance.IntN(16) > 0 {
			return
		}
		if edit() {
			tried++
			if found := checkUntil(t, dir, at, 1); found.Count == 0 {
				t.Errorf("%s: not named", name)
			}
		}
		for name, text := range whole {
			for _, suffix := range []string{"-wal", "-shm"} {
				os.Remove(filepath.Join(dir, name+suffix))
			}
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	edit := func(table, statement string) bool {
		return editRow(t, filepath.Join(dir, fileOf(table)), table, statement, random)
	}
	for range rounds {
		for _, e := range edits {
			try(e.table+": "+e.set, func() bool { return edit(e.table, "UPDATE %s SET "+e.set) })
		}
		for _, table := range []string{"rollouts", "counts", "installations", "reports", "compact_reports", "report_keys", "audit",
			"tokens", "releases", "packages", "metadata", "models", "channels", "changes", "records", "heads", "admissions",
			"quarantines", "epochs", "statements", "suspensions", "proposals", "outages", "holders", "retentions",
			"known_issues", "tally_contents", "tally_pieces"} {
			try(table+": a row is removed", func() bool { return edit(table, "DELETE FROM %s") })
		}
		for _, name := range databaseFiles {
			for range 10 {
				page := random.IntN(len(whole[name]) / 4096)
				try(fmt.Sprintf("page %d of %s is zeroed", page+1, name), func() bool {
					return zero(t, filepath.Join(dir, name), whole[name], page)
				})
			}
			try(name+" is missing", func() bool { return os.Remove(filepath.Join(dir, name)) == nil })
		}
	}
	t.Logf("%d edits", tried)
}

// TestAnotherProgramIsNamed: who has the database alone may run this very program on it, with a key of his own: rows, records
// and lines of the trail are written as it writes them. Each is named, by fsck and by the hourly look.
func TestAnotherProgramIsNamed(t *testing.T) {
	dir, at := proven(t)
	name := filepath.Join(dir, databaseFiles[0])
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	ctx, line := t.Context(), fleet.AuditEntry{At: at, Actor: "ann", Action: "rollout.resume", Subject: "one", Reason: "all is well"}
	for what, edit := range map[string]func(fleet.Tx) error{
		"a token": func(tx fleet.Tx) error {
			return tx.Tokens().Put(ctx, fleet.Token{Name: "eve", Role: fleet.RoleAdmin, Hash: make([]byte, 32), At: at})
		},
		"a rollout": func(tx fleet.Tx) error {
			all, err := tx.Rollouts().List(ctx)
			all[0].State, all[0].Reason = fleet.RolloutFinished, fleet.Said("never halted")
			return errors.Join(err, tx.Rollouts().Save(ctx, all[0]))
		},
		"a line": func(tx fleet.Tx) error { return tx.Audit().Append(ctx, line) },
		"an epoch": func(tx fleet.Tx) error {
			return tx.Epochs().Put(ctx, fleet.Epoch{Model: "armani", Channel: "beta", N: 9})
		},
		"an outage":   func(tx fleet.Tx) error { return tx.Outages().Forget(ctx, at.AddDate(1, 0, 0)) },
		"an overrule": func(tx fleet.Tx) error { return tx.Statements().Suspend(ctx, "x", "bo", at, "R9") },
	} {
		for _, mac := range []string{"mac", "''", "(SELECT mac FROM %s ORDER BY n LIMIT 1 OFFSET 40)"} {
			forge(t, name, edit, mac)
			s, err := server.New(server.Config{DataDir: dir, Now: func() time.Time { return at }, ReadOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			found, err := s.Check(ctx, nil, 0, nil)
			if looked := s.Look(ctx); err != nil || found.Count == 0 || looked == 0 {
				t.Errorf("%s, MAC %s: %d faults, %d by the hourly look, %v", what, mac, found.Count, looked, err)
			}
			s.Close()
			for _, suffix := range []string{"-wal", "-shm"} {
				os.Remove(name + suffix)
			}
			if err := os.WriteFile(name, whole, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if found := check(t, dir, at); found.Count > 0 {
		t.Errorf("as it was: %q", found.Faults)
	}
}

// forge has this program write with another key, and then gives what it wrote another MAC.
func forge(t *testing.T, file string, edit func(fleet.Tx) error, mac string) {
	t.Helper()
	db, err := store.Open(t.Context(), file, time.Now, store.WithKey(make(store.Key, store.KeySize)))
	if err != nil {
		t.Fatal(err)
	}
	hand, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer hand.Close()
	var last [2]int64
	for n, table := range []string{"records", "audit"} {
		if err := hand.QueryRow(`SELECT max(n) FROM ` + table).Scan(&last[n]); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(db.Update(t.Context(), edit), db.Close()); err != nil {
		t.Fatal(err)
	}
	for n, table := range []string{"records", "audit"} {
		again := ""
		if err := hand.QueryRow(`SELECT sql FROM sqlite_master WHERE name = '` + table + `_no_update'`).Scan(&again); err != nil {
			t.Fatal(err)
		}
		to := mac
		if strings.Contains(mac, "%s") {
			to = fmt.Sprintf(mac, table)
		}
		if _, err := hand.Exec(fmt.Sprintf(`DROP TRIGGER %[1]s_no_update; UPDATE %[1]s SET mac = coalesce(%[2]s, '') WHERE n > %[3]d; %[4]s`,
			table, to, last[n], again)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestForeignSchemaIsNamed: what another hand adds to the schema is named, whatever it is called.
func TestForeignSchemaIsNamed(t *testing.T) {
	dir, at := proven(t)
	const deaf = ` BEFORE UPDATE ON rollouts WHEN NEW.state = 'halted' BEGIN SELECT RAISE(IGNORE); END`
	for _, statement := range []string{`CREATE TRIGGER schema_migrations` + deaf, `CREATE TRIGGER sqliteX` + deaf,
		`CREATE TABLE sqlitex (x)`, `CREATE VIEW schema AS SELECT 1`} {
		what := strings.Fields(statement)
		db, err := sql.Open("sqlite", filepath.Join(dir, databaseFiles[0]))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
		if found := check(t, dir, at); found.Count == 0 {
			t.Errorf("%s: not named", statement)
		}
		if _, err := db.Exec(`DROP ` + what[1] + ` ` + what[2]); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// editRow changes one row by chance, past the triggers, and says if anything changed.
func editRow(t *testing.T, file, table, statement string, random *rand.Rand) bool {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	triggers, err := db.Query(`SELECT name, sql FROM sqlite_master WHERE type = 'trigger'`)
	if err != nil {
		t.Fatal(err)
	}
	drop, again := "", ""
	for triggers.Next() {
		var name, text string
		if err := triggers.Scan(&name, &text); err != nil {
			t.Fatal(err)
		}
		drop, again = drop+"DROP TRIGGER "+name+";", again+text+";"
	}
	triggers.Close()
	var rows int
	among := table + map[string]string{
		"audit":  ` WHERE n <= (SELECT max(n) FROM heads WHERE tree = 'audit')`, // what was not sealed yet is promised to nobody
		"counts": ` WHERE n <> 0`,                                               // nobody is told of one that is none
		"walks":  ` WHERE name = 'reckoned'`,                                    // the others begin anew at worst
	}[table]
	if err := db.QueryRow(`SELECT count(*) FROM ` + among).Scan(&rows); err != nil || rows == 0 {
		return false
	}
	key := map[string]string{"installations": "ref || release", "counts": "release || model || channel || who || kind || value",
		"heads": "tree || size", "frontiers": "tree", "retentions": "release", "known_issues": "id",
		"tally_contents": "number", "epochs": "model || channel", "suspensions": "rollout || reference",
		"walks": "name"}[table]
	if key == "" {
		key = "rowid"
	}
	row := fmt.Sprintf("%[2]s = (SELECT %[2]s FROM %[1]s LIMIT 1 OFFSET %[3]d)", among, key, random.IntN(rows))
	text := fmt.Sprintf(statement, table) + " WHERE " + row
	if _, assigned, ok := strings.Cut(statement, " SET "); ok { // to what it is already is no edit
		column, value, _ := strings.Cut(assigned, " = ")
		text += fmt.Sprintf(" AND %s IS NOT (%s)", column, value)
	}
	if _, err := db.Exec(drop); err != nil {
		t.Fatal(err)
	}
	done, err := db.Exec(text)
	if err != nil {
		return false // a constraint of the table refuses it
	}
	n, err := done.RowsAffected()
	if err != nil || n > 1 || n == 0 && strings.HasPrefix(statement, "DELETE") {
		t.Fatalf("%s: %d rows, error %v", text, n, err)
	}
	if _, err := db.Exec(again + "PRAGMA wal_checkpoint(TRUNCATE);"); err != nil {
		t.Fatal(err)
	}
	return n == 1
}

// zero overwrites a page that is in use.
func zero(t *testing.T, file string, whole []byte, page int) bool {
	t.Helper()
	free := false
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	var unused int
	if err := db.QueryRow(`PRAGMA freelist_count`).Scan(&unused); err != nil {
		t.Fatal(err)
	}
	db.Close()
	free = unused > 0
	if free || strings.Trim(string(whole[page*4096:(page+1)*4096]), "\x00") == "" {
		return false
	}
	damaged := append([]byte{}, whole...)
	clear(damaged[page*4096 : (page+1)*4096])
	if err := os.WriteFile(file, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	return true
}
