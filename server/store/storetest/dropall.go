// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"strings"
	"time"

	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/store"
)

// settledLike is as long as what a cut settles of an installation that spoke of one release.
var settledLike = []byte(`[7,"` + strings.Repeat("5e", 32) + `",[["one",true,"model12","stable",6,1234567,` +
	`"running","","active",false,false,6,1407672000000,1407672000000,0,0,1407672000000,false,false,"",4711]]]`)

// DropAll drops all compact reports of these installations but the first and the newest of each, by a cut whose states are as
// long as real ones, 16 installations in one transaction. It is for benchmarks.
func DropAll(ctx context.Context, db store.Database, refs []report.Reference) (dropped int, slowest time.Duration, err error) {
	c := fleet.Cut{Number: 1, Release: "one", UpTo: 1 << 40, Before: Now.AddDate(9, 0, 0)}
	put := func() error {
		return db.UpdateReports(ctx, func(tx fleet.Tx) error { return tx.Cuts().Put(ctx, c) })
	}
	if err := put(); err != nil {
		return 0, 0, err
	}
	if err := inSteps(refs, 1000, func(some []report.Reference) error {
		return db.UpdateReports(ctx, func(tx fleet.Tx) error {
			var all []fleet.Settled
			for _, ref := range some {
				all = append(all, fleet.Settled{Cut: 1, Ref: ref, State: settledLike})
			}
			return tx.Cuts().Settle(ctx, all...)
		})
	}); err != nil {
		return 0, 0, err
	}
	c.At, c.Root, c.Closed, c.States = Now, make([]byte, 32), Now, int64(len(refs))
	if err := put(); err != nil {
		return 0, 0, err
	}
	return dropped, slowest, inSteps(refs, 16, func(some []report.Reference) error {
		began := time.Now()
		defer func() { slowest = max(slowest, time.Since(began)) }()
		return db.UpdateReports(ctx, func(tx fleet.Tx) error {
			for _, ref := range some {
				n, err := dropMiddle(ctx, tx, ref)
				if dropped += n; err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func dropMiddle(ctx context.Context, tx fleet.Tx, ref report.Reference) (int, error) {
	all, err := tx.Reports().Arrived(ctx, ref)
	if err != nil || len(all) < 3 {
		return 0, err
	}
	var rows []int64
	for _, r := range all[1 : len(all)-1] {
		rows = append(rows, r.N)
	}
	return tx.Cuts().Drop(ctx, 1, ref, hashed, rows...)
}

func inSteps(refs []report.Reference, size int, do func([]report.Reference) error) error {
	for from := 0; from < len(refs); from += size {
		if err := do(refs[from:min(from+size, len(refs))]); err != nil {
			return err
		}
	}
	return nil
}
