// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"landed/server/fleet"
)

// testSeals: leaves are made of the rows alone and in their order, a head that was stored stays, and the newest is found
// with its compact range.
func testSeals(t *testing.T, s fleet.Store) {
	for i := range 5 {
		update(t, s, func(tx fleet.Tx) error {
			return tx.Audit().Append(ctx, fleet.AuditEntry{At: Now.Add(time.Duration(i) * time.Minute), Actor: "mei",
				Action: "rollout.halt", Subject: fmt.Sprint("r", i), Reason: "<é> \u2028"})
		})
	}
	for _, tree := range fleet.Trees() {
		view(t, s, func(tx fleet.Tx) error {
			h, frontier, err := tx.Seals().Latest(ctx, tree)
			if h.Size != 0 || len(frontier) > 0 || h.Tree != tree {
				t.Errorf("%s, nothing sealed: %+v, %d hashes", tree, h, len(frontier))
			}
			return err
		})
	}
	auditLeaves(t, s)
	reportLeaves(t, s)
	heads(t, s)
}

// reportLeaves are the number of a report, the hour at which it came, and the digest of its envelope.
func reportLeaves(t *testing.T, s fleet.Store) {
	r, key := Report(1, 1)
	stored := Stored(t, r, key, Now.Add(90*time.Minute))
	updateReports(t, s, func(tx fleet.Tx) error {
		_, err := tx.Reports().Append(ctx, stored)
		return err
	})
	view(t, s, func(tx fleet.Tx) error {
		all, err := tx.Seals().Leaves(ctx, fleet.TreeReports, 0, 10)
		if err != nil || len(all) != 1 {
			t.Fatalf("%d leaves, %v", len(all), err)
		}
		want := binary.BigEndian.AppendUint64(nil, uint64(all[0].N))
		want = binary.BigEndian.AppendUint64(want, uint64(Now.Unix()/3600+1))
		sum := sha256.Sum256(stored.Envelope)
		if want = append(want, sum[:]...); !bytes.Equal(want, all[0].Data) {
			t.Errorf("the leaf is %x, wanted %x", all[0].Data, want)
		}
		return nil
	})
}

// auditLeaves are the lines of the trail in their one form.
func auditLeaves(t *testing.T, s fleet.Store) {
	view(t, s, func(tx fleet.Tx) error {
		all, err := tx.Seals().Leaves(ctx, fleet.TreeAudit, 0, 100)
		if err != nil || len(all) != 5 {
			t.Fatalf("%d leaves, %v", len(all), err)
		}
		for i, leaf := range all {
			var line struct {
				N                              int64
				At                             int64
				Actor, Action, Subject, Reason string
			}
			if err := json.Unmarshal(leaf.Data, &line); err != nil {
				t.Error(err)
			}
			if line.N != leaf.N || line.At != Now.Add(time.Duration(i)*time.Minute).UnixMilli() || line.Actor != "mei" ||
				line.Subject != fmt.Sprint("r", i) || line.Reason != "<é> \u2028" || i > 0 && leaf.N <= all[i-1].N {
				t.Errorf("leaf %d is %s", leaf.N, leaf.Data)
			}
		}
		part, err := tx.Seals().Leaves(ctx, fleet.TreeAudit, all[1].N, 2)
		if diff := cmp.Diff(all[2:4], part); err != nil || diff != "" {
			t.Errorf("a part of them: %v\n%s", err, diff)
		}
		if rest, err := tx.Seals().Leaves(ctx, fleet.TreeAudit, all[4].N, 2); err != nil || len(rest) > 0 {
			t.Errorf("beyond the last: %d leaves, %v", len(rest), err)
		}
		if _, err := tx.Seals().Leaves(ctx, "oak", 0, 1); err == nil {
			t.Error("a tree that there is none has leaves")
		}
		return nil
	})
}

// heads of one tree stand beside those of another.
func heads(t *testing.T, s fleet.Store) {
	root := func(size int64) []byte {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(size)))
		return sum[:]
	}
	head := func(tree fleet.Tree, size, nth int64) fleet.Head {
		return fleet.Head{Tree: tree, Size: size, N: size + 1, Nth: nth, Root: root(size), At: Now.Add(time.Duration(size) * time.Hour)}
	}
	for _, size := range []int64{2, 3, 5} {
		update(t, s, func(tx fleet.Tx) error {
			given := head(fleet.TreeAudit, size, 0)
			return tx.Seals().Put(ctx, given, [][]byte{root(size), root(size + 100)})
		})
	}
	update(t, s, func(tx fleet.Tx) error {
		return tx.Seals().Put(ctx, head(fleet.TreeRecords, 3, 0), [][]byte{root(7)})
	})
	wantKind(t, s, fleet.Conflict, "head_exists", func(tx fleet.Tx) error {
		return tx.Seals().Put(ctx, head(fleet.TreeAudit, 3, 0), nil)
	})
	view(t, s, func(tx fleet.Tx) error {
		h, frontier, err := tx.Seals().Latest(ctx, fleet.TreeAudit)
		if diff := cmp.Diff(head(fleet.TreeAudit, 5, 3), h); diff != "" || err != nil {
			t.Errorf("the newest: %v\n%s", err, diff)
		}
		if len(frontier) != 2 || !bytes.Equal(frontier[0], root(5)) || !bytes.Equal(frontier[1], root(105)) {
			t.Errorf("its compact range has %d hashes: %x", len(frontier), frontier)
		}
		all, err := tx.Seals().Heads(ctx, fleet.TreeAudit, 2, 10)
		if diff := cmp.Diff([]fleet.Head{head(fleet.TreeAudit, 3, 2), head(fleet.TreeAudit, 5, 3)}, all); diff != "" || err != nil {
			t.Errorf("those beyond two leaves: %v\n%s", err, diff)
		}
		if one, err := tx.Seals().Heads(ctx, fleet.TreeAudit, 0, 1); err != nil || len(one) != 1 || one[0].Size != 2 {
			t.Errorf("the first alone: %+v, %v", one, err)
		}
		other, _, err := tx.Seals().Latest(ctx, fleet.TreeRecords)
		if diff := cmp.Diff(head(fleet.TreeRecords, 3, 1), other); diff != "" || err != nil {
			t.Errorf("the newest of another tree: %v\n%s", err, diff)
		}
		return nil
	})
}
