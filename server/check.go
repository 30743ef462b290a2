// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"

	"landed/server/datadir"
	"landed/server/fleet"
	"landed/server/fsck"
	"landed/server/intake"
	"landed/server/published"
)

// Check reads the data folder whole and names what does not follow from what was signed, sealed or sent: see
// [fsck.Run]. kept are signed snapshots, by name, that somebody kept elsewhere. After enough faults no further check is
// begun; 0 makes them all. progress is told in words what is looked at, and may be nil.
func (s *Server) Check(
	ctx context.Context, kept map[string][]byte, enough int, progress func(string),
) (fsck.Result, error) {
	return fsck.Run(ctx, fsck.Config{DB: s.db, Repo: s.rooms.Repo, Intake: s.intake, Blobs: s.blobs,
		Feed: datadir.Dir(s.cfg.DataDir).Feed(), Kept: kept, Enough: enough}, progress)
}

// Rejudge judges the stored installations of a release again, or of every published release if none is named, after a
// rule of the program changed. Releases that cannot be read are left as they stand, and named in the error once the others
// are done. It may run beside a server that serves the same folder. See [intake.Intake.Rejudge].
func (s *Server) Rejudge(ctx context.Context, release, by string, progress func(intake.Rejudged)) ([]intake.Rejudged, error) {
	names, left := []string{release}, error(nil)
	if release == "" {
		all, err := s.released(ctx)
		if err != nil {
			return nil, err
		}
		names = nil
		for _, r := range all.Readable {
			names = append(names, r.Name)
		}
		for _, u := range all.Unreadable {
			left = errors.Join(left, u.Err)
		}
	}
	var done []intake.Rejudged
	for _, name := range names {
		one, err := s.intake.Rejudge(ctx, name, by, progress)
		if err != nil {
			return done, errors.Join(err, left)
		}
		done = append(done, one)
	}
	return done, left
}

func (s *Server) released(ctx context.Context) (all published.Releases, err error) {
	err = s.db.View(ctx, func(tx fleet.Tx) error {
		all, err = published.Load(ctx, tx)
		return err
	})
	return all, err
}
