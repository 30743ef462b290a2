// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"net/url"
	"strconv"
	"time"
)

// AuditEntry is one line of the append-only trail.
type AuditEntry struct {
	N       int64     `json:"n"`
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`
	Action  string    `json:"action"`
	Subject string    `json:"subject"`
	Reason  string    `json:"reason,omitempty"`
}

// Audit is the trail of a server.
type Audit struct{ t *transport }

// List reads the trail, newest first: up to limit entries (1…500) that are older than before (0: from the end), or, with
// a subject, the newest of that subject alone. The second value is where to go on, 0 at the end.
func (a Audit) List(ctx context.Context, subject string, before int64, limit int) ([]AuditEntry, int64, error) {
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	if subject != "" {
		q.Set("subject", subject)
	} else if before > 0 {
		q.Set("before", strconv.FormatInt(before, 10))
	}
	var page struct {
		Entries []AuditEntry `json:"entries"`
		Before  int64        `json:"before"`
	}
	err := a.t.get(ctx, "/v1/audit?"+q.Encode(), &page)
	return page.Entries, page.Before, err
}
