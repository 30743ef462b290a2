// SPDX-License-Identifier: Apache-2.0

package fleet

import "time"

// ActionLook is the action of a line that only says that a rollout was looked at, and what it waits for. There is one a day of each.
const ActionLook = "rollout.look"

// AuditEntry is one line of the append-only trail.
type AuditEntry struct {
	N       int64
	At      time.Time
	Actor   string // name of the token, or "landed" for the loop
	Action  string // "package.upload", "rollout.halt" …
	Subject string
	Reason  string
}
