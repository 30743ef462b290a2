// SPDX-License-Identifier: Apache-2.0

package fleet

import "time"

// Model is a device that this server serves.
type Model struct {
	Device  string // ro.product.device
	Profile []byte // its part of the catalogue, as it was added
	By      string
	At      time.Time
	Retired time.Time // zero while it is served
}

// Channel is a name under which packages and offers stand apart from others.
type Channel struct {
	Name    string
	By      string
	At      time.Time
	Retired time.Time // zero while it is in use
}
