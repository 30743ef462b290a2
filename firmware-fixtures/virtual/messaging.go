// SPDX-License-Identifier: Apache-2.0

package virtual

import "time"

// RetryEvery is how long the task of an affected build waits after a failed registration (86,400,000 ms in the
// service framework of June 2014).
const RetryEvery = 24 * time.Hour

// messaging is Cloud Messaging on one handset: what an image does with the userdata that it finds.
type messaging struct {
	mem  *Messaging
	does Behaviour
	line uplink
}

// firstBoot is the first boot of another build, over userdata of an image of behaviour version from, or over none.
func (m messaging) firstBoot(fresh bool, from int) {
	m.mem.AttemptsBuild, m.mem.LookupsOff, m.mem.Sent = 0, 0, Sent{}
	switch {
	case fresh:
		m.mem.Switch = Switch{StateOff, OriginFactoryDefault}
		if m.does.DefaultOn {
			m.mem.Switch.State = StateOn
		}
	case from < m.does.Feature:
		m.migrate()
	case from >= 1 && m.does.DeregisterAuto: // what an opt-in build before it did by itself, against its word
		m.deregister(byItself)
	}
}

// migrate applies the policy of an opt-in image to what an image without opt-in left behind. Such an image kept
// no consent, so whoever was on may or may not have wanted it.
func (m messaging) migrate() {
	m.mem.Migration = m.does.Migration
	on := m.mem.Switch.State == StateOn
	switch m.does.Migration {
	case MigrationLeave:
		if on {
			m.mem.Switch.Origin = OriginCarriedOver
		}
	case MigrationSwitchOff:
		if on && m.mem.Record.Consent != ConsentIn {
			m.mem.Switch = Switch{StateOff, OriginPolicy}
		}
	case MigrationAsk:
		if on {
			m.mem.Switch = Switch{StateSuspended, OriginPolicy}
			m.mem.Prompt = true
		}
	}
	if m.does.DeregisterAuto {
		m.deregister(byItself)
	}
}

func byItself(sim SIM) bool { return sim.By == RegisteredByAuto }

func (m messaging) deregister(which func(SIM) bool) {
	for i, sim := range m.mem.Slots {
		if sim.Registered && which(sim) {
			m.mem.Slots[i].Registered, m.mem.Slots[i].By, m.mem.Slots[i].Retry = false, RegisteredByNone, time.Time{}
		}
	}
}

// register registers the SIMs that are ready and not registered: because the user wants it, or by itself if
// the image does such things and the guard lets it.
func (m messaging) register(now time.Time) {
	if !m.line.up {
		return
	}
	auto := m.does.AutoActivate && m.does.GateAt(now) == GateOpen
	for i := range m.mem.Slots {
		sim := &m.mem.Slots[i]
		switch {
		case !sim.Ready || sim.Registered || now.Before(sim.Retry):
		case sim.Wanted && m.mem.Switch == Switch{StateOn, OriginUser}:
			m.mem.Sent.User++
			m.tryRegister(sim, RegisteredByUser, now)
		case auto:
			m.mem.Sent.Auto++
			saturate(&m.mem.AttemptsSetup)
			saturate(&m.mem.AttemptsBuild)
			m.tryRegister(sim, RegisteredByAuto, now)
		}
	}
}

func (m messaging) tryRegister(sim *SIM, by Registrant, now time.Time) {
	if m.send(now, Carrier, IMEI, Number) != nil {
		sim.Retry = now.Add(RetryEvery)
		return
	}
	sim.Registered, sim.By, sim.Retry = true, by, time.Time{}
	// An image without opt-in takes a registered SIM for a reason to be on, unless the user said otherwise.
	if by == RegisteredByAuto && m.does.Feature == 0 && m.does.DefaultOn && m.mem.Switch.Origin != OriginUser {
		m.mem.Switch = Switch{StateOn, OriginAuto}
	}
}

// lookup asks the service whether a contact is online: always, or only with switch and consent.
func (m messaging) lookup(now time.Time) {
	on := m.mem.Switch.State == StateOn
	allowed := m.does.LookupAlways || on && m.mem.Record.Consent == ConsentIn
	if !m.line.up || !allowed {
		return
	}
	if on {
		m.mem.Sent.LookupsOn++
	} else {
		m.mem.Sent.LookupsOff++
		saturate(&m.mem.LookupsOff)
	}
	_ = m.send(now, ContactNumber) // a lookup that is not answered is not repeated
}

func (m messaging) send(now time.Time, what ...Identifier) error {
	m.mem.Sent.Plain = m.mem.Sent.Plain || m.does.Transport == TransportHTTP
	return m.line.send(now, what...)
}
