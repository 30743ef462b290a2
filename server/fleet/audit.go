// SPDX-License-Identifier: Apache-2.0

package fleet

import "time"

// AuditEntry is one line of the append-only trail.
type AuditEntry struct {
	N       int64
	At      time.Time
	Actor   string // name of the token, or "landed" for the loop
	Action  string // "package.upload", "rollout.halt" …
	Subject string
	Reason  string
}
