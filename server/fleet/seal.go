// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"time"
)

// Tree names one of the Merkle trees (RFC 6962, 2.1) into which stored rows are sealed.
type Tree string

// The trees, and what their leaves are made of. Numbers are of 8 bytes, the most significant first.
const (
	TreeAudit   Tree = "audit"   // canonical JSON of a line of the trail
	TreeReports Tree = "reports" // n, hours since 1970 at which it came, SHA-256 of the envelope as it was received
	TreeRecords Tree = "records" // canonical JSON of a record: which row of the control tables had which digest
)

// Trees lists them.
func Trees() []Tree { return []Tree{TreeAudit, TreeReports, TreeRecords} }

// Head is a tree as it stood at one size.
type Head struct {
	Tree Tree
	Size int64  // leaves
	N    int64  // row of the last leaf; 0 of an empty tree
	Nth  int64  // of the heads of its tree, from 1; given by the store
	Root []byte // 32 bytes
	At   time.Time
}

// Leaf is one row as a tree takes it: its hash is SHA-256(0x00 ‖ Data).
type Leaf struct {
	N    int64
	Data []byte
}

// Seals keeps the heads, and gives the rows that become leaves. A head that was stored is never changed.
type Seals interface {
	// Leaves lists up to limit rows of a tree whose number is above after, in their order.
	Leaves(ctx context.Context, tree Tree, after int64, limit int) ([]Leaf, error)
	// Latest is the newest head, and the hashes of its compact range; zero if nothing was sealed yet.
	Latest(ctx context.Context, tree Tree) (Head, [][]byte, error)
	// Heads lists up to limit heads that are larger than after, the smallest first.
	Heads(ctx context.Context, tree Tree, after int64, limit int) ([]Head, error)
	Put(ctx context.Context, h Head, frontier [][]byte) error // Conflict if the tree has a head of this size
}
