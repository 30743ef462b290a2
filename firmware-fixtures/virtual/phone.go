// SPDX-License-Identifier: Apache-2.0

package virtual

import (
	"fmt"
	"slices"
	"time"
)

// ConsentText is the wording that images of behaviour version 1 show.
const ConsentText = 1

// RetryEvery is how long the task of an affected build waits after a failed registration (86,400,000 ms in the
// service framework of June 2014).
const RetryEvery = 24 * time.Hour

// Phone is a handset with an image and userdata. It does nothing until Boot.
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

func (s State) clone() State {
	s.Slots = slices.Clone(s.Slots)
	if s.Backup != nil {
		backup := *s.Backup
		s.Backup = &backup
	}
	return s
}

// Image is what runs; nil before the first boot.
func (p *Phone) Image() *Image { return p.image }

// wiped is userdata after a factory reset: SIMs stay where they are, all else is gone.
func wiped(epoch int, slots []SIM) State {
	s := State{SetupEpoch: epoch + 1, Migration: MigrationNotApplicable,
		Record: Record{Consent: ConsentNone, Surface: SurfaceNone}}
	for _, sim := range slots {
		s.Slots = append(s.Slots, SIM{Present: sim.Present, By: RegisteredByNone})
	}
	return s
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
	p.s.AttemptsBuild, p.s.LookupsOff, p.s.Triggers, p.s.Sent = 0, 0, Triggers{}, Sent{}
	switch {
	case fresh:
		p.s.Switch = Switch{StateOff, OriginFactoryDefault}
		if img.Behaviour.DefaultOn {
			p.s.Switch.State = StateOn
		}
	case from < img.Behaviour.Feature:
		p.migrate(img.Behaviour)
	case from >= 1 && img.Behaviour.DeregisterAuto: // what an opt-in build before it did by itself, against its word
		p.deregister(byItself)
	}
	p.bootBackup(img.Backup)
}

// migrate applies the policy of an opt-in image to what an image without opt-in left behind. Such an image kept
// no consent, so whoever was on may or may not have wanted it.
func (p *Phone) migrate(b Behaviour) {
	p.s.Migration = b.Migration
	on := p.s.Switch.State == StateOn
	switch b.Migration {
	case MigrationLeave:
		if on {
			p.s.Switch.Origin = OriginCarriedOver
		}
	case MigrationSwitchOff:
		if on && p.s.Record.Consent != ConsentIn {
			p.s.Switch = Switch{StateOff, OriginPolicy}
		}
	case MigrationAsk:
		if on {
			p.s.Switch = Switch{StateSuspended, OriginPolicy}
			p.s.Prompt = true
		}
	}
	if b.DeregisterAuto {
		p.deregister(byItself)
	}
}

func byItself(sim SIM) bool { return sim.By == RegisteredByAuto }

func (p *Phone) deregister(which func(SIM) bool) {
	for i, sim := range p.s.Slots {
		if sim.Registered && which(sim) {
			p.s.Slots[i].Registered, p.s.Slots[i].By, p.s.Slots[i].Retry = false, RegisteredByNone, time.Time{}
		}
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
