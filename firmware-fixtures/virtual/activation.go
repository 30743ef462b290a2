// SPDX-License-Identifier: Apache-2.0

package virtual

import "time"

// Identifier is a kind of identifier, or of what identifies as well as one. There are no values: nothing in a
// simulation could be one.
type Identifier int

// What F-Secure saw leaving a handset in August 2014, and the list that goes with the app backup.
const (
	Carrier       Identifier = iota // the network operator's name
	IMEI                            // of the handset
	Number                          // of the SIM
	ContactNumber                   // of somebody else, for a presence lookup
	IMSI                            // of the SIM
	AppList                         // the list of installed apps: no identifier, and as good as one
)

func (i Identifier) String() string {
	return [...]string{"carrier", "imei", "number", "contact_number", "imsi", "app_list"}[i]
}

// Activation is the maker's activation service, as the handset sees it. Every call means that identifiers
// have left the handset. The service is not told whether anybody consented, and has no way to know. An error
// says that it did not accept them; a registration is then tried again after 24 hours.
// handset names the simulated handset to the simulation; it is no part of what is sent.
type Activation interface {
	Send(at time.Time, handset string, what ...Identifier) error
}

// uplink is the way out of one handset, for the services on it.
type uplink struct {
	up      bool // the data network is there
	handset string
	service Activation
}

func (u uplink) send(at time.Time, what ...Identifier) error {
	return u.service.Send(at, u.handset, what...)
}
