// SPDX-License-Identifier: Apache-2.0

// Package scrub reads every stored content again, slowly, and takes out what is not what its name says.
//
// Parties: the server runs it beside everything else. It promises that each content is read about once a day, at a rate
// that leaves the disk to others, and that damaged content is not served on: it is set aside, with a line at level ERROR
// that says what to do. It refuses to mend bytes by itself: they come back with the same file, uploaded again.
package scrub

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"landed/server/blob"
	"landed/server/repo"
)

// Scrubber reads the contents of a store. All fields are needed.
type Scrubber struct {
	Blobs blob.Store
	Repo  *repo.Repo
	Log   *slog.Logger
}

const (
	pass    = 20 * time.Hour // a pass takes about so long: within a day, with room
	minRate = 4 << 20        // bytes a second: a small store is read sooner
)

// Run goes on until ctx ends.
func (s Scrubber) Run(ctx context.Context) {
	for ctx.Err() == nil {
		began := time.Now()
		if err := s.Pass(ctx, pause); err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "the stored contents could not be read through; it is tried again", "err", err)
		}
		pause(ctx, max(time.Hour, pass-time.Since(began)))
	}
}

// Pass reads every content once. wait is called between the pieces with how long to rest.
func (s Scrubber) Pass(ctx context.Context, wait func(context.Context, time.Duration)) error {
	var all []blob.Info
	total := int64(0)
	for info, err := range s.Blobs.List(ctx) {
		if err != nil {
			return err
		}
		all, total = append(all, info), total+info.Size
	}
	rate := max(minRate, total/int64(pass/time.Second))
	rest := func(read int) { wait(ctx, time.Duration(read)*time.Second/time.Duration(rate)) }
	var faults []error
	for _, info := range all {
		if err := s.one(ctx, info.Ref, rest); err != nil {
			faults = append(faults, err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return errors.Join(faults...)
}

func (s Scrubber) one(ctx context.Context, ref blob.Ref, rest func(read int)) error {
	err := blob.VerifyPaced(ctx, s.Blobs, ref, rest)
	switch {
	case err == nil:
		return s.Repo.Content(string(ref)).LinkAgain(ctx)
	case errors.Is(err, blob.ErrNotFound): // removed meanwhile
		return nil
	case errors.Is(err, blob.ErrMismatch):
		s.Log.ErrorContext(ctx, "stored content is damaged; it was set aside and is not served any more. Upload the same file "+
			"again", "sha256", ref, "err", err)
		return s.Repo.Content(string(ref)).SetAside(ctx)
	}
	return err
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
