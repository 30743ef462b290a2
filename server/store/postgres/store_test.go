// SPDX-License-Identifier: Apache-2.0

//go:build unix

package postgres_test

import (
	"context"
	"testing"
	"time"

	"landed/server/fleet"
	"landed/server/store"
	"landed/server/store/postgres"
	"landed/server/store/postgres/pgtest"
	"landed/server/store/storetest"
)

var ctx = context.Background()

func now() time.Time { return storetest.Now }

func TestMain(m *testing.M) { pgtest.Main(m) }

// open opens a database, and closes it with the test.
func open(t testing.TB, address string) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(ctx, address, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func fresh(t testing.TB) *postgres.DB { return open(t, storetest.Postgres(t)) }

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) fleet.Store { return fresh(t) })
}

func TestConformanceCompact(t *testing.T) {
	storetest.RunCompact(t, func(t *testing.T) store.Database { return fresh(t) })
}
