// SPDX-License-Identifier: Apache-2.0

package cluster_test

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	_ "modernc.org/sqlite" // for another hand

	"landed/server/cluster"
	"landed/server/fleet"
	"landed/server/store"
	"landed/server/store/storetest"
)

// patient are times within which any machine has written a row.
var patient = cluster.Times{TTL: 2 * time.Minute, Beat: time.Second, Poll: time.Second, Ask: time.Minute, Patience: time.Minute}

// withHand is a database, and another hand that has it open.
func withHand(t *testing.T) (store.Database, *sql.DB) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "landed.db")
	db, err := store.Make(t.Context(), path, storetest.Clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	hand, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hand.Close() })
	return db, hand
}

// TestSilentMemberIsKept: who may come back is among the members, however often others are heard of, and not for ever.
func TestSilentMemberIsKept(t *testing.T) {
	db, hand := withHand(t)
	silent := fleet.Member{ID: "silent", Program: "1.0", Protocol: fleet.Protocol}
	if err := db.Update(t.Context(), func(tx fleet.Tx) error { return tx.Members().Beat(t.Context(), silent, 3*time.Second) }); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		after time.Duration
		kept  bool
	}{{2 * time.Hour, true}, {fleet.MayReturn, true}, {fleet.MayReturn + 2*time.Hour, false}} {
		past := time.Now().Add(-tt.after).UnixMilli() // the clock of the database is that of the machine
		if _, err := hand.Exec(`UPDATE members SET heard = $1, until = $1 + 3000 WHERE id = 'silent'`, past); err != nil {
			t.Fatal(err)
		}
		c := cluster.New(cluster.Config{Store: db, Program: "2.0", Times: patient})
		if err := c.Start(t.Context()); err != nil { // is heard of once at least
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if err := db.View(t.Context(), func(tx fleet.Tx) error {
			_, err := tx.Members().Get(t.Context(), "silent")
			if (err == nil) != tt.kept {
				t.Errorf("after %s: %v", tt.after, err)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}
