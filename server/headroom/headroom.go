// SPDX-License-Identifier: Apache-2.0

// Package headroom keeps room on the disk of the data folder for what must always work: to halt a rollout, and to
// publish that.
//
// Parties: reports and uploads ask it before they use the disk; the rooms write through [Headroom.Store], and tell it
// of a full disk; readiness and metrics show how it stands; the loop calls Tick. A reserve is a file whose blocks are
// really taken. It promises that the reserve is given back when a write of the rooms meets a full disk, that the write
// is tried again then, and that the reserve is made again once there is room for it, with a line at level ERROR while
// it is missing; and that reports and uploads are sent away long before that, at a mark above the reserve.
// It refuses to take the last room of a disk for a reserve.
package headroom

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"landed/server/fleet"
)

// FileName is the name of the reserve in its folder.
const FileName = ".reserve"

// The defaults of a server. DefaultMark is any negative number.
const (
	DefaultReserve int64 = 64 << 20
	DefaultMark    int64 = -1
)

// Space is the room of a file system, in bytes. Free is what this process may use.
type Space struct{ Free, Total int64 }

// Config is what a Headroom is given.
type Config struct {
	Dir string // the data folder
	// Reserve is the size of the reserve in bytes, at most an eighth of the disk; 0 is none.
	Reserve int64
	// Mark is how many bytes must be free for reports and uploads to be taken in; 0 asks for nothing. A negative one
	// follows from the disk: see MarkOf.
	Mark  int64
	Space func(dir string) (Space, error) // nil asks the system
	Now   func() time.Time                // of how old an answer of Space is; nil: the clock
	Log   *slog.Logger                    // nil discards
}

// Headroom is the room of one data folder. Its methods may be called from any number of goroutines.
type Headroom struct {
	cfg           Config
	path          string
	reserve, mark int64

	mu       sync.Mutex
	have     Space
	fault    error // of the last Space
	asked    time.Time
	released time.Time // when the reserve was given back last
	told     time.Time // when it was last told that the reserve is missing; zero while it is there
}

// asksEvery bounds how often the system is asked; tellsEvery, how often the log says again that the reserve is missing.
const (
	asksEvery  = time.Second
	tellsEvery = time.Hour
)

// MarkOf is how many bytes must be free on a disk for reports and uploads to be taken in: the reserve and 256 MiB, or
// 2 % of the disk, whichever is larger, but at most half of the disk and 16 GiB.
func MarkOf(total, reserve int64) int64 {
	return min(max(reserve+256<<20, total/50), total/2, 16<<30)
}

// Open looks at the disk, and makes the reserve if it is missing and there is room. That a reserve cannot be made is
// no reason not to start: it is told, and tried again by Tick.
func Open(c Config) *Headroom {
	if c.Space == nil {
		c.Space = spaceOf
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	h := &Headroom{cfg: c, path: filepath.Join(c.Dir, FileName), reserve: max(c.Reserve, 0), mark: c.Mark}
	space, err := h.space()
	if err == nil && h.reserve > space.Total/8 {
		h.reserve = space.Total / 8
		c.Log.Warn("the reserve is made smaller, as the disk is small", "wanted", c.Reserve, "bytes", h.reserve)
	}
	if h.mark < 0 {
		h.mark = 0
		if err == nil {
			h.mark = MarkOf(space.Total, h.reserve)
		}
	}
	h.Tick()
	return h
}

// space is the room of now, as it was a second ago at most.
func (h *Headroom) space() (Space, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.spaceLocked()
}

func (h *Headroom) spaceLocked() (Space, error) {
	now := h.cfg.Now()
	if age := now.Sub(h.asked); h.asked.IsZero() || age < 0 || age >= asksEvery {
		h.have, h.fault = h.cfg.Space(h.cfg.Dir)
		h.asked = now
		if errors.Is(h.fault, errors.ErrUnsupported) { // a system that cannot say: nothing is refused
			h.have, h.fault = Space{Free: 1 << 62, Total: 1 << 62}, nil
		}
	}
	return h.have, h.fault
}

// MadeRoom says if a write that failed with err may be tried again, because the disk was full and the reserve has been
// given back.
func (h *Headroom) MadeRoom(err error) bool {
	if !IsFull(err) {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.cfg.Now()
	if fault := os.Remove(h.path); fault != nil {
		// Whoever met the full disk at the same moment may try again as well.
		recent := now.Sub(h.released)
		return !h.released.IsZero() && recent >= 0 && recent < 5*time.Second
	}
	h.released, h.told, h.asked = now, now, time.Time{}
	h.cfg.Log.Error("the disk is full; the reserve is given back, so that rollouts can still be halted and published. "+
		"Make room: until then no reports and no packages are taken in", "bytes", h.reserve, "met", err.Error())
	return true
}

// IsFull says if err comes of a full disk or quota.
func IsFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || fleet.Is(err, fleet.NoSpace)
}

// Tick makes the reserve again if it is missing and there is room for it twice, and says so while it is missing.
func (h *Headroom) Tick() {
	if h.reserve == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.whole() {
		return
	}
	space, err := h.spaceLocked()
	if err == nil && space.Free < 2*h.reserve {
		err = fmt.Errorf("%s are free, twice that is needed to make it", inWords(space.Free))
	}
	if err == nil {
		err = allocate(h.path, h.reserve)
		h.asked = time.Time{}
	}
	now := h.cfg.Now()
	switch {
	case err == nil && !h.told.IsZero():
		h.told = time.Time{}
		h.cfg.Log.Info("the reserve is there again", "bytes", h.reserve)
	case err != nil && (h.told.IsZero() || now.Sub(h.told) >= tellsEvery || now.Before(h.told)):
		h.told = now
		h.cfg.Log.Error("the reserve is missing: on a full disk no rollout could be halted. Make room on the disk of the "+
			"data folder; the reserve is made again by itself", "bytes", h.reserve, "err", err)
	}
}

// whole says if the reserve is there.
func (h *Headroom) whole() bool {
	info, err := os.Lstat(h.path)
	return err == nil && info.Mode().IsRegular() && info.Size() == h.reserve
}
