// SPDX-License-Identifier: Apache-2.0

// Package storetest gives other packages' tests a real store, and holds the conformance
// suite of server/fleet's store contracts: every implementation passes Run.
//
// It promises a fresh migrated database per call, closed when the test ends. It refuses
// to be a mock: what it opens keeps every promise of the real one.
package storetest

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"landed/server/fleet"
	"landed/server/store"
)

// Now is the time that Open stamps migrations with.
var Now = time.Date(2014, 8, 10, 12, 0, 0, 0, time.UTC)

// Clock stands at Now.
func Clock() time.Time { return Now }

// Open opens a fresh database in a folder of the test.
func Open(t testing.TB) fleet.Store {
	t.Helper()
	return OpenDB(t)
}

// OpenDB is Open for tests that need more than the contract: Recount, Ready.
func OpenDB(t testing.TB) store.Database {
	t.Helper()
	db, err := store.Make(context.Background(), filepath.Join(t.TempDir(), "landed.db"), Clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}
