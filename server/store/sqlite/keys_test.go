// SPDX-License-Identifier: Apache-2.0

package sqlite_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"landed/server/fleet"
	"landed/server/store/rows"
	"landed/server/store/sqlite"
	"landed/server/store/storetest"
)

var oneKey, otherKey = rows.Key(bytes.Repeat([]byte{7}, rows.KeySize)), rows.Key(bytes.Repeat([]byte{8}, rows.KeySize))

// withKey opens a database with a key.
func withKey(t *testing.T, path string, k rows.Key) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Make(ctx, path, storetest.Clock, rows.WithKey(k))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// enter adds tokens, and a line of the trail for each.
func enter(t *testing.T, db *sqlite.DB, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := token(db, name); err != nil {
			t.Fatal(err)
		}
	}
}

func token(db *sqlite.DB, name string) error {
	return db.Update(ctx, func(tx fleet.Tx) error {
		return errors.Join(tx.Tokens().Put(ctx, fleet.Token{Name: name, Role: fleet.RoleSupport, Hash: []byte(name)}),
			tx.Audit().Append(ctx, fleet.AuditEntry{At: storetest.Clock(), Actor: "ann", Action: "token.add", Subject: name}))
	})
}

// wantFaults wants the faults of the records to have words in them, in this number; none of "".
func wantFaults(t *testing.T, what string, db *sqlite.DB, n int, words string) {
	t.Helper()
	faults, err := db.CheckRecords(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(faults) != n || words != "" && !strings.Contains(strings.Join(faults, "\n"), words) {
		t.Errorf("%s: %d faults, wanted %d with %q:\n%s", what, len(faults), n, words, strings.Join(faults, "\n"))
	}
}

// loose lets a hand that has the database alone write whatever it likes.
const loose = `DROP TRIGGER records_no_update; DROP TRIGGER records_no_delete; DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete;`

// TestKeyedRows: what a hand with the database alone adds to records and to the trail, changes in them or takes out of
// their middle is named.
func TestKeyedRows(t *testing.T) {
	newest := `(SELECT max(n) FROM records)`
	for what, tt := range map[string]struct {
		edit  string
		n     int
		words string
	}{
		"nothing":                  {``, 0, ""},
		"a record without a MAC":   {`INSERT INTO records (kind, key, sha256) VALUES ('tokens', 'eve', '00')`, 2, "records: the row "},
		"with the last MAC":        {`INSERT INTO records (kind, key, sha256, mac) SELECT kind, key, sha256, mac FROM records WHERE n = ` + newest, 1, "records: the row "},
		"an older record again":    {`INSERT INTO records (kind, key, sha256, mac) SELECT kind, key, sha256, mac FROM records WHERE key = 'a'`, 1, "records: the row "},
		"a record changed":         {`UPDATE records SET sha256 = '00' WHERE n = ` + newest, 2, "records: the row "},
		"its MAC changed":          {`UPDATE records SET mac = '' WHERE n = ` + newest + ` - 1`, 2, "records: the row "},
		"a record from the middle": {`DELETE FROM records WHERE n = ` + newest + ` - 1`, 2, "one before was removed"},
		"the first records":        {`DELETE FROM records WHERE n <= (SELECT min(n) FROM records WHERE mac <> '')`, 2, "none of"},
		"every MAC":                {`UPDATE records SET mac = ''`, 1, "none of"},
		"a row with its record":    {`UPDATE tokens SET role = 'admin' WHERE name = 'a'; INSERT INTO records (kind, key, sha256) VALUES ('tokens', 'a', '00')`, 2, "records: the row "},
		"a line without a MAC": {`INSERT INTO audit (at, actor, action, subject, reason) VALUES (1, 'ann', 'x', 'y', 'z')`, 1,
			"audit: the row "},
		"a line twice":           {`INSERT INTO audit (at, actor, action, subject, reason, mac) SELECT at, actor, action, subject, reason, mac FROM audit WHERE n = 1`, 1, "audit: the row "},
		"a line changed":         {`UPDATE audit SET actor = 'nobody' WHERE n = 2`, 1, "audit: the row 2"},
		"two words moved":        {`UPDATE audit SET actor = 'an', action = 'ntoken.add' WHERE n = 2`, 1, "audit: the row 2"},
		"a line from the middle": {`DELETE FROM audit WHERE n = 2`, 1, "audit: the row 3"},
		"the first line":         {`DELETE FROM audit WHERE n = 1`, 1, "audit: none of 2"},
		"a row of a number below": {`INSERT INTO records (n, kind, key, sha256) VALUES (0, 'tokens', 'eve', '00')`, 1,
			"was removed by another hand"},
		"a row, and a record below":  {`INSERT INTO outages VALUES (5, 'off', 1, 2); INSERT INTO records (n, kind, key, sha256) VALUES (-1, 'outages', '5', 'x')`, 1, "outages: the row \"5\""},
		"a row that nobody recorded": {`INSERT INTO outages VALUES (5, 'off', 1, 2)`, 1, "was put there by another hand"},
	} {
		path := filepath.Join(t.TempDir(), "landed.db")
		db := withKey(t, path, oneKey)
		enter(t, db, "a", "b", "c")
		hand := raw(t, path)
		do(t, hand, loose+tt.edit)
		wantFaults(t, what, db, tt.n, tt.words)
		if err := hand.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAnotherKeyOrNone: a database that has a key is not written without it, and what it says then is said.
func TestAnotherKeyOrNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "landed.db")
	db := withKey(t, path, oneKey)
	enter(t, db, "a")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	none := open(t, path)
	var e *fleet.Error
	if err := token(none, "b"); !errors.As(err, &e) || e.Code != rows.CodeKeyMissing {
		t.Errorf("written without the key: %v", err)
	}
	wantFaults(t, "without the key", none, 2, "with a key that is not here")
	if err := none.Close(); err != nil {
		t.Fatal(err)
	}
	other := withKey(t, path, otherKey)
	wantFaults(t, "with another key", other, 2, "none of")
	line := fleet.AuditEntry{At: storetest.Clock(), Actor: "ann", Action: "records.key", Subject: "records", Reason: "it was lost"}
	for range 2 {
		if err := other.RecordAnew(ctx, otherKey, line); err != nil {
			t.Fatal(err)
		}
	}
	enter(t, other, "b")
	wantFaults(t, "recorded anew", other, 0, "")
	if err := other.View(ctx, func(tx fleet.Tx) error {
		all, err := tx.Audit().List(ctx, 0, 10)
		if len(all) != 3 || all[1].Reason != line.Reason {
			t.Errorf("the trail is %+v", all)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// TestRecordsOfOlderPrograms: a database without MACs is begun with a key: what is as it was recorded is recorded again, and
// what is not stays a fault.
func TestRecordsOfOlderPrograms(t *testing.T) {
	path := filepath.Join(t.TempDir(), "landed.db")
	db := open(t, path)
	enter(t, db, "a", "b", "c")
	hand := raw(t, path)
	do(t, hand, `UPDATE tokens SET role = 'admin' WHERE name = 'b'`)
	wantFaults(t, "before", db, 1, `tokens: the row "b" is not as`)
	if is, err := db.Keyed(ctx); is || err != nil {
		t.Errorf("before: keyed is %t, %v", is, err)
	}
	if err := db.RecordAnew(ctx, oneKey, fleet.AuditEntry{At: storetest.Clock(), Actor: "landed", Action: "records.key"}); err != nil {
		t.Fatal(err)
	}
	if is, err := db.Keyed(ctx); !is || err != nil {
		t.Errorf("after: keyed is %t, %v", is, err)
	}
	wantFaults(t, "after", db, 1, `tokens: the row "b" is not as`)
	enter(t, db, "d")
	do(t, hand, `INSERT INTO records (kind, key, sha256) SELECT kind, key, sha256 FROM records WHERE key = 'c' LIMIT 1`)
	wantFaults(t, "a record of old", db, 2, "records: the row ")
	if err := hand.Close(); err != nil {
		t.Fatal(err)
	}
}
