// SPDX-License-Identifier: Apache-2.0

package slots

import (
	"errors"
	"fmt"
)

// Boot lets the recovery finish what waits for it, takes one boot attempt, and returns the
// system to start. It falls back to the other slot when the attempts are used up, or when the system cannot be read.
// An error of the recovery leaves the old system active and is returned with its code; Boot again to start that.
func (d *Device) Boot() (Image, error) {
	if err := d.recover(); err != nil {
		return Image{}, err
	}
	if d.Unproven() {
		err := d.change(func(st *state) {
			if s := st.Slots[st.Active]; s.Tries <= 0 {
				s.Bootable = false
				st.Active = d.other()
			} else {
				s.Tries--
			}
		})
		if err != nil {
			return Image{}, err
		}
	}
	return d.stand()
}

// stand is the system in the active slot, or, if that was damaged, in the other one, which is active from then on.
func (d *Device) stand() (Image, error) {
	img, damage := d.keep.image(d.state.Active)
	if damage == nil {
		return img, nil
	}
	other := d.other()
	if !d.state.Slots[other].Bootable {
		return Image{}, fmt.Errorf("slots: slot %s is damaged, and no other is there to boot: %w", d.state.Active, damage)
	}
	img, err := d.keep.image(other)
	if err != nil {
		return Image{}, fmt.Errorf("slots: both slots are damaged: %w", errors.Join(damage, err))
	}
	return img, d.change(func(st *state) {
		*st.Slots[st.Active] = slot{}
		st.Active = other
	})
}

// recover applies a pending package. A package that the script refuses is dropped: the recovery
// would refuse it for ever.
func (d *Device) recover() error {
	if d.state.Pending == nil {
		return nil
	}
	p, done, err := d.keep.pack(*d.state.Pending)
	if err == nil {
		err = errors.Join(d.writeOther(p), done())
	} else {
		err = fail(CodeScript, err, "the recovery could not open the package")
	}
	if err == nil {
		return nil // writeOther took the command away in the same save
	}
	return errors.Join(err, d.change(func(st *state) { st.Pending = nil }))
}

// MarkSuccessful keeps the active slot. It may be called at every boot, and refuses a system that was never booted.
func (d *Device) MarkSuccessful() error {
	if !d.Unproven() {
		return nil
	}
	if d.waits() {
		return errors.New("slots: the installed system was not booted yet; nothing shows that it comes up")
	}
	return d.change(func(st *state) {
		s := st.Slots[st.Active]
		s.Successful, s.Bootable, s.Tries = true, true, 0
	})
}

// Rollback leaves an unproven system at once, without using up its attempts.
func (d *Device) Rollback() error {
	if !d.Unproven() {
		return errors.New("slots: the running system was marked successful; only a package can replace it")
	}
	return d.change(func(st *state) {
		s := st.Slots[st.Active]
		s.Bootable, s.Tries = false, 0
		st.Active = d.other()
	})
}
