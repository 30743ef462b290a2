// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"landed/server/fleet"
	"landed/server/store"
	"landed/server/store/storetest"
)

func TestAddresses(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "landed.db")
	for _, address := range []string{"sqlite:" + path, path} {
		db, err := store.Open(ctx, address, storetest.Clock)
		if err != nil {
			t.Fatalf("%s: %v", address, err)
		}
		if err := db.Ready(ctx); err != nil {
			t.Errorf("%s: %v", address, err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
	for _, address := range []string{"postgres://localhost/landed", "mysql://x"} {
		if db, err := store.Open(ctx, address, storetest.Clock); !fleet.Is(err, fleet.Invalid) || db != nil {
			t.Errorf("%s: got %v, %v", address, db, err)
		}
	}
	if db, err := store.Open(ctx, t.TempDir(), storetest.Clock); err == nil || db != nil {
		t.Errorf("a folder: got %v, %v", db, err)
	}
}
