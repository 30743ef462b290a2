// SPDX-License-Identifier: Apache-2.0

package seal_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"landed/server/fleet"
	"landed/server/seal"
	"landed/server/store"
	"landed/server/store/storetest"
)

var ctx = context.Background()

// said appends lines to the trail.
func said(t *testing.T, db store.Database, from, to int) {
	t.Helper()
	if err := db.Update(ctx, func(tx fleet.Tx) error {
		for n := from; n <= to; n++ {
			e := fleet.AuditEntry{At: storetest.Now, Actor: "ann", Action: "rollout.halt", Subject: fmt.Sprint(n)}
			if err := tx.Audit().Append(ctx, e); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func sealed(t *testing.T, db store.Database) (heads []fleet.Head) {
	t.Helper()
	if err := (seal.Sealer{Store: db, Now: storetest.Clock}).Seal(ctx); err != nil {
		t.Fatal(err)
	}
	view(t, db, func(tx fleet.Tx) (err error) {
		heads, err = tx.Seals().Heads(ctx, fleet.TreeAudit, 0, 1000)
		return err
	})
	return heads
}

func view(t *testing.T, db store.Database, fn func(fleet.Tx) error) {
	t.Helper()
	if err := db.View(ctx, fn); err != nil {
		t.Fatal(err)
	}
}

// root is the tree of RFC 6962, 2.1, written down as it stands there.
func root(leaves [][]byte) []byte {
	if len(leaves) == 1 {
		sum := sha256.Sum256(append([]byte{0}, leaves[0]...))
		return sum[:]
	}
	k := 1
	for k*2 < len(leaves) {
		k *= 2
	}
	sum := sha256.Sum256(bytes.Join([][]byte{{1}, root(leaves[:k]), root(leaves[k:])}, nil))
	return sum[:]
}

func TestHeadsAreThoseOfRFC6962(t *testing.T) {
	db := storetest.OpenDB(t)
	for n, to := range []int{1, 7, 8, 600} {
		said(t, db, []int{1, 2, 8, 9}[n], to)
		sealed(t, db)
	}
	heads := sealed(t, db) // nothing is new: no head
	var leaves [][]byte
	view(t, db, func(tx fleet.Tx) error {
		all, err := tx.Seals().Leaves(ctx, fleet.TreeAudit, 0, 1000)
		for _, l := range all {
			leaves = append(leaves, l.Data)
		}
		return err
	})
	want := `{"action":"rollout.halt","actor":"ann","at":1407672000000,"n":1,"reason":"","subject":"1"}`
	if string(leaves[0]) != want {
		t.Errorf("the leaf of a line of the trail is %s, wanted %s", leaves[0], want)
	}
	sizes := []int64{1, 7, 8, 520, 600} // a batch is at most 512
	for n, h := range heads {
		if h.Size != sizes[n] || h.Nth != int64(n+1) || h.N != h.Size || !bytes.Equal(h.Root, root(leaves[:h.Size])) {
			t.Errorf("head %d: size %d, number %d, row %d", n, h.Size, h.Nth, h.N)
		}
	}
	if len(heads) != len(sizes) {
		t.Fatalf("%d heads, wanted %d", len(heads), len(sizes))
	}
	view(t, db, func(tx fleet.Tx) error {
		for n, from := range heads {
			for _, to := range heads[n:] {
				hashes, err := seal.Consistency(ctx, tx, fleet.TreeAudit, from.Size, to.Size)
				if err != nil {
					return err
				}
				if err := seal.Verify(from, to, hashes); err != nil {
					t.Error(err)
				}
				if wrong := from; to.Size > from.Size {
					wrong.Root = to.Root
					if seal.Verify(wrong, to, hashes) == nil {
						t.Errorf("a proof from %d to %d holds for another root", from.Size, to.Size)
					}
				}
			}
		}
		return nil
	})
}

// TestUnprovenClaims: what somebody kept is held against the rows, also between two stored heads and beyond the last.
func TestUnprovenClaims(t *testing.T) {
	db := storetest.OpenDB(t)
	said(t, db, 1, 20)
	kept := sealed(t, db)[0]
	said(t, db, 21, 30)
	sealed(t, db)
	claim := func(size int64, root []byte) seal.Claim {
		return seal.Claim{Head: fleet.Head{Tree: fleet.TreeAudit, Size: size, Root: root}, By: "somebody"}
	}
	other := bytes.Repeat([]byte{1}, 32)
	for _, tc := range []struct {
		name     string
		claims   []seal.Claim
		unproven int
	}{
		{"none", nil, 0}, {"as it was", []seal.Claim{claim(20, kept.Root)}, 0}, {"another root", []seal.Claim{claim(20, other)}, 1},
		{"between two heads", []seal.Claim{claim(25, other), claim(20, kept.Root)}, 1},
		{"more rows than there are", []seal.Claim{claim(31, kept.Root)}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			view(t, db, func(tx fleet.Tx) error {
				w, err := seal.Walk(ctx, tx, fleet.TreeAudit, tc.claims, nil)
				if len(w.Unproven) != tc.unproven || len(w.Faults) > 0 || w.Leaves != 30 || w.Sealed != 30 {
					t.Errorf("%d unproven, faults %s, %d of %d leaves sealed", len(w.Unproven), strings.Join(w.Faults, "; "), w.Sealed,
						w.Leaves)
				}
				return err
			})
		})
	}
}
