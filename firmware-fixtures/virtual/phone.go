// SPDX-License-Identifier: Apache-2.0

package virtual

import (
	"fmt"
	"time"
)

// Phone is a handset with an image and userdata: what happens to it, and which of its services hears of that. It does
// nothing until Boot.
type Phone struct {
	handset string
	service Activation
	image   *Image
	s       State
}

// NewPhone is a handset out of the box, with one or two empty SIM slots. handset names it to the service.
func NewPhone(handset string, slots int, service Activation) *Phone {
	return &Phone{handset: handset, service: service, s: wiped(0, make([]SIM, min(max(slots, 1), 2)))}
}

// Resume is a handset that goes on from a stored state, on the image that it was running. Without an image it is
// switched off and waits for Boot, which may bring another one.
func Resume(handset string, img *Image, s State, service Activation) (*Phone, error) {
	if img != nil && s.Build != img.Fingerprint {
		return nil, fmt.Errorf("resume %s: the state is of build %q, the image is %q: boot the image instead", handset,
			s.Build, img.Fingerprint)
	}
	if len(s.Slots) < 1 || len(s.Slots) > 2 {
		return nil, fmt.Errorf("resume %s: %d SIM slots: wanted one or two", handset, len(s.Slots))
	}
	return &Phone{handset: handset, service: service, image: img, s: s.clone()}, nil
}

// State is a copy of the userdata.
func (p *Phone) State() State { return p.s.clone() }

// Image is what runs; nil before the first boot.
func (p *Phone) Image() *Image { return p.image }

func (p *Phone) line() uplink { return uplink{p.s.NetUp, p.handset, p.service} }

// messaging is Cloud Messaging as the image that runs has it.
func (p *Phone) messaging() messaging {
	m := messaging{mem: &p.s.Messaging, line: p.line()}
	if p.image != nil {
		m.does = p.image.Behaviour
	}
	return m
}

// backup is the app backup as the image that runs has it, nil if it has none.
func (p *Phone) backup() *appBackup {
	if p.image == nil || p.image.Backup == nil || p.s.Backup == nil {
		return nil
	}
	return &appBackup{mem: p.s.Backup, does: *p.image.Backup, line: p.line()}
}

// Boot starts the handset on an image. The first boot of another build is where a migration happens; SIMs and
// network come up afterwards, by SIMReady and NetUp.
func (p *Phone) Boot(img *Image, now time.Time) {
	p.image = img
	p.s.NetUp = false
	for i := range p.s.Slots {
		p.s.Slots[i].Ready = false
	}
	if p.s.Build != img.Fingerprint {
		p.firstBoot(img, now)
	}
	p.s.Triggers.Boot = true
	p.Tick(now)
}

func (p *Phone) firstBoot(img *Image, now time.Time) {
	from, fresh := p.s.Feature, p.s.Build == ""
	p.s.Previous, p.s.Build, p.s.Feature, p.s.FirstBoot = p.s.Build, img.Fingerprint, img.Behaviour.Feature, now
	p.s.Triggers = Triggers{}
	p.messaging().firstBoot(fresh, from)
	if img.Backup != nil { // else the userdata stays, and nobody looks at it
		p.s.Backup = img.Backup.firstBoot(p.s.Backup)
	}
}

// FactoryReset wipes userdata and starts the same image as if new.
func (p *Phone) FactoryReset(now time.Time) {
	if p.image == nil {
		return
	}
	p.s = wiped(p.s.SetupEpoch, p.s.Slots)
	p.Boot(p.image, now)
}
