// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"os"
	"time"

	"landed/manifests/report"
	"landed/server/datadir"
	"landed/server/evidence"
	"landed/server/fleet"
	"landed/server/intake"
	"landed/server/store"
)

// reportRoom is about how many bytes a stored report takes up with its index and its installation. None takes up much more:
// a report answers what its release asks, and nothing else.
const reportRoom = 2 << 10

// share bounds what is stored of installations that are of no counted fleet.
func (s *Server) share(dir datadir.Dir) intake.Share {
	file, witnesses := store.ReportsFile(dir.Database()), &evidence.Reader{}
	return intake.Share{
		Reports: func() int64 {
			size := int64(0)
			if info, err := os.Stat(file); err == nil {
				size = info.Size()
			}
			if bytes := s.room.ForStrangers(size); bytes >= 0 {
				return bytes / reportRoom
			}
			return -1
		},
		Vouched: func(ctx context.Context, tx fleet.Tx, model string, now time.Time) (map[report.Reference]bool, error) {
			signed, err := witnesses.Open(ctx, tx)
			if err != nil {
				return nil, err
			}
			all, err := signed.Vouched(model)
			if err != nil {
				return nil, err
			}
			of := map[report.Reference]bool{}
			for _, v := range all {
				if v.Withdrawn == nil && (fleet.Span{From: v.From, Until: v.Until}).Covers(now) {
					of[v.Installation] = true
				}
			}
			return of, nil
		},
	}
}
