// SPDX-License-Identifier: Apache-2.0

package library

import (
	"context"
	"fmt"
	"io"
	"slices"
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
	return facts, judgeTime(facts, findings, policy.Channel), ctx.Err()
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

// lastTime is the end of the year 9999, in Unix seconds: what RFC 3339 and people can say.
const lastTime = 253402300799

// judgeTime refuses what is no time of a build, and builds of the future: once one is released, nothing that is built
// before then can follow it. On lab they are warned of.
func judgeTime(facts otapkg.Facts, fs otapkg.Findings, channel string) otapkg.Findings {
	if facts.PostTimestamp > lastTime {
		fs = slices.DeleteFunc(fs, func(f otapkg.Finding) bool { return f.Code == otapkg.VerFuture }) // its date is none
		return append(fs, otapkg.Finding{
			Code: otapkg.VerFuture, Level: otapkg.Refuse, Found: fmt.Sprint(facts.PostTimestamp), Wanted: "ro.build.date.utc in seconds",
			Fix:     "Build the package again with the time of its build.",
			Message: fmt.Sprintf("metadata says post-timestamp=%d, which is after the year 9999 and the time of no build.", facts.PostTimestamp),
		})
	}
	for i := range fs {
		if fs[i].Code == otapkg.VerFuture && channel != otapkg.Lab {
			fs[i].Level = otapkg.Refuse
			fs[i].Message += " Once it is released, no build from before then can follow it."
		}
	}
	return fs
}
