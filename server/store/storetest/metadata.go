// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"errors"
	"strings"
	"testing"

	"landed/server/fleet"
)

func testChanges(t *testing.T, s fleet.Store) {
	one := fleet.Change{ID: strings.Repeat("1", 32), Release: "one", State: fleet.ChangeOpen, Request: []byte("bundle"),
		Roles: []fleet.StagedRole{{Role: "armani", Version: 2, Upon: 1, Metadata: []byte("{}")}}, At: later(1)}
	two := fleet.Change{ID: strings.Repeat("2", 32), State: fleet.ChangeOpen, At: Now}
	create := func(c fleet.Change) func(fleet.Tx) error {
		return func(tx fleet.Tx) error { return tx.Changes().Create(ctx, c) }
	}
	update(t, s, create(one))
	update(t, s, create(two))
	wantKind(t, s, fleet.Conflict, "change_exists", create(one))
	view(t, s, func(tx fleet.Tx) error {
		open, err := tx.Changes().Open(ctx)
		same(t, "oldest first", open, []fleet.Change{two, one})
		return err
	})
	two.State = fleet.ChangeDropped
	update(t, s, func(tx fleet.Tx) error { return tx.Changes().Save(ctx, two, fleet.ChangeOpen) })
	view(t, s, func(tx fleet.Tx) error {
		dropped, err := tx.Changes().Dropped(ctx)
		same(t, "given up", dropped, []fleet.Change{two})
		open, errOpen := tx.Changes().Open(ctx)
		same(t, "still open", open, []fleet.Change{one})
		return errors.Join(err, errOpen)
	})
	one.State = fleet.ChangePublished
	save := func(tx fleet.Tx) error { return tx.Changes().Save(ctx, one, fleet.ChangeOpen) }
	update(t, s, save)
	wantKind(t, s, fleet.Conflict, "change_moved", save)
	wantKind(t, s, fleet.NotFound, "change_unknown", func(tx fleet.Tx) error {
		_, err := tx.Changes().Get(ctx, "none")
		return err
	})
	view(t, s, func(tx fleet.Tx) error {
		got, err := tx.Changes().Get(ctx, one.ID)
		same(t, "the change", got, one)
		return err
	})
}

func testMetadata(t *testing.T, s fleet.Store) {
	file := func(role string, version int64, text string) fleet.Metadata {
		return fleet.Metadata{Role: role, Version: version, Bytes: []byte(text), Expires: later(60), At: Now}
	}
	r9, r10, snap := file("root", 9, "nine"), file("root", 10, "ten"), file("snapshot", 3, "three")
	for _, m := range []fleet.Metadata{r10, r9, snap, r9} {
		update(t, s, func(tx fleet.Tx) error { return tx.Metadata().Put(ctx, m) })
	}
	wantKind(t, s, fleet.Conflict, "version_used", func(tx fleet.Tx) error {
		return tx.Metadata().Put(ctx, file("root", 9, "other"))
	})
	wantKind(t, s, fleet.NotFound, "metadata_unknown", func(tx fleet.Tx) error {
		_, err := tx.Metadata().Get(ctx, "root", 11)
		return err
	})
	wantKind(t, s, fleet.NotFound, "metadata_unknown", func(tx fleet.Tx) error {
		_, err := tx.Metadata().Latest(ctx, "targets")
		return err
	})
	view(t, s, func(tx fleet.Tx) error {
		latest, err := tx.Metadata().Latest(ctx, "root")
		if err != nil {
			return err
		}
		same(t, "latest", latest, r10)
		newest, err := tx.Metadata().LatestAll(ctx)
		if err != nil {
			return err
		}
		same(t, "latest of each", newest, []fleet.Metadata{r10, snap})
		all, err := tx.Metadata().All(ctx, "root")
		same(t, "every root", all, []fleet.Metadata{r9, r10})
		return err
	})
}
