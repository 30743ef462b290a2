// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"errors"
	"io"
	"os"
	"syscall"
	"time"

	"landed/handset/slots"
	"landed/manifests"
	"landed/manifests/offers"
	"landed/manifests/otapkg"
	"landed/manifests/report"
)

// Inspector examines a package whose SHA-256 this handset has just computed over its own download, so
// that a simulated fleet may look at equal bytes once. Inspect is the usual one.
type Inspector func(r io.ReaderAt, size int64, sha256 string, p otapkg.Policy) (otapkg.Facts, otapkg.Findings, error)

// Inspect is otapkg.Inspect; it takes nobody's word for the digest.
func Inspect(r io.ReaderAt, size int64, _ string, p otapkg.Policy) (otapkg.Facts, otapkg.Findings, error) {
	return otapkg.Inspect(r, size, p)
}

// installer takes a package from the disk into a slot, and starts what lies there.
type installer struct {
	path    string // of the download
	channel string
	pins    []otapkg.Pin // OTA certificates that the firmware pins
	look    Inspector
	slots   *slots.Device
	system  System
}

func newInstaller(cfg Config, path string) *installer {
	return &installer{path: path, channel: cfg.Channel, pins: cfg.Keys, look: cfg.Inspect, slots: cfg.Slots,
		system: cfg.System}
}

// inspect looks at the package itself, after its hash: otapkg against the OTA keys of the firmware, and what it says
// of itself against what was signed for. A refusal of ClassHandset is no fault of the package.
func (i *installer) inspect(o offers.Offer, running slots.Build, now time.Time) error {
	file, err := os.Open(i.path)
	if err != nil {
		return &Refusal{ClassHandset, report.PhaseVerify, codeWrite, err}
	}
	defer file.Close()
	facts, findings, err := i.look(file, o.Package.Length, o.Package.SHA256,
		otapkg.Policy{Model: running.Model, Pins: i.pins, Channel: i.channel, Now: now})
	if err != nil {
		return &Refusal{ClassHandset, report.PhaseVerify, codeWrite, err}
	}
	if findings.Refused() {
		return refusedPackage(findings, i.slots.Style())
	}
	return sameAsSigned(facts, o, running.Fingerprint)
}

// install writes the package: into the other slot, or for the recovery.
func (i *installer) install(want manifests.Package) error {
	file, err := os.Open(i.path)
	if err != nil {
		return &Refusal{ClassHandset, report.PhaseInstall, codeWrite, err}
	}
	defer file.Close()
	p := slots.Package{Reader: file, Size: want.Length, SHA256: want.SHA256, Path: i.path}
	if err := i.slots.Install(p); err != nil {
		return installRefusal(err)
	}
	return nil
}

// boot starts the new system, at most as often as its slot allows, and keeps it if it comes up. Another that comes up
// in its stead is a refusal.
func (i *installer) boot(sha256 string) (slots.Build, error) {
	var last error
	for range slots.BootAttempts + 2 {
		img, err := i.slots.Boot()
		if err != nil {
			return slots.Build{}, i.bootOld(installRefusal(err))
		}
		if err := i.system.Boot(img); err != nil {
			last = err
			continue
		}
		if img.Package != sha256 {
			return slots.Build{}, &Refusal{ClassInstall, report.PhaseBoot, slots.CodeBootedOldSlot,
				errors.Join(errors.New("the new system did not come up; the old one runs"), last)}
		}
		if err := i.slots.MarkSuccessful(); err != nil {
			return slots.Build{}, &Refusal{ClassHandset, report.PhaseBoot, codeWrite, err}
		}
		return img.Build, nil
	}
	return slots.Build{}, refuse(ClassInstall, report.PhaseBoot, slots.CodeBootedOldSlot, "no system came up: %w", last)
}

// bootOld starts the system that is still there after the recovery refused the package.
func (i *installer) bootOld(r *Refusal) error {
	img, err := i.slots.Boot()
	if err == nil {
		err = i.system.Boot(img)
	}
	r.Err = errors.Join(r.Err, err)
	return r
}

// installRefusal tells a disk that is full or cannot be written from a package that cannot be installed.
func installRefusal(err error) *Refusal {
	switch _, own := errors.AsType[syscall.Errno](err); {
	case errors.Is(err, syscall.ENOSPC):
		return &Refusal{ClassHandset, report.PhaseInstall, codeNoSpace, err}
	case own:
		return &Refusal{ClassHandset, report.PhaseInstall, codeWrite, err}
	}
	return &Refusal{ClassInstall, report.PhaseInstall, slots.CodeOf(err), err}
}
