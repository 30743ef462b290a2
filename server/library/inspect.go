// SPDX-License-Identifier: Apache-2.0

package library

import (
	"context"
	"fmt"
	"io"
	"time"

	"landed/manifests/otapkg"
	"landed/server/fleet"
)

const (
	// inspections is how many packages are inspected at once: each may keep a processor busy for minutes, and a crafted
	// one for far longer.
	inspections = 2
	// patience is how long a package waits for its inspection, before its sender is asked to come again.
	patience = 10 * time.Minute
)

// inspect is [otapkg.Inspect] of a package called name, once it is its turn, and for as long as somebody waits for it:
// it ends with the context.
func (l *Library) inspect(
	ctx context.Context, name string, r io.ReaderAt, size int64, policy otapkg.Policy,
) (otapkg.Facts, otapkg.Findings, error) {
	if err := l.turn(ctx, name); err != nil {
		return otapkg.Facts{}, nil, err
	}
	defer l.inspecting.unlock()
	facts, findings, err := otapkg.Inspect(untilDone{ctx, r}, size, policy)
	if err != nil {
		return facts, nil, fmt.Errorf("inspect %s: %w", name, err)
	}
	return facts, findings, ctx.Err()
}

// turn waits until one of the places for inspections is free, and takes it.
func (l *Library) turn(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	waiting, end := context.WithTimeout(ctx, l.patience)
	defer end()
	if err := l.inspecting.lock(waiting); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fleet.Errorf(fleet.Busy, "inspections_busy", "%d packages are being inspected, and %s waited %s for its turn; "+
			"nothing was stored, try again later", cap(l.inspecting), name, l.patience)
	}
	return nil
}

// untilDone reads until the context ends.
type untilDone struct {
	ctx context.Context
	r   io.ReaderAt
}

func (u untilDone) ReadAt(p []byte, off int64) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.ReadAt(p, off)
}
