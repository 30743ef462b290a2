// SPDX-License-Identifier: Apache-2.0

//go:build unix

package storetest

import (
	"context"
	"errors"
	"testing"

	"landed/server/store"
	"landed/server/store/postgres/pgtest"
)

// Postgres is the address of a new PostgreSQL database whose tables are made. The test is skipped where there is no server;
// its package calls pgtest.Main.
func Postgres(t testing.TB) (address string) {
	t.Helper()
	return pgtest.Prepared(t, func(address string) error {
		ctx := context.Background()
		db, err := store.Open(ctx, address, Clock)
		if err != nil {
			return err
		}
		return errors.Join(db.Ready(ctx), db.Close())
	})
}
