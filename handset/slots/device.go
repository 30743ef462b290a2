// SPDX-License-Identifier: Apache-2.0

package slots

import (
	"errors"
	"fmt"
	"io"
)

// Package is a verified OTA file. The reader must stay usable until Install returns, and in
// the recovery style until Boot has applied it.
type Package struct {
	Reader io.ReaderAt
	Size   int64
	SHA256 string // hex, as the caller verified it
	Path   string // where it lies; the recovery opens it after the reboot
}

// Device is the pair of slots of one handset. It is not safe for concurrent use.
type Device struct {
	style Style
	state state
	keep  keeper
	lost  error
}

// state is what a boot loader keeps: small, and replaced as a whole.
type state struct {
	Style   Style            `json:"style"`
	Active  string           `json:"active"` // "a" or "b"
	Slots   map[string]*slot `json:"slots"`
	Pending *pending         `json:"pending,omitempty"` // for the recovery
}

func (st state) clone() state {
	slots := map[string]*slot{}
	for name, s := range st.Slots {
		copied := *s
		slots[name] = &copied
	}
	st.Slots = slots
	return st
}

type slot struct {
	Package    string `json:"package"`
	Bootable   bool   `json:"bootable"`
	Successful bool   `json:"successful"`
	Tries      int    `json:"tries"` // boots left before it is given up
}

// pending is the command for the recovery. It stays until the recovery has finished, so a
// power cut in the middle only means that the recovery starts again.
type pending struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// keeper is where states and systems lie: a folder, or memory.
type keeper interface {
	load() (state, bool, error)
	save(state) error                                // all or nothing
	write(slot string, p Package) error              // replaces what lies in the slot
	fill(slot string, files map[string][]byte) error // as sold: without a package
	image(slot string) (Image, error)
	pack(pending) (Package, func() error, error) // opens what was left for the recovery
}

func open(k keeper, style Style, asSold map[string][]byte) (*Device, error) {
	st, found, err := k.load()
	d := &Device{style: style, state: st, keep: k}
	if lost, ok := errors.AsType[*damage](err); ok {
		return d, d.heal(lost)
	}
	if err != nil {
		return nil, err
	}
	if found {
		if st.Style != style {
			return nil, fmt.Errorf("slots: the folder holds a handset of style %s, wanted %s", st.Style, style)
		}
		_, err := d.bootableImage()
		return d, err
	}
	if asSold == nil {
		return nil, errors.New("slots: no system is installed here; give the package or files that the handset was sold with")
	}
	if err := k.fill("a", asSold); err != nil {
		return nil, err
	}
	d.state = state{Style: style, Active: "a", Slots: map[string]*slot{
		"a": {Bootable: true, Successful: true}, "b": {},
	}}
	return d, k.save(d.state)
}

// change writes the state as edit leaves it. What could not be written has not happened.
func (d *Device) change(edit func(*state)) error {
	next := d.state.clone()
	edit(&next)
	if err := d.keep.save(next); err != nil {
		return err
	}
	d.state = next
	return nil
}

// Style is the style it was opened with.
func (d *Device) Style() Style { return d.style }

// Active names the slot that runs, or that the next Boot tries.
func (d *Device) Active() string { return d.state.Active }

// Image is the system that runs: the one in the active slot, unless that was installed and not booted yet.
func (d *Device) Image() (Image, error) {
	if d.waits() {
		return d.keep.image(d.other())
	}
	return d.keep.image(d.state.Active)
}

// waits says that the active slot waits for its first boot.
func (d *Device) waits() bool {
	return d.Unproven() && d.state.Slots[d.state.Active].Tries == BootAttempts
}

// Pending says if a package waits for the recovery.
func (d *Device) Pending() bool { return d.state.Pending != nil }

// Unproven says if the active slot was never marked successful.
func (d *Device) Unproven() bool { return !d.state.Slots[d.state.Active].Successful }

// Install writes p into the other slot and makes it the next to boot (A/B), or leaves it for
// the recovery. It may be called again after any error or crash; what runs is never touched, and
// neither is the last system that was marked successful.
func (d *Device) Install(p Package) error {
	if d.style == Recovery {
		return d.change(func(st *state) { st.Pending = &pending{p.Path, p.Size, p.SHA256} })
	}
	return d.writeOther(p)
}

// makeRoom sees to it that the other slot may be written to: a system that was installed and never booted gives way
// to what is installed now; one that runs and was not marked successful must be, or be left, first.
func (d *Device) makeRoom() error {
	if !d.Unproven() {
		return nil
	}
	if !d.waits() {
		return fail(CodeInstallDevice, nil, "the running system was not marked successful yet; the other slot holds the "+
			"only one to fall back on")
	}
	return d.change(func(st *state) {
		*st.Slots[st.Active] = slot{}
		st.Active = d.other()
	})
}

func (d *Device) writeOther(p Package) error {
	if err := d.makeRoom(); err != nil {
		return err
	}
	running, err := d.Image()
	if err != nil {
		return err
	}
	if err := checkFor(p, running.Build, d.style); err != nil {
		return err
	}
	other := d.other()
	// not bootable while it is half written
	if err := d.change(func(st *state) { *st.Slots[other] = slot{} }); err != nil {
		return err
	}
	if err := d.keep.write(other, p); err != nil {
		return err
	}
	if err := d.judgeWritten(other, running.Build); err != nil {
		return err
	}
	return d.change(func(st *state) {
		*st.Slots[other] = slot{Package: p.SHA256, Bootable: true, Tries: BootAttempts}
		st.Active, st.Pending = other, nil
	})
}

// judgeWritten looks at the system as it lies in the slot: the last gate, and the same in both styles.
func (d *Device) judgeWritten(name string, running Build) error {
	img, err := d.keep.image(name)
	if err != nil {
		return err
	}
	older, wrong := CodeOlder, CodeWrongDevice
	if d.style == AB {
		older, wrong = CodeABOlder, CodeInstallDevice
	}
	if img.Build.Model != running.Model {
		return fail(wrong, nil, "the package holds a system for %s, this handset is a %s", img.Build.Model, running.Model)
	}
	if img.Build.UTC < running.UTC {
		return fail(older, nil, "the package holds a system of %d, older than the running one of %d",
			img.Build.UTC, running.UTC)
	}
	return nil
}

func (d *Device) other() string {
	if d.state.Active == "a" {
		return "b"
	}
	return "a"
}
