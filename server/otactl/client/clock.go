// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"time"
)

// ClockState is how the clock of the server stands.
type ClockState struct {
	Now        time.Time  `json:"now"`              // what the server goes by
	Shows      time.Time  `json:"shows"`            // what its clock shows
	Distrusted bool       `json:"distrusted"`       // it jumped, and is not believed yet
	Jumped     *time.Time `json:"jumped,omitempty"` // when, by what the server goes by
	By         string     `json:"by,omitempty"`     // shows is ahead of now by so much, as Go writes durations
	Left       string     `json:"left,omitempty"`   // so long it must agree to be believed by itself; "": a person must accept it
}

// Clock is that of the server.
type Clock struct{ t *transport }

// State tells how it stands.
func (c Clock) State(ctx context.Context) (ClockState, error) {
	var s ClockState
	err := c.t.get(ctx, "/v1/clock", &s)
	return s, err
}

// Accept has a clock that jumped believed as it stands now.
func (c Clock) Accept(ctx context.Context, reason string) (ClockState, error) {
	in := struct {
		Reason string `json:"reason"`
	}{reason}
	var s ClockState
	err := c.t.post(ctx, "/v1/clock/accept", in, &s)
	return s, err
}
