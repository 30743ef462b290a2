// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"time"
)

// Channel is a name under which packages and offers stand apart from others.
type Channel struct {
	Name string    `json:"name"`
	By   string    `json:"by"`
	At   time.Time `json:"at"`
}

// Channels are those of a server.
type Channels struct{ t *transport }

// List gives all channels.
func (c Channels) List(ctx context.Context) ([]Channel, error) {
	var a struct {
		Channels []Channel `json:"channels"`
	}
	err := c.t.get(ctx, "/v1/channels", &a)
	return a.Channels, err
}

// Add adds a channel; one that is there stays as it is. reason may be empty.
func (c Channels) Add(ctx context.Context, name, reason string) (Channel, error) {
	in := struct {
		Name   string `json:"name"`
		Reason string `json:"reason"`
	}{name, reason}
	var added Channel
	err := c.t.post(ctx, "/v1/channels", in, &added)
	return added, err
}
