// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"time"
)

// RestoreState is how a database stands that was restored from a backup.
type RestoreState struct {
	Unnamed bool       `json:"unnamed"` // nothing but halts is published until somebody says what was lost
	At      *time.Time `json:"at,omitempty"`
	By      string     `json:"by,omitempty"`
	Words   string     `json:"words,omitempty"` // of the newest line of the trail about a restore; "": there was none
}

// Restore is what the server says of a restored database.
type Restore struct{ t *transport }

// State tells how it stands.
func (c Restore) State(ctx context.Context) (RestoreState, error) {
	var s RestoreState
	err := c.t.get(ctx, "/v1/restore", &s)
	return s, err
}

// Name says until when something was stored that is lost, and why.
func (c Restore) Name(ctx context.Context, until time.Time, reason string) (RestoreState, error) {
	in := struct {
		Until  time.Time `json:"until"`
		Reason string    `json:"reason"`
	}{until, reason}
	var s RestoreState
	err := c.t.post(ctx, "/v1/restore", in, &s)
	return s, err
}
