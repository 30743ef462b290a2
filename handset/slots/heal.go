// SPDX-License-Identifier: Apache-2.0

package slots

import (
	"errors"
	"fmt"
)

// damage is a record of the slots that nobody wrote, such as one of zeros after a power cut.
type damage struct {
	aside func() error // puts it out of the way
	err   error
}

func (d *damage) Error() string { return d.err.Error() }

// Lost says what was wrong with the record of the slots when it was made anew, nil if it was not.
func (d *Device) Lost() error { return d.lost }

// heal makes the record anew from the systems that lie in the slots, as AOSP's boot control does when its checksum is
// wrong: each was written whole before it could be switched to. The newest is taken for what ran, because to go back to
// an older one would take an update away; nothing says any more that it ever came up, so the other stays there to fall
// back on. A package that waited for the recovery is given up: the client installs it again.
func (d *Device) heal(lost *damage) error {
	systems, faults := map[string]Image{}, []error{lost}
	for _, name := range []string{"a", "b"} {
		img, err := d.keep.image(name)
		if err != nil {
			faults = append(faults, fmt.Errorf("slot %s: %w", name, err))
			continue
		}
		systems[name] = img
	}
	if len(systems) == 0 {
		return fmt.Errorf("slots: slots.json is damaged, and no slot holds a system: %w", errors.Join(faults...))
	}
	next := state{Style: d.style, Active: "a", Slots: map[string]*slot{"a": {}, "b": {}}}
	for name, img := range systems {
		*next.Slots[name] = slot{Package: img.Package, Bootable: true, Successful: true}
	}
	if a, b := systems["a"], systems["b"]; b.System != nil && (a.System == nil || b.Build.UTC > a.Build.UTC) {
		next.Active = "b"
	}
	if len(systems) == 2 { // its first attempt of those it has
		active := next.Slots[next.Active]
		active.Successful, active.Tries = false, BootAttempts-1
	}
	if err := errors.Join(lost.aside(), d.keep.save(next)); err != nil {
		return fmt.Errorf("slots: slots.json is damaged, and could not be made anew: %w", err)
	}
	d.state, d.lost = next, lost.err
	return nil
}
