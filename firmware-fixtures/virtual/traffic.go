// SPDX-License-Identifier: Apache-2.0

package virtual

import (
	"time"
)

// register registers the SIMs that are ready and not registered: because the user wants it, or by itself if
// the image does such things and the guard lets it.
func (p *Phone) register(now time.Time) {
	if !p.s.NetUp {
		return
	}
	b := p.image.Behaviour
	auto := b.AutoActivate && b.Gate == GateOpen
	for i := range p.s.Slots {
		sim := &p.s.Slots[i]
		switch {
		case !sim.Ready || sim.Registered || now.Before(sim.Retry):
		case sim.Wanted && p.s.Switch == Switch{StateOn, OriginUser}:
			p.s.Sent.User++
			p.tryRegister(sim, RegisteredByUser, now)
		case auto:
			p.s.Sent.Auto++
			saturate(&p.s.AttemptsSetup)
			saturate(&p.s.AttemptsBuild)
			p.tryRegister(sim, RegisteredByAuto, now)
		}
	}
}

func (p *Phone) tryRegister(sim *SIM, by Registrant, now time.Time) {
	if p.send(now, Carrier, IMEI, Number) != nil {
		sim.Retry = now.Add(RetryEvery)
		return
	}
	sim.Registered, sim.By, sim.Retry = true, by, time.Time{}
	// An image without opt-in takes a registered SIM for a reason to be on, unless the user said otherwise.
	if by == RegisteredByAuto && p.image.Behaviour.Feature == 0 && p.image.Behaviour.DefaultOn &&
		p.s.Switch.Origin != OriginUser {
		p.s.Switch = Switch{StateOn, OriginAuto}
	}
}

// lookup asks the service whether a contact is online: always, or only with switch and consent.
func (p *Phone) lookup(now time.Time) {
	on := p.s.Switch.State == StateOn
	allowed := p.image.Behaviour.LookupAlways || on && p.s.Record.Consent == ConsentIn
	if !p.s.NetUp || !allowed {
		return
	}
	if on {
		p.s.Sent.LookupsOn++
	} else {
		p.s.Sent.LookupsOff++
		saturate(&p.s.LookupsOff)
	}
	_ = p.send(now, ContactNumber) // a lookup that is not answered is not repeated
}

func (p *Phone) send(now time.Time, what ...Identifier) error {
	p.s.Sent.Plain = p.s.Sent.Plain || p.image.Behaviour.Transport == TransportHTTP
	return p.service.Send(now, p.handset, what...)
}
