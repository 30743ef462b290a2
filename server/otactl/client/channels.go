// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Channel is a name under which packages and offers stand apart from others.
type Channel struct {
	Name    string     `json:"name"`
	By      string     `json:"by"`
	At      time.Time  `json:"at"`
	Retired *time.Time `json:"retired,omitempty"` // nil while it is in use
}

// Channels are those of a server.
type Channels struct{ t *transport }

// List gives all channels, retired ones too.
func (c Channels) List(ctx context.Context) ([]Channel, error) {
	var a struct {
		Channels []Channel `json:"channels"`
	}
	err := c.t.get(ctx, "/v1/channels", &a)
	return a.Channels, err
}

// Add adds a channel, or brings a retired one back; one that is in use stays as it is. reason may be empty.
func (c Channels) Add(ctx context.Context, name, reason string) (Channel, error) {
	in := struct {
		Name   string `json:"name"`
		Reason string `json:"reason"`
	}{name, reason}
	var added Channel
	err := c.t.post(ctx, "/v1/channels", in, &added)
	return added, err
}

// Retire takes a channel out of use: it takes no packages, releases and rollouts any more.
func (c Channels) Retire(ctx context.Context, name, reason string) error {
	q := url.Values{"reason": {reason}}
	return c.t.call(ctx, http.MethodDelete, "/v1/channels/"+url.PathEscape(name)+"?"+q.Encode(), nil, nil)
}
