// SPDX-License-Identifier: Apache-2.0

package release

import (
	"landed/server/fleet"
	"landed/server/repo"
)

// Attach adds signatures to a change without storing it.
var Attach = attach

// RoomFaults are those of packages that are too many.
var RoomFaults = roomFaults

// RequestOf is a change that makes doc the next version of a role.
func (rs *Releases) RequestOf(s repo.State, role string, doc []byte) (fleet.Change, error) {
	return rs.request(s, fleet.Release{}, draft{roles: map[string][]byte{role: doc}})
}
