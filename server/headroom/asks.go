// SPDX-License-Identifier: Apache-2.0

package headroom

import (
	"context"
	"fmt"
	"time"

	"landed/server/fleet"
)

// retryAfter is how long handsets keep a report that found no room: a person has to make some.
const retryAfter = 5 * time.Minute

// ForReport refuses a report while less is free than the mark.
func (h *Headroom) ForReport() error {
	if h.mark == 0 {
		return nil
	}
	space, err := h.space()
	if err == nil && space.Free >= h.mark {
		return nil
	}
	return &fleet.Error{Kind: fleet.Busy, Code: "disk_low", Wait: retryAfter, Err: err,
		Msg: "the disk of the server is nearly full, so it takes no reports in; keep the report and send it again later"}
}

// ForUpload refuses size bytes (0 or less: as many as come) that would leave less free than the mark.
func (h *Headroom) ForUpload(size int64) error {
	space, err := h.space()
	if err != nil {
		return err
	}
	if size = max(size, 0); space.Free-h.mark >= size {
		return nil
	}
	return fleet.Errorf(fleet.NoSpace, "no_space", "nothing was read or stored: the package has %s, the disk of the "+
		"server has %s free, and %s of these must stay free so that rollouts can always be halted; make room on the "+
		"server, then send the file again", sizeWords(size), inWords(space.Free), inWords(h.mark))
}

// tenth is one part of how many that strangers may use up with reports that are stored for good.
const tenth = 10

// ForStrangers is how many bytes of a file of reports may come from installations that nobody counts: a tenth of what it
// may grow to, which is its size now and what is free above the mark. It is below 0 if there is no mark.
func (h *Headroom) ForStrangers(size int64) int64 {
	if h.mark == 0 {
		return -1
	}
	space, err := h.space()
	if err != nil {
		return 0 // no report is taken in then
	}
	return (size + max(space.Free-h.mark, 0)) / tenth
}

func sizeWords(size int64) string {
	if size == 0 {
		return "no stated size"
	}
	return inWords(size)
}

// inWords writes bytes for people.
func inWords(n int64) string {
	switch {
	case n >= 10<<30:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 10<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 10<<10:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}

// Standing is how the room stands. Bytes.
type Standing struct {
	Space
	Reserve, Mark  int64
	ReserveMissing bool
	Err            error // the disk could not be asked
}

// Standing tells how the room stands now.
func (h *Headroom) Standing() Standing {
	h.mu.Lock()
	defer h.mu.Unlock()
	space, err := h.spaceLocked()
	return Standing{space, h.reserve, h.mark, h.reserve > 0 && !h.whole(), err}
}

// Faults are what is wrong with the room, in words; nothing if all is well.
func (h *Headroom) Faults() (faults []string) {
	s := h.Standing()
	if s.Err != nil {
		return []string{fmt.Sprintf("the disk of the data folder cannot be asked for its room: %v", s.Err)}
	}
	if s.Free < s.Mark {
		faults = append(faults, fmt.Sprintf("the disk of the data folder has %s free and needs %s; reports and packages "+
			"are sent away until there is room", inWords(s.Free), inWords(s.Mark)))
	}
	if s.ReserveMissing {
		faults = append(faults, fmt.Sprintf("the reserve of %s for halts is missing; it is made again once twice that is free",
			inWords(s.Reserve)))
	}
	return faults
}

// Store is s for whom the room is kept. A write of control must always work: what meets a full disk is tried again after
// the reserve was given back. What an Update runs may so run twice; the first time nothing of it is stored. Nothing is
// written to the reports below the mark: the reserve is not for them.
func (h *Headroom) Store(s fleet.Store) fleet.Store { return store{s, h} }

type store struct {
	fleet.Store
	room *Headroom
}

// Update implements fleet.Store.
func (s store) Update(ctx context.Context, fn func(fleet.Tx) error) error {
	err := s.Store.Update(ctx, fn)
	if err != nil && s.room.MadeRoom(err) {
		err = s.Store.Update(ctx, fn)
	}
	return err
}

// UpdateReports implements fleet.Store.
func (s store) UpdateReports(ctx context.Context, fn func(fleet.Tx) error) error {
	if err := s.room.ForReport(); err != nil {
		return err
	}
	return s.Store.UpdateReports(ctx, fn)
}

// Intake implements fleet.Store.
func (s store) Intake(ctx context.Context, fn func(fleet.Tx) error) error {
	if err := s.room.ForReport(); err != nil {
		return err
	}
	return s.Store.Intake(ctx, fn)
}
